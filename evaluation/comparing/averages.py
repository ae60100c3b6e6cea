"""Macro averages of models that may stand in one column: over the same datasets for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluation.comparing.measured import Measured, NotComparableError, clip, measure, weighted
from evaluation.comparing.mismatch import mismatches
from evaluation.comparing.pairs import LESS_IS_BETTER, MISSING
from evaluation.config import ComparisonSettings
from evaluation.records import MacroAverage, Result
from evaluation.statistics.averages import macro_average


def macro_averages(
    results: Mapping[str, Mapping[str, Result]],
    datasets: Sequence[str],
    settings: ComparisonSettings,
) -> list[MacroAverage]:
    """The mean of each model's primary scores; `results` are by model, then by dataset.

    Averages of other datasets are no ranking, so a dataset counts only if every model that has
    results has a valid one of it, asked in the same way; what is left out is named with the reason.
    """
    present = {model: found for model, found in results.items() if found}
    measured: dict[str, dict[str, Measured]] = {model: {} for model in present}
    left_out: dict[str, str] = {}
    for dataset in datasets:
        problems = _problems(present, dataset, measured, settings)
        if problems:
            left_out[dataset] = "; ".join(problems)
    used = [dataset for dataset in datasets if dataset not in left_out]
    found = []
    for model in results:
        if model not in present or not used:
            reasons = (
                left_out if model in present else dict.fromkeys(datasets, MISSING.format(model))
            )
            found.append(MacroAverage(model=model, value=None, datasets=[], left_out=reasons))
            continue
        scores = {dataset: _numbers(measured[model][dataset]) for dataset in used}
        value, interval = macro_average(scores, settings)
        found.append(
            MacroAverage(
                model=model,
                value=value,
                interval=clip(interval, 0.0),
                datasets=used,
                left_out=left_out,
            )
        )
    return found


def _problems(
    results: Mapping[str, Mapping[str, Result]],
    dataset: str,
    measured: dict[str, dict[str, Measured]],
    settings: ComparisonSettings,
) -> list[str]:
    """Why a dataset is in no average; fills in `measured` on the way."""
    problems: list[str] = []
    first: tuple[str, Result] | None = None
    for model, found in results.items():
        if dataset not in found:
            problems.append(MISSING.format(model))
            continue
        result = found[dataset]
        try:
            one = measured[model][dataset] = measure(result, model)
        except NotComparableError as error:
            problems.append(str(error))
            continue
        if result.judge is not None and result.judge.self_judged:
            problems.append(f"{model} was rated by itself")
        if one.lower_is_better:
            problems.append(LESS_IS_BETTER)
        first = first or (model, result)
        if not settings.allow_mismatch:
            problems += mismatches(first[1], result, (first[0], model))
        if one.metric != measured[first[0]][dataset].metric:
            problems.append(f"other metrics: {measured[first[0]][dataset].metric}, {one.metric}")
    return list(dict.fromkeys(problems))


def _numbers(found: Measured) -> list[float]:
    """Numbers a sample whose plain mean is the score."""
    values = list(found.values.values())
    if found.plain:
        return values
    return weighted(values, [found.samples[sample].category for sample in found.values])
