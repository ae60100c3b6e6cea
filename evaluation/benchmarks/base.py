"""What a benchmark is: a card of facts, rows, requests and a scorer.

One module a benchmark. A benchmark is a stateless object: it turns Hub rows into samples, samples
into requests, and responses into scores. It knows nothing of engines, files or models, so its
requests can be hashed before a model is loaded and its scorer can be edited without inference.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from evaluation.errors import EvaluationError
from evaluation.hub_layout import read_split
from evaluation.records import (
    GenerateRequest,
    LoglikelihoodRequest,
    Message,
    Protocol,
    Record,
    Response,
    Sample,
    SampleScore,
    Score,
)
from evaluation.statistics import mean_score

AnyRequest = GenerateRequest | LoglikelihoodRequest


class Row(BaseModel):
    """Base of the rows: the Hub columns that the benchmark needs; others are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


RowT = TypeVar("RowT", bound=Row)


class HubFiles(Record):
    """Where the rows are inside a Hub dataset repository (and its mirrors)."""

    config: str | None = None
    split: str
    few_shot_split: str | None = None
    patterns: tuple[str, ...]


class Card(Record):
    """The facts about a benchmark that reports and docs are made from."""

    name: str
    title: str
    measures: str
    paper: str
    hub_id: str
    revision: str
    licence: str
    files: HubFiles
    protocols: tuple[Protocol, ...]
    metrics: tuple[str, ...]
    primary: str
    chance: float | None = None


class PromptSettings(Record):
    """The settings that decide a benchmark's requests."""

    protocol: Protocol
    few_shot: int = 0
    max_new_tokens: int = 1024
    seed: int = 0


class Benchmark(ABC, Generic[RowT]):
    """One benchmark. Subclasses set `card` and `row_type` and fill in the abstract methods."""

    card: ClassVar[Card]
    row_type: type[RowT]

    # ---- rows ----

    def read_rows(self, directory: Path) -> list[dict[str, object]]:
        """Raw rows of a directory in Hub layout; overridden where one split is not the set."""
        return read_split(directory, self.card.files.config, self.card.files.split)

    @abstractmethod
    def identify(self, row: RowT, index: int) -> str:
        """The sample's id; `index` is the row's place in its split, for sets without ids."""

    def categorise(self, row: RowT) -> str:
        """The stratum by which samples are balanced and scores broken down."""
        return ""

    def check(self, row: RowT) -> str:
        """What is wrong with a row that has all columns ("" if nothing), e.g. an empty prompt."""
        return ""

    def sample(self, raw: dict[str, object], index: int) -> Sample:
        """Normalise one Hub row.

        Raises EvaluationError that names the row and its missing or wrong columns.
        """
        where = f"dataset {self.card.name}, row {index}"
        remedy = (
            f"the row must have the columns of {self.card.hub_id}; check the source and revision "
            f"of datasets.{self.card.name} in the configuration"
        )
        try:
            row = self.row_type.model_validate(raw)
        except ValidationError as error:
            details = "; ".join(
                f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors()
            )
            raise EvaluationError(
                f"A dataset row does not have the expected columns: {details}",
                where=where,
                remedy=remedy,
            ) from None
        problem = self.check(row)
        if problem:
            raise EvaluationError(
                f"A dataset row cannot be used: {problem}", where=where, remedy=remedy
            )
        return Sample(
            id=self.identify(row, index),
            category=self.categorise(row),
            row=row.model_dump(mode="json"),
        )

    def row(self, sample: Sample) -> RowT:
        """The typed row of a sample."""
        return self.row_type.model_validate(sample.row)

    # ---- requests ----

    @abstractmethod
    def requests(
        self, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        """The first requests of a sample. `few_shot` has at most `settings.few_shot` samples."""

    def follow_up(
        self,
        sample: Sample,
        few_shot: Sequence[Sample],
        settings: PromptSettings,
        answers: Sequence[str],
    ) -> GenerateRequest | None:
        """The next request given the answers so far (thinking removed), or None when done."""
        return None

    def pick_few_shot(self, sample: Sample, pool: Sequence[Sample], count: int) -> list[Sample]:
        """The worked examples for a sample: the first `count` of the few-shot split."""
        return list(pool[:count])

    # ---- scores ----

    @abstractmethod
    def score(
        self, sample: Sample, responses: Sequence[Response], answers: Sequence[str]
    ) -> SampleScore:
        """Judge one sample. `answers` are the responses' texts without thinking, in turn order."""

    def aggregate(self, scored: Sequence[tuple[Sample, SampleScore]]) -> list[Score]:
        """Scores of the cell: by default the mean of each of the card's metrics."""
        return [
            mean_score(
                metric,
                [s.scores[metric] for _, s in scored if metric in s.scores],
                primary=metric == self.card.primary,
                chance=self.card.chance if metric == self.card.primary else None,
            )
            for metric in self.card.metrics
        ]


def chat(text: str, sample: Sample, settings: PromptSettings) -> GenerateRequest:
    """A one-turn chat request with greedy decoding."""
    return GenerateRequest(
        sample_id=sample.id,
        messages=(Message(role="user", content=text),),
        max_new_tokens=settings.max_new_tokens,
        seed=settings.seed,
    )
