"""The files that the two sides exchange: typed records in JSON lines below one folder.

This module runs in both environments and therefore imports nothing but pydantic.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict

Side = Literal["ours", "reference"]


class Record(BaseModel):
    """Base of what is exchanged: unknown fields are errors and instances do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(Record):
    """What a row is turned into; `index` is the row's place in its split.

    Continuations have one context each, or one for all. Text generation has one context, no
    continuations, its stop strings and the most tokens of an answer.
    """

    index: int
    contexts: list[str]
    continuations: list[str] = []
    stop: list[str] = []
    max_tokens: int | None = None


class Likelihoods(Record):
    """Summed log-probabilities (nats) of a row's continuations, and the scores they lead to."""

    index: int
    values: list[float]
    scores: dict[str, float]


class Generated(Record):
    """The text a model gives for a row, cut at its stop strings."""

    index: int
    text: str


class Text(Record):
    """A text to be scored as an answer to a row.

    `kind` says how the text was made. `run` marks programs made from the dataset's own solutions:
    no other is executed, whatever a reference would do with it. `id` is the sample's.
    """

    index: int
    id: str
    kind: str
    text: str
    run: bool = False


class Verdict(Record):
    """What became of a text: what was taken out of it, and its scores.

    The n-th verdict of a file is on the n-th text of the pool.
    """

    extracted: str | None
    scores: dict[str, float]


RecordT = TypeVar("RecordT", bound=Record)


class Versions(Record):
    """The packages that a side worked with."""

    packages: dict[str, str]


class Exchange:
    """Where the files of a run lie."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def versions(self, side: Side) -> Path:
        """The packages of a side (one record of `Versions`)."""
        return self.folder / side / "versions.jsonl"

    def asked(self, side: Side, cell: str) -> Path:
        """The requests of a cell (records of `Asked`)."""
        return self.folder / side / "asked" / f"{cell}.jsonl"

    def answered(self, side: Side, cell: str) -> Path:
        """The model's answers to a cell (`Likelihoods` or `Generated`)."""
        return self.folder / side / "answered" / f"{cell}.jsonl"

    def texts(self, dataset: str) -> Path:
        """The texts to be scored (`Text`)."""
        return self.folder / "texts" / f"{dataset}.jsonl"

    def verdicts(self, side: Side, dataset: str) -> Path:
        """The verdicts on the texts (`Verdict`)."""
        return self.folder / side / "verdicts" / f"{dataset}.jsonl"


def versions(packages: Iterable[str]) -> Versions:
    """The versions of packages in this environment."""
    return Versions(packages={name: version(name) for name in packages})


def write(path: Path, records: Iterable[Record]) -> None:
    """Write one record a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as handle:
        for record in records:
            handle.write(record.model_dump_json() + "\n")


def read(path: Path, kind: type[RecordT]) -> list[RecordT]:
    """Read the records of a file; raises FileNotFoundError or pydantic's ValidationError."""
    with path.open(encoding="utf-8", newline="\n") as handle:
        return [kind.model_validate_json(line) for line in handle]
