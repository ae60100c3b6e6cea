"""Targets that no rule makes, and what is wrong with them."""

from __future__ import annotations

from evaluation.config import TIERS, Config
from evaluation.preset_selection import chooses, why_not

# Files about all cells of a tier: results/{tier}/{name}.json.
WHOLES = ("all", "comparisons", "cost", "gate")


def unknown_cell_pattern(config: Config) -> str:
    """A regular expression of results (without `.json`) that no rule of the workflow makes."""
    tiers, models, datasets = "|".join(TIERS), "|".join(config.models), "|".join(config.datasets)
    wholes = "|".join(WHOLES)
    known = rf"(?:{tiers})/(?:{wholes}|(?:{models})/(?:{datasets}))\.json$"
    presets = rf"presets/(?:{choosing_models(config)})(?:/.+)?\.json$"
    adaptive = rf"adaptive/(?:{tiers}|summary)\.json$"
    return rf"(?!{known}|{presets}|{adaptive}|responses/|judgments/|journals/).+"


def choosing_models(config: Config) -> str:
    """A regular expression of the models whose preset is chosen; without any, it matches none."""
    return "|".join(model for model in config.models if chooses(config, model)) or "(?!)"


def explain_unknown(config: Config, path: str) -> str:
    """What is wrong with the target `results/{path}.json`, which no rule makes."""
    parts = path.split("/")
    if parts[0] == "presets" and len(parts) > 1 and parts[1] in config.models:
        return (
            f"No rule can make results/{path}.json: no preset is chosen for {parts[1]}, as "
            f"{why_not(config, parts[1])}"
        )
    names = [
        ("tier", TIERS),
        ("model", sorted(config.models)),
        ("dataset", sorted(config.datasets)),
    ]
    if len(parts) == 2 and parts[1] in WHOLES:
        names = names[:1]
    elif len(parts) != 3:
        return (
            f"No rule can make results/{path}.json: a result is results/TIER/MODEL/DATASET.json, "
            f"a tier's are results/TIER/{{{','.join(WHOLES)}}}.json, with TIER one of "
            f"{', '.join(TIERS)}"
        )
    wrong = [
        f"unknown {noun} '{found}'; known: {', '.join(known)}"
        for found, (noun, known) in zip(parts, names, strict=False)
        if found not in known
    ]
    return f"No rule can make results/{path}.json: {' and '.join(wrong)}"
