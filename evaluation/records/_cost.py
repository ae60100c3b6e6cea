"""What results took in time, energy, tokens and money."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from evaluation.records._inputs import SCHEMA_VERSION, Record


class Amounts(Record):
    """What work took. None is what was not measured or has no price; `missing` says why, by field.

    `wall_seconds` is the time of its sessions by the clock, from the beginning of the load to the
    last response, in proportion to engine time; `load_seconds` is the part of it that the load
    took. `gpu_seconds` is engine time on a GPU: 0 on a processor, None on somebody else's server.
    """

    wall_seconds: float | None
    load_seconds: float | None
    engine_seconds: float | None
    gpu_seconds: float | None
    joules: float | None
    prompt_tokens: int
    completion_tokens: int
    money: float | None
    missing: dict[str, str] = Field(default_factory=dict)


class Each(Record):
    """Answers and ratings together, divided by a number of scores, samples or decisions."""

    number: int
    wall_seconds: float | None = None
    gpu_seconds: float | None = None
    joules: float | None = None
    money: float | None = None


class CellCost(Record):
    """A cell: its answers, and the ratings of them by a judge where there is one.

    `asked` counts the samples that were asked, `scored` whether the cell has a primary score.
    """

    model: str
    dataset: str
    asked: int
    scored: bool
    answers: Amounts
    judging: Amounts | None = None


class ModelCost(Record):
    """All cells of a model."""

    model: str
    answers: Amounts
    judging: Amounts | None = None
    per_score: Each
    per_sample: Each


class TierCost(Record):
    """`cost.json`: a tier's cells, models and whole, with the prices it was computed with.

    A tier holds the responses of the tiers below it, so costs of two tiers are not to be added up.
    A decision is a comparison of two models on one dataset with the verdict better, worse or equal;
    None where models were not compared.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    tier: str
    currency: str
    prices: dict[str, float]
    cells: list[CellCost]
    models: list[ModelCost]
    answers: Amounts
    judging: Amounts | None = None
    per_score: Each
    per_sample: Each
    per_decision: Each | None = None
