"""What a comparison of both sides finds: counts of agreement, and every disagreement."""

from __future__ import annotations

from typing import Literal

from crosscheck.exchange import Record

Aspect = Literal["request", "choice", "score", "answer", "extraction"]


class Disagreement(Record):
    """One difference between the sides; `ours` and `reference` show what each has."""

    dataset: str
    aspect: Aspect
    id: str
    kind: str = ""
    ours: str
    reference: str


class Tie(Record):
    """A row whose best choices differ, and are nearer to each other than `TIE`."""

    cell: str
    index: int
    metric: str
    margin: float


class Requests(Record):
    """Requests of a cell: `compared` rows of which `equal` are asked in the same words."""

    cell: str
    compared: int
    equal: int
    differing: list[Disagreement]


class Choices(Record):
    """Log-likelihoods of a cell: same best choice, same scores, largest difference in nats."""

    cell: str
    compared: int
    same_choice: int
    same_scores: int
    largest: float
    ties: list[Tie]
    differing: list[Disagreement]


class Answers(Record):
    """Generated texts of a cell."""

    cell: str
    compared: int
    equal: int
    differing: list[Disagreement]


class Verdicts(Record):
    """Verdicts on the texts of a dataset; `right` have a score above zero by the reference.

    Of the `kinds` of texts, `equal_kinds` have no difference. `scored` texts have a score:
    programs that are not run have none.
    """

    dataset: str
    compared: int
    kinds: int
    equal_kinds: int
    scored: int
    right: int
    same_extraction: int
    same_scores: int
    differing: list[Disagreement]


class Comparison(Record):
    """Everything that was compared."""

    requests: list[Requests]
    choices: list[Choices]
    answers: list[Answers]
    verdicts: list[Verdicts]

    @property
    def compared(self) -> list[int]:
        """How much each part compared."""
        return [
            *(part.compared for part in self.requests),
            *(part.compared for part in self.choices),
            *(part.compared for part in self.answers),
            *(part.compared for part in self.verdicts),
        ]

    @property
    def differing(self) -> list[Disagreement]:
        """All disagreements."""
        return [
            *(one for part in self.requests for one in part.differing),
            *(one for part in self.choices for one in part.differing),
            *(one for part in self.answers for one in part.differing),
            *(one for part in self.verdicts for one in part.differing),
        ]
