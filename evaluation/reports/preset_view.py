"""Presets as text: the one of each model and why, what was tried, what each one sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.config import TIERS, Config, Preset
from evaluation.preset_selection import chooses, why_not
from evaluation.records import HealthCheck, PresetChoice, PresetHealth
from evaluation.reports import format as fmt
from evaluation.reports.inputs import TierReport
from evaluation.reports.origins import distinct_sessions

Rows = list[tuple[str, ...]]
CHECKS: dict[str, tuple[str, str]] = {
    "backoffs": ("Started again", "of responses"),
    "failed": ("Failed", "of samples"),
    "truncated": ("Truncated", "of answers"),
    "unstable": ("Repeating itself", "of answers"),
    "headroom": ("Memory left free", "at the peak"),
    "tokens_per_second": ("Tokens/s", "generated"),
}
LEAST = ("headroom", "tokens_per_second")


@dataclass(frozen=True)
class ModelPreset:
    """The preset that a model's cells of the tier were run with, and why in words."""

    model: str
    presets: tuple[str, ...]
    how: str
    reason: str


@dataclass(frozen=True)
class Check:
    """A sign of health of one preset: its value and limit as text."""

    value: str
    limit: str
    violated: bool = False


@dataclass(frozen=True)
class Tried:
    """One preset that was tried on the quick samples."""

    preset: str
    chosen: bool
    healthy: bool
    checks: tuple[Check, ...]
    mean_score: str
    difference: str
    verdict: str
    memory: str


@dataclass(frozen=True)
class Evidence:
    """What a model's choice was made from, the presets in the order they were tried."""

    model: str
    chosen: str
    tried: tuple[Tried, ...]


@dataclass(frozen=True)
class Sign:
    """A column of the evidence; `limit` where all presets had the same one."""

    name: str
    words: str
    limit: str


def model_presets(report: TierReport) -> list[ModelPreset]:
    """The preset of each model, with where it comes from."""
    choices = {choice.model: choice for choice in report.presets}
    found = []
    for model in report.aggregate.models:
        used = tuple(dict.fromkeys(c.provenance.preset for c in report.cells_of(model)))
        found.append(ModelPreset(model, used, *_why(report, model, choices.get(model))))
    return found


def _why(report: TierReport, model: str, choice: PresetChoice | None) -> tuple[str, str]:
    if choice is not None:
        return "chosen", choice.reason
    settings = report.settings
    if settings is None or model not in settings.config.models:
        return "not known", "neither a choice nor the configuration was given to this report"
    config = settings.config
    if model in config.optimal_presets:
        return "pinned", f"optimal_presets.{model} names it"
    if chooses(config, model):
        if report.tier == TIERS[0]:
            return "default", "quick runs with the default; what it shows decides for other tiers"
        return "default", "no choice has been made yet"
    return "default", f"no preset is chosen, as {why_not(config, model)}"


def evidence(choices: Sequence[PresetChoice]) -> list[Evidence]:
    """The choices with all presets tried; checks stand in the order of `signs`."""
    return [
        Evidence(
            model=choice.model,
            chosen=choice.chosen,
            tried=tuple(_tried(one, choice) for one in choice.tried),
        )
        for choice in choices
    ]


def signs(found: Sequence[Evidence]) -> list[Sign]:
    """The checks as columns, each with its limit if that is the same for all presets tried."""
    checks = [one.checks for choice in found for one in choice.tried]
    limits = [{own[place].limit for own in checks} - {""} for place in range(len(CHECKS))]
    return [
        Sign(name, words, min(own) if len(own) == 1 else "")
        for (name, words), own in zip(CHECKS.values(), limits, strict=True)
    ]


def _tried(health: PresetHealth, choice: PresetChoice) -> Tried:
    checks = {check.name: check for check in health.checks}
    against = health.against_default
    verdict = ""
    if against is None:
        # The default is the first one tried.
        difference = "is the default" if health == choice.tried[0] else "not compared"
    elif against.difference is None:
        difference, verdict = "cannot be told", against.reason
    else:
        # One-sided: what matters is how much worse it may be.
        low = against.interval.low if against.interval is not None else None
        least = "" if low is None else f", at least {low:+.3f}"
        difference, verdict = f"{against.difference:+.3f}{least}, n = {against.n}", against.verdict
    return Tried(
        preset=health.preset,
        chosen=health.preset == choice.chosen,
        healthy=health.healthy,
        checks=tuple(_check(checks[n]) if n in checks else _NO_CHECK for n in CHECKS),
        mean_score="no scores" if health.mean_score is None else f"{health.mean_score:.3f}",
        difference=difference,
        verdict=verdict,
        memory=fmt.size(health.peak_memory) if health.peak_memory else "not measured",
    )


_NO_CHECK = Check("not checked", "")


def _check(check: HealthCheck) -> Check:
    limit = "no limit"
    if check.threshold is not None:
        side = "at least" if check.name in LEAST else "at most"
        limit = f"{side} {_number(check.name, check.threshold)}"
    if check.value is None:
        return Check("not measured", limit)
    return Check(_number(check.name, check.value), limit, violated=not check.healthy)


def _number(name: str, value: float) -> str:
    return fmt.rate(value) if name == "tokens_per_second" else f"{100 * value:.3g}%"


def settings_rows(config: Config | None) -> Rows:
    """What each preset sets, one row a preset; nothing where the configuration is not known."""
    if config is None:
        return []
    weights = {"full": "as they are", "int8": "8 bits", "nf4": "4 bits (nf4)"}
    decode = {"plain": "pass by pass", "graphs": "CUDA graphs", "compiled": "compiled CUDA graphs"}
    found: list[tuple[str, Preset]] = [
        (name, getattr(config.presets, name)) for name in type(config.presets).model_fields
    ]
    return [
        (
            name + (" (default)" if name == config.default_preset else ""),
            weights[one.weights],
            decode[one.decode],
            fmt.count(one.batch_tokens),
            fmt.count(one.batch_rows),
        )
        for name, one in found
    ]


def session_rows(report: TierReport) -> Rows:
    """Back-offs and notes of every session, by model: what a preset met on this machine."""
    rows = [
        (
            session.model,
            fmt.short(session.id),
            session.preset,
            "; ".join(session.notes) or "none",
            "not measured" if session.usage is None else fmt.count(session.usage.backoffs),
        )
        for session in distinct_sessions(report.aggregate.cells)
    ]
    return sorted(rows, key=lambda row: row[0])
