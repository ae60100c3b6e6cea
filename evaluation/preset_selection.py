"""Which preset a model's standard and full tiers run with.

The quick tier runs `default_preset`. Where that turns out unhealthy (preset_health.py says what
that means), the candidates are tried on the quick slices, one after the other, until one is
healthy and shown to be no worse than the default by more than the margin. See docs/presets.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeVar, cast

from evaluation.config import ComparisonSettings, Config, EndpointModel, PresetName
from evaluation.files import read_record
from evaluation.records import PresetChoice, PresetHealth, Record

FOLDER = "results/presets"
RecordT = TypeVar("RecordT", bound=Record)


class Thresholds(Record):
    """Where the signs of a preset's health end; see `PresetSelection`."""

    backoffs: float
    failed: float
    truncated: float
    unstable: float
    headroom: float
    tokens_per_second: float | None


class AssessSettings(Record):
    """The settings of an assess_preset job."""

    model: str
    preset: str
    thresholds: Thresholds
    comparison: ComparisonSettings
    seed: int


class SelectSettings(Record):
    """The settings of a select_preset job."""

    model: str
    margin: float


# ---- what there is to choose from -----------------------------------------------------------


def order(config: Config, model: str) -> list[PresetName]:
    """The presets of a model in the order they are tried, the one of the quick tier first.

    A candidate whose settings are those of an earlier one would only repeat it.
    """
    found = [config.preset_of(model)]
    if model in config.optimal_presets or isinstance(config.models[model], EndpointModel):
        return found
    # The configuration has checked that these are names of presets.
    for name in cast("list[PresetName]", config.preset_selection.candidates):
        own = getattr(config.presets, name)
        if all(own != getattr(config.presets, other) for other in found):
            found.append(name)
    return found


def chooses(config: Config, model: str) -> bool:
    """Whether a model's preset is chosen: not if it is pinned, or there is nothing to choose."""
    return config.preset_selection.enabled and len(order(config, model)) > 1


def why_not(config: Config, model: str) -> str:
    """Why no preset is chosen for a model, as the end of a sentence."""
    if not config.preset_selection.enabled:
        return "preset_selection.enabled is false"
    if model in config.optimal_presets:
        return f"optimal_presets.{model} pins it"
    if isinstance(config.models[model], EndpointModel):
        return "it is behind a server, which decides that"
    return "preset_selection.candidates has no preset that differs from default_preset"


# ---- files ----------------------------------------------------------------------------------


def choice_file(model: str) -> str:
    """The file of a model's choice."""
    return f"{FOLDER}/{model}.json"


def health_file(model: str, preset: str) -> str:
    """The file that says how a preset did."""
    return f"{FOLDER}/{model}/{preset}.json"


def candidate_result(model: str, preset: str, dataset: str) -> str:
    """The result of a candidate's quick run on a dataset."""
    return f"{FOLDER}/{model}/{preset}/{dataset}.json"


def health_files(config: Config, model: str) -> list[str]:
    """The presets that have to be assessed, as far as is known: one more after each that fails."""
    files = []
    for preset in order(config, model):
        path = health_file(model, preset)
        files.append(path)
        health = _read(path, PresetHealth)
        if health is None or acceptable(health, config.preset_selection.margin):
            break
    return files


def chosen(config: Config, model: str) -> PresetName:
    """The preset chosen for a model; the default as long as the choice has not been made."""
    choice = _read(choice_file(model), PresetChoice) if chooses(config, model) else None
    # A choice is always one of the presets that were tried.
    return config.preset_of(model) if choice is None else cast(PresetName, choice.chosen)


def _read(path: str, kind: type[RecordT]) -> RecordT | None:
    """A file's record, None where there is no file; rules ask several times a job."""
    try:
        written = Path(path).stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return cast(RecordT, _read_written(path, kind, written))


@lru_cache(maxsize=1024)
def _read_written(path: str, kind: type[Record], written: int) -> Record:
    """A record, read again when the time it was written has changed."""
    return read_record(Path(path), kind)


# ---- the choice -----------------------------------------------------------------------------


def acceptable(health: PresetHealth, margin: float) -> bool:
    """Whether the search ends with this preset."""
    return health.healthy and no_worse(health, margin)


def no_worse(health: PresetHealth, margin: float) -> bool:
    """Whether a preset's mean score is shown to be lower than the default's by at most `margin`.

    So is the default itself, and any preset where the default has no scores to compare with.
    """
    against = health.against_default
    if against is None:
        return True
    return against.interval is not None and against.interval.low >= -margin


def choose(settings: SelectSettings, tried: Sequence[PresetHealth]) -> PresetChoice:
    """The choice among the presets tried, the default first; raises ValueError without any.

    The first acceptable one. Without one, the presets that are no worse than the default remain:
    the one with the fewest violated checks, then one whose scores are shown to be better than the
    default's (a mean that is higher by chance says nothing), then the fastest.
    """
    if not tried:
        raise ValueError("no preset was tried")
    margin = settings.margin
    chosen = next((health for health in tried if acceptable(health, margin)), None)
    if chosen is None:
        chosen = min(
            (health for health in tried if no_worse(health, margin)),
            key=lambda health: (len(_violated(health)), not _better(health), -_speed(health)),
        )
    return PresetChoice(
        model=settings.model,
        chosen=chosen.preset,
        reason=_reason(chosen, tried, margin),
        tried=list(tried),
    )


def _better(health: PresetHealth) -> bool:
    against = health.against_default
    return against is not None and against.interval is not None and against.interval.low > 0


def _speed(health: PresetHealth) -> float:
    return health.tokens_per_second or 0.0


def _violated(health: PresetHealth) -> list[str]:
    """The violated checks of a preset in words."""
    return [
        f"{check.name.replace('_', ' ')} {_number(check.value)}, "
        f"{'at least' if check.name in ('headroom', 'tokens_per_second') else 'at most'} "
        f"{_number(check.threshold)} allowed"
        for check in health.checks
        if not check.healthy
    ]


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"


def _reason(chosen: PresetHealth, tried: Sequence[PresetHealth], margin: float) -> str:
    """Why: what is said of the chosen preset, then of each of the others."""
    if acceptable(chosen, margin):
        parts = [f"{chosen.preset} is healthy{_against(chosen, margin)}"]
    elif len(tried) == 1:
        parts = [f"{chosen.preset} is the only one tried: {', '.join(_violated(chosen))}"]
    else:
        parts = [
            f"no preset is both healthy and no worse than the default; {chosen.preset} has the "
            f"fewest faults: {', '.join(_violated(chosen))}{_against(chosen, margin)}"
        ]
    unknown = [check.name.replace("_", " ") for check in chosen.checks if check.value is None]
    if unknown:
        parts.append(f"not measured: {', '.join(unknown)}")
    for health in tried:
        if health.preset != chosen.preset:
            faults = _violated(health) or ["healthy"]
            parts.append(f"{health.preset}: {', '.join(faults)}{_against(health, margin)}")
    return "; ".join(parts)


def _against(health: PresetHealth, margin: float) -> str:
    """What is known of a candidate's scores, to be put behind its name."""
    against = health.against_default
    if against is None:
        return ""
    if against.interval is None or against.difference is None:
        return ", its scores cannot be compared with the default's"
    words = "no worse than" if no_worse(health, margin) else "not shown to be as good as"
    return (
        f", {words} the default within {margin:g} (mean score {against.difference:+.3f}, "
        f"at least {against.interval.low:+.3f}, {against.n} samples)"
    )
