"""Two results of one dataset: what can be said of their difference."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.comparing.measured import Measured, NotComparableError, clip, label, measure
from evaluation.comparing.mismatch import Kind, mismatches, notes, refusals
from evaluation.comparing.shared import Shared, share
from evaluation.config import ComparisonSettings
from evaluation.records import CategoryDifference, DatasetComparison, Difference, Result
from evaluation.statistics.clustered import mean_of
from evaluation.statistics.paired import change_interval, differences, pair, paired_difference


def compare_results(
    a: Result, b: Result, names: tuple[str, str], kind: Kind, settings: ComparisonSettings
) -> tuple[DatasetComparison, Shared | None]:
    """Compare two results of one dataset, known to people as `names`.

    Returns the comparison, whose p is not yet corrected for the family it belongs to, and the
    shared samples behind it: None where the two are not comparable, for the reason given. Raises
    ValueError for results of different datasets.
    """
    if a.dataset != b.dataset:
        raise ValueError(f"results of {a.dataset} and {b.dataset}: not one dataset")
    problems = refusals(a, b, names, kind)
    measured: list[Measured] = []
    for result, name in zip((a, b), names, strict=True):
        try:
            measured.append(measure(result, name))
        except NotComparableError as error:
            problems.append(str(error))
    differing = mismatches(a, b, names)
    if not settings.allow_mismatch:
        problems += differing
    shared = None
    if not problems:
        try:
            shared = share((a, b), (measured[0], measured[1]), names)
        except NotComparableError as error:
            problems = [str(error)]
    if shared is None:
        difference = not_comparable("; ".join(problems))
    else:
        difference = paired_difference(
            shared.weighted_a,
            shared.weighted_b,
            settings,
            lower_is_better=shared.lower_is_better,
        )
        difference = difference.model_copy(update={"interval": clip(difference.interval, -1.0)})
    primary = [score.metric for found in (a, b) for score in found.scores if score.primary]
    only_a, only_b = shared.disagreements() if shared is not None else ([], [])
    comparison = DatasetComparison(
        dataset=a.dataset,
        title=a.title,
        protocol=a.protocol,
        metric=" and ".join(label(metric) for metric in dict.fromkeys(primary)),
        difference=difference,
        agreement=shared.agreement() if shared is not None else None,
        categories=categories(shared, settings) if shared is not None else [],
        only_a=only_a,
        only_b=only_b,
        warnings=[*notes(a, b, names), *_mismatch_warnings(shared, differing)],
    )
    return comparison, shared


def not_comparable(reason: str) -> Difference:
    """No difference, and why."""
    return Difference(n=0, verdict="not comparable", reason=reason)


def categories(shared: Shared, settings: ComparisonSettings) -> list[CategoryDifference]:
    """The difference within each category, by name; none where there is one category only."""
    groups: dict[str, list[int]] = {}
    for index, name in enumerate(shared.categories):
        groups.setdefault(name, []).append(index)
    if len(groups) < 2:
        return []
    found = []
    for name, members in sorted(groups.items()):
        first, second = pair([shared.a[i] for i in members], [shared.b[i] for i in members])
        change = differences(first, second, shared.lower_is_better)
        mean = mean_of(change)
        interval = change_interval(first, second, change, mean, settings.confidence)
        found.append(
            CategoryDifference(
                category=name, n=len(members), difference=mean.value, interval=interval
            )
        )
    return found


def _mismatch_warnings(shared: Shared | None, differing: Sequence[str]) -> list[str]:
    """What was compared in spite of a mismatch, and what was left out."""
    if shared is None:
        return []
    return [*(f"compared in spite of it: {found}" for found in differing), *shared.warnings]
