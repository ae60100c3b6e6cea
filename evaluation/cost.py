"""What a tier's results took: time, energy, tokens, and money where prices are configured.

Cells are added up to models and to the whole tier. A sum with a part that is not known is not known
either, and says which part; the known ones stand beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evaluation.config import Config, CostSettings
from evaluation.files import read_record
from evaluation.records import (
    Aggregate,
    Amounts,
    Cell,
    CellCost,
    Comparisons,
    Each,
    ModelCost,
    Record,
    TierCost,
)
from evaluation.session_costs import FIGURES, amounts

DECIDED = ("better", "worse", "equal")


class CostJob(Record):
    """The settings of a cost job."""

    prices: CostSettings


def cost_job(config: Config) -> CostJob:
    """Settings of cost."""
    return CostJob(prices=config.cost)


def cost(prices: CostSettings, aggregate: Path, comparisons: Path | None) -> TierCost:
    """What the results in `aggregate` took, and each decision of `comparisons` where there is one.

    Raises EvaluationError that names a damaged file.
    """
    decisions = None
    if comparisons is not None:
        decisions = count_decisions(read_record(comparisons, Comparisons))
    return tier_cost(read_record(aggregate, Aggregate), prices, decisions)


def count_decisions(found: Comparisons) -> int:
    """The comparisons of two models on one dataset that came to a verdict."""
    return sum(
        dataset.difference.verdict in DECIDED
        for comparison in found.comparisons
        if comparison.kind == "models"
        for dataset in comparison.datasets
    )


def tier_cost(found: Aggregate, prices: CostSettings, decisions: int | None = None) -> TierCost:
    """The costs of all cells of a tier, their sums, and what each score and decision took."""
    cells = [_cell_cost(cell, prices) for cell in found.cells]
    models = []
    for model in found.models:
        own = [cell for cell in cells if cell.model == model]
        if own:
            answers, judging = _sums(own, [cell.dataset for cell in own])
            models.append(
                ModelCost(
                    model=model,
                    answers=answers,
                    judging=judging,
                    per_score=_each(sum(cell.scored for cell in own), answers, judging),
                    per_sample=_each(sum(cell.asked for cell in own), answers, judging),
                )
            )
    answers, judging = _sums(cells, [cell.model for cell in cells])
    return TierCost(
        tier=found.tier,
        currency=prices.currency,
        prices=_flat(prices),
        cells=cells,
        models=models,
        answers=answers,
        judging=judging,
        per_score=_each(sum(cell.scored for cell in cells), answers, judging),
        per_sample=_each(sum(cell.asked for cell in cells), answers, judging),
        per_decision=None if decisions is None else _each(decisions, answers, judging),
    )


def _cell_cost(cell: Cell, prices: CostSettings) -> CellCost:
    performance, judge = cell.performance, cell.judge
    return CellCost(
        model=cell.model,
        dataset=cell.dataset,
        asked=cell.counts.samples - cell.counts.unscorable,
        scored=any(score.primary and score.value is not None for score in cell.scores),
        answers=amounts(
            cell.model,
            cell.provenance.sessions,
            performance.session_seconds,
            performance.prompt_tokens,
            performance.completion_tokens,
            prices,
        ),
        judging=None
        if judge is None
        else amounts(
            judge.name,
            judge.sessions,
            judge.session_seconds,
            judge.prompt_tokens,
            judge.completion_tokens,
            prices,
        ),
    )


def _sums(cells: Sequence[CellCost], names: Sequence[str]) -> tuple[Amounts, Amounts | None]:
    """Answers and ratings of several cells; reasons say which `names` they are about."""
    judged = [
        (name, cell.judging)
        for name, cell in zip(names, cells, strict=True)
        if cell.judging is not None
    ]
    answers = _sum([(name, cell.answers) for name, cell in zip(names, cells, strict=True)])
    return answers, _sum(judged) if judged else None


def _sum(parts: Sequence[tuple[str, Amounts]]) -> Amounts:
    sums: dict[str, float | None] = {}
    missing: dict[str, str] = {}
    for field in FIGURES:
        about: dict[str, dict[str, None]] = {}
        for name, part in parts:
            if field in part.missing:
                about.setdefault(part.missing[field], {})[name] = None
        values = [getattr(part, field) for _, part in parts]
        sums[field] = None if about else sum(values)
        if about:
            missing[field] = "; ".join(f"{why} ({', '.join(n)})" for why, n in about.items())
    return Amounts(
        **sums,
        prompt_tokens=sum(part.prompt_tokens for _, part in parts),
        completion_tokens=sum(part.completion_tokens for _, part in parts),
        missing=missing,
    )


def _each(number: int, answers: Amounts, judging: Amounts | None) -> Each:
    both = [answers, *([judging] if judging is not None else [])]

    def share(field: str) -> float | None:
        values = [getattr(part, field) for part in both]
        return sum(values) / number if number and None not in values else None

    return Each(
        number=number,
        wall_seconds=share("wall_seconds"),
        gpu_seconds=share("gpu_seconds"),
        joules=share("joules"),
        money=share("money"),
    )


def _flat(prices: CostSettings) -> dict[str, float]:
    """The configured prices, by their key below `cost`."""
    hourly = {
        key: value
        for key in ("gpu_hour", "cpu_hour", "kwh")
        if (value := getattr(prices, key)) is not None
    }
    tokens = {
        f"tokens.{model}.{side}": getattr(price, side)
        for model, price in prices.tokens.items()
        for side in ("prompt", "completion")
    }
    return hourly | tokens
