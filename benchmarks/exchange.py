"""What the two sides are told and what they report: one JSON file each.

This module runs in both environments and therefore imports nothing but pydantic.
"""

from __future__ import annotations

from crosscheck.cells import Cell
from crosscheck.exchange import Record


class Rows(Record):
    """The rows of a task: `places` count from 0 in the split that is evaluated."""

    dataset: str
    few_shot: int
    task: str
    places: list[int]

    @property
    def cell(self) -> Cell:
        """The task with its examples."""
        return Cell(self.dataset, self.few_shot, self.task)


class Job(Record):
    """What to run: a model's directory in bfloat16 on the CPU, on rows of a mirror."""

    rows: list[Rows]
    mirror: str
    model: str
    threads: int
    batch_size: int


class Answer(Record):
    """What a side made of a row.

    `prompts` are the texts the model was given, `values` the summed log-probabilities (nats) of
    log-likelihood requests, `text` the generated text and `tokens` its length in tokens.
    """

    dataset: str
    place: int
    prompts: list[str]
    values: tuple[float, ...] = ()
    text: str = ""
    tokens: int = 0


class Outcome(Record):
    """A side's answers and how long it took, in seconds.

    `requests_seconds` runs from the requests as texts, with the model loaded, to the last answer.
    """

    load_seconds: float
    requests_seconds: float
    answers: list[Answer]
