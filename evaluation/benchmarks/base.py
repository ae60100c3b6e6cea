"""What a benchmark is: a card of facts, rows, requests and a scorer.

One module a benchmark. A benchmark is a stateless object: it turns Hub rows into samples, samples
into requests, and responses into scores. It knows nothing of engines, files or models, so its
requests can be hashed before a model is loaded and its scorer can be edited without inference.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from evaluation.errors import first_line
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

if TYPE_CHECKING:
    from evaluation.sandbox import Sandbox

AnyRequest = GenerateRequest | LoglikelihoodRequest


class Row(BaseModel):
    """Base of the rows: the Hub columns that the benchmark needs; others are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


RowT = TypeVar("RowT", bound=Row)


class HubFiles(Record):
    """Where the rows are inside a Hub dataset repository (and its mirrors).

    `parts` says in words which rows are the samples, where that is not one split.
    """

    config: str | None = None
    split: str
    few_shot_split: str | None = None
    patterns: tuple[str, ...]
    parts: str = ""


class PackagedRows(Record):
    """Rows that a function of a published package returns as a literal list.

    `requirement` names the package with its version, `sha256` is its wheel's, `member` the module's
    path in the wheel. The module is read, never imported.
    """

    requirement: str
    sha256: str
    member: str
    function: str


class Card(Record):
    """The facts about a benchmark that reports and docs are made from.

    `protocols` are the ones on offer, the default first; `max_new_tokens` is the room for the
    answer by protocol (those without text have none). `lower_is_better` names metrics of faults.
    `runs_code`: scoring executes the answers; `judged`: another model rates them; `repeatable`:
    several attempts at one sample mean something (pass@k). `packaged_few_shot`: worked examples
    that are not in the dataset's repository; `customary_few_shot`: how many are usual in the
    harness protocol. `harness_metrics`: those of the harness protocol where they are others, the
    primary first.
    """

    name: str
    title: str
    measures: str
    paper: str
    hub_id: str
    revision: str
    licence: str
    files: HubFiles
    packaged_few_shot: PackagedRows | None = None
    customary_few_shot: int = 0
    protocols: tuple[Protocol, ...]
    max_new_tokens: Mapping[Protocol, int] = {}
    metrics: tuple[str, ...]
    primary: str
    harness_metrics: tuple[str, ...] = ()
    lower_is_better: tuple[str, ...] = ()
    chance: float | None = None
    runs_code: bool = False
    judged: bool = False
    repeatable: bool = False


class PromptSettings(Record):
    """The settings that decide a benchmark's requests.

    `repeats` independent attempts are made at each sample, at `temperature` if there are several.
    """

    protocol: Protocol
    few_shot: int = 0
    max_new_tokens: int = 1024
    seed: int = 0
    repeats: int = 1
    temperature: float = 0.0


@dataclass(frozen=True)
class Evidence:
    """What a scorer may look at besides the sample.

    `answers` are the responses' texts without thinking, in the order of `responses` (by repeat,
    then turn). `judgments` are a judge's responses, where the benchmark is judged and a judge is
    configured. `sandbox` is there for benchmarks that run code, where one works on this machine;
    otherwise `no_sandbox` says why not.
    """

    responses: Sequence[Response]
    answers: Sequence[str]
    settings: PromptSettings
    judgments: Sequence[Response] = ()
    sandbox: Sandbox | None = None
    no_sandbox: str = ""


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
        """Normalise one Hub row; a row that cannot be used becomes an unscorable sample."""
        try:
            row = self.row_type.model_validate(raw)
        except ValidationError as error:
            details = "; ".join(
                f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors()
            )
            return _unscorable(raw, index, f"wrong columns: {details}")
        try:
            problem = self.check(row)
            if problem:
                return _unscorable(raw, index, problem)
            sample = Sample(
                id=self.identify(row, index),
                category=self.categorise(row),
                row=row.model_dump(mode="json"),
            )
            sample.model_dump_json()  # raises for half a surrogate pair, which no file can hold
        except Exception as error:  # a row of a form that nobody thought of
            return _unscorable(raw, index, f"it cannot be read: {first_line(error)}")
        return sample

    def packaged_row(self, raw: Mapping[str, object], index: int) -> dict[str, object]:
        """A worked example of `card.packaged_few_shot` in the dataset's columns."""
        return dict(raw)

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
    def score(self, sample: Sample, evidence: Evidence) -> SampleScore:
        """The verdict on one sample; must not raise whatever a response says."""

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


def _unscorable(raw: Mapping[str, object], index: int, problem: str) -> Sample:
    """A row that cannot be used, kept so that it is named and counted."""
    text = json.dumps(raw, default=str, ensure_ascii=False)
    reason = f"row {index}: {problem}"
    return Sample(
        id=f"row {index}",
        category="",
        row=json.loads(_encodable(text)),
        unscorable=_encodable(reason),
    )


def _encodable(text: str) -> str:
    """Text with a question mark for each half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode("utf-8")


def chat(text: str, sample: Sample, settings: PromptSettings) -> GenerateRequest:
    """A one-turn chat request with greedy decoding."""
    return GenerateRequest(
        sample_id=sample.id,
        messages=(Message(role="user", content=text),),
        max_new_tokens=settings.max_new_tokens,
        seed=settings.seed,
    )
