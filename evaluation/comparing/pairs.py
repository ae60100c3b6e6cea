"""Two models, or two presets of one model: by dataset, overall, and as families of tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluation.comparing.datasets import compare_results, not_comparable
from evaluation.comparing.mismatch import Kind
from evaluation.config import ComparisonSettings
from evaluation.records import Comparison, DatasetComparison, Result
from evaluation.statistics.averages import macro_difference
from evaluation.statistics.families import judge_family

MISSING = "{} has no result"
LESS_IS_BETTER = "less of it is better, so that it cannot be averaged with the others"


def compare_pair(
    a: Mapping[str, Result],
    b: Mapping[str, Result],
    names: tuple[str, str],
    datasets: Sequence[str],
    settings: ComparisonSettings,
    *,
    kind: Kind = "models",
    model: str = "",
) -> Comparison:
    """Compare results by dataset; with `kind` presets, `names` are those of `model`.

    Its verdicts are those of single tests: `judge_families` makes them verdicts of a family. What
    of `datasets` is missing or cannot be compared is left out of the overall difference, with the
    reason.
    """
    compared: list[DatasetComparison] = []
    left_out: dict[str, str] = {}
    values: dict[str, tuple[list[float], list[float]]] = {}
    for dataset in datasets:
        missing = [
            MISSING.format(name)
            for name, results in zip(names, (a, b), strict=True)
            if dataset not in results
        ]
        if missing:
            left_out[dataset] = "; ".join(missing)
            continue
        one, shared = compare_results(a[dataset], b[dataset], names, kind, settings)
        compared.append(one)
        if shared is None:
            left_out[dataset] = one.difference.reason
        elif not shared.ids:
            left_out[dataset] = "no sample has a score in both"
        elif shared.lower_is_better:
            left_out[dataset] = LESS_IS_BETTER
        else:
            values[dataset] = (shared.weighted_a, shared.weighted_b)
    overall = not_comparable("no dataset can be compared")
    if values:
        overall = macro_difference(values, settings)
    return Comparison(
        kind=kind,
        a=names[0],
        b=names[1],
        model=model,
        datasets=compared,
        overall=overall,
        left_out=left_out,
    )


def judge_families(
    comparisons: Sequence[Comparison], settings: ComparisonSettings
) -> list[Comparison]:
    """Correct for how often was tested, and give the verdicts.

    All (pair, dataset) tests are one family (Holm 1979), the overall differences of all pairs
    another one. What was not tested (not comparable, no samples) is in neither.
    """
    singles = [one.difference for found in comparisons for one in found.datasets]
    judged = iter(judge_family(singles, settings))
    overall = iter(judge_family([found.overall for found in comparisons], settings))
    return [
        found.model_copy(
            update={
                "datasets": [
                    one.model_copy(update={"difference": next(judged)}) for one in found.datasets
                ],
                "overall": next(overall),
            }
        )
        for found in comparisons
    ]
