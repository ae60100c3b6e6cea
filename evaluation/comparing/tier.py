"""All comparisons of a tier: what `comparisons.json` holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

from evaluation.comparing.averages import macro_averages
from evaluation.comparing.pairs import compare_pair, judge_families
from evaluation.config import ComparisonSettings
from evaluation.errors import EvaluationError
from evaluation.files import read_record
from evaluation.records import Comparisons, Result

ByModel = Mapping[str, Mapping[str, Result]]


def compare_tier(
    tier: str,
    models: Sequence[str],
    datasets: Sequence[str],
    results: Iterable[Result],
    settings: ComparisonSettings,
) -> Comparisons:
    """Compare all pairs of models, each model against those named after it.

    Results may be missing: they are named where they are missed.
    """
    by_model = cells(models, results)
    pairs = [
        compare_pair(by_model[a], by_model[b], (a, b), datasets, settings)
        for a, b in combinations(models, 2)
    ]
    return Comparisons(
        tier=tier,
        confidence=settings.confidence,
        power=settings.power,
        margin=settings.margin,
        averages=macro_averages(by_model, datasets, settings),
        comparisons=judge_families(pairs, settings),
    )


def cells(models: Sequence[str], results: Iterable[Result]) -> ByModel:
    """Results by model and dataset; those of other models are left out.

    Raises EvaluationError when two files hold the result of the same cell.
    """
    found: dict[str, dict[str, Result]] = {model: {} for model in models}
    for result in results:
        own = found.get(result.model)
        if own is None:
            continue
        if result.dataset in own:
            raise EvaluationError(
                "Two files hold the result of the same cell.",
                where=f"tier {result.tier}, model {result.model}, dataset {result.dataset}",
                remedy=f"delete results/{result.tier}/{result.model}/{result.dataset}.json and the "
                "file that was copied from it, and run again: both are rebuilt",
            )
        own[result.dataset] = result
    return found


def read_results(paths: Iterable[Path]) -> list[Result]:
    """Results without prompts and answers, which no comparison looks at and which fill memory.

    Raises EvaluationError that names a missing or damaged file.
    """
    return [without_texts(read_record(path, Result)) for path in paths]


def without_texts(result: Result) -> Result:
    """A result without prompts and answers."""
    samples = [s.model_copy(update={"turns": [], "judgments": []}) for s in result.samples]
    return result.model_copy(update={"samples": samples})
