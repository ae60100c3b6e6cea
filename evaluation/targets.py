"""Targets that no rule makes, and what is wrong with them."""

from __future__ import annotations

from evaluation.config import TIERS, Config


def unknown_cell_pattern(config: Config) -> str:
    """A regular expression of results (without `.json`) that no rule of the workflow makes."""
    tiers, models, datasets = "|".join(TIERS), "|".join(config.models), "|".join(config.datasets)
    known = rf"(?:{tiers})/(?:all|(?:{models})/(?:{datasets}))\.json$"
    return rf"(?!{known}|responses/|judgments/|journals/).+"


def explain_unknown(config: Config, path: str) -> str:
    """What is wrong with the target `results/{path}.json`, which no rule makes."""
    parts = path.split("/")
    names = [
        ("tier", TIERS),
        ("model", sorted(config.models)),
        ("dataset", sorted(config.datasets)),
    ]
    if len(parts) == 2 and parts[1] == "all":
        names = names[:1]
    elif len(parts) != 3:
        return (
            f"No rule can make results/{path}.json: a result is results/TIER/MODEL/DATASET.json, "
            f"an aggregate results/TIER/all.json, with TIER one of {', '.join(TIERS)}"
        )
    wrong = [
        f"unknown {noun} '{found}'; known: {', '.join(known)}"
        for found, (noun, known) in zip(parts, names, strict=False)
        if found not in known
    ]
    return f"No rule can make results/{path}.json: {' and '.join(wrong)}"
