"""How a preset did in a model's quick slices: signs of trouble, mean score, speed, memory.

Only jobs import this: comparing needs scipy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Literal

from evaluation.files import read_record
from evaluation.performance import performance
from evaluation.preset_selection import AssessSettings, Thresholds
from evaluation.queue import read_responses
from evaluation.records import Difference, HealthCheck, PresetHealth, Response, Result, Session
from evaluation.repetition import repeats_itself
from evaluation.statistics.averages import macro_difference

# The score of each sample, by dataset and the sample's id.
Scores = Mapping[str, Mapping[str, float]]


def assess(
    settings: AssessSettings,
    responses_files: Sequence[Path],
    results_files: Sequence[Path],
    default_files: Sequence[Path] = (),
) -> PresetHealth:
    """The health of a preset from its responses, and its scores from its results.

    `default_files` are the results of the default preset, for a candidate. Raises EvaluationError
    that names a damaged file.
    """
    by_file = [read_responses([path]) for path in responses_files]
    responses = [response for found, _ in by_file for response in found]
    sessions = list({s.id: s for _, found in by_file for s in found}.values())
    checks = _checks(settings.thresholds, [found for found, _ in by_file], sessions)
    scores = _all_scores(results_files)
    speed = performance(responses, sessions)
    return PresetHealth(
        preset=settings.preset,
        healthy=all(check.healthy for check in checks),
        checks=checks,
        mean_score=fmean(fmean(own.values()) for own in scores.values()) if scores else None,
        tokens_per_second=speed.tokens_per_second,
        peak_memory=speed.peak_memory,
        against_default=_compare(settings, scores, _all_scores(default_files)),
    )


# ---- health -----------------------------------------------------------------------------------


def _checks(
    thresholds: Thresholds, files: Sequence[Sequence[Response]], sessions: Sequence[Session]
) -> list[HealthCheck]:
    """All checks; what there is nothing to measure on has no value and counts as healthy."""
    responses = [response for found in files for response in found]
    # The same id may stand for samples of two datasets.
    asked = {(i, r.sample_id) for i, found in enumerate(files) for r in found}
    failed = {(i, r.sample_id) for i, found in enumerate(files) for r in found if r.error}
    answers = [r for r in responses if r.error is None and r.finish_reason != "scored"]
    cut = sum(r.finish_reason == "length" for r in answers)
    loops = sum(repeats_itself(r.text) for r in answers)
    again = sum(r.backoffs > 0 for r in responses)
    speed = performance(responses, sessions).tokens_per_second
    return [
        _at_most("backoffs", _share(again, len(responses)), thresholds.backoffs),
        _at_most("failed", _share(len(failed), len(asked)), thresholds.failed),
        _at_most("truncated", _share(cut, len(answers)), thresholds.truncated),
        _at_most("unstable", _share(loops, len(answers)), thresholds.unstable),
        _at_least("headroom", _headroom(responses, sessions), thresholds.headroom),
        _at_least("tokens_per_second", speed, thresholds.tokens_per_second),
    ]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _at_most(
    name: Literal["backoffs", "failed", "truncated", "unstable"],
    value: float | None,
    most: float,
) -> HealthCheck:
    healthy = value is None or value <= most
    return HealthCheck(name=name, value=value, threshold=most, healthy=healthy)


def _at_least(
    name: Literal["headroom", "tokens_per_second"], value: float | None, least: float | None
) -> HealthCheck:
    healthy = value is None or least is None or value >= least
    return HealthCheck(name=name, value=value, threshold=least, healthy=healthy)


def _headroom(responses: Sequence[Response], sessions: Sequence[Session]) -> float | None:
    """The least share of memory that any session left free; None if one does not tell."""
    shares = []
    for session in sessions:
        own = max((r.peak_memory for r in responses if r.session == session.id), default=0)
        used, there = _memory(session, own)
        if not used or not there:
            return None
        shares.append(max(0, there - used) / there)
    return min(shares, default=None)


def _memory(session: Session, own: int) -> tuple[int | None, int]:
    """Bytes used (`own`, where the engine tells) and there: the device's, or the machine's."""
    usage, hardware = session.usage, session.hardware
    if hardware.device == "cpu":
        return own or (usage.resident_memory if usage is not None else None), hardware.memory
    seen = usage.device.memory if usage is not None and usage.device is not None else None
    return own or seen, hardware.device_memory


# ---- scores -----------------------------------------------------------------------------------


def _all_scores(files: Sequence[Path]) -> dict[str, dict[str, float]]:
    """The primary score of each sample of the datasets that have any."""
    results = [read_record(path, Result) for path in files]
    found = {result.dataset: sample_scores(result) for result in results}
    return {dataset: scores for dataset, scores in found.items() if scores}


def sample_scores(result: Result) -> dict[str, float]:
    """The primary score of each sample, higher is better; a failed sample counts as 0.

    Failing is what a preset may be at fault for, and a preset must not gain by failing the hard
    samples. What could not be scored (no sandbox, a broken row) is left out; nothing remains of a
    dataset of which nothing could be.
    """
    primary = next((score for score in result.scores if score.primary), None)
    status = {sample.status for sample in result.samples}
    if primary is None or ("not scored" in status and "scored" not in status):
        return {}
    scores = {}
    for sample in result.samples:
        if sample.status == "failed":
            scores[sample.id] = 0.0
        elif primary.metric in sample.scores:
            value = sample.scores[primary.metric]
            scores[sample.id] = 1 - value if primary.lower_is_better else value
    return scores


def _compare(settings: AssessSettings, own: Scores, default: Scores) -> Difference | None:
    """A candidate against the default over the samples both have; None if the default has none.

    The interval is such that its lower end is a one-sided bound with the confidence configured.
    """
    if not default:
        return None
    pairs = {}
    for dataset in sorted(own.keys() & default.keys()):
        ids = [sample for sample in default[dataset] if sample in own[dataset]]
        if ids:
            pairs[dataset] = (
                [own[dataset][sample] for sample in ids],
                [default[dataset][sample] for sample in ids],
            )
    if not pairs:
        return Difference(n=0, verdict="not comparable", reason="no sample has scores under both")
    one_sided = {"confidence": 2 * settings.comparison.confidence - 1}
    return macro_difference(pairs, settings.comparison.model_copy(update=one_sided), settings.seed)
