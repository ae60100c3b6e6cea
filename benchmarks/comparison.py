"""One case, both sides: are they the same requests, how do the answers agree, what is the ratio."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from benchmarks.cases import Case
from benchmarks.exchange import Answer, Outcome
from benchmarks.measured import Measured
from crosscheck.exchange import Record
from evaluation.errors import EvaluationError

# Peak memory promised, as a share of lm-eval's.
MOST_MEMORY = 1.3


class Run(Record):
    """One run of one side; `batch_size` is lm-eval's."""

    measured: Measured
    outcome: Outcome
    batch_size: int = 0


class Side(Record):
    """Medians of a side's runs: seconds of the compared phase, of all runs, and of the process."""

    seconds: float
    each: list[float]
    command_seconds: float
    peak_memory: int
    tokens: int


class Result(Record):
    """A case compared.

    `requests` counts rows; `prompts_differ` those whose prompts are not the same text (none, or
    the ratio says nothing); `answers_differ` those with another choice or another text;
    `largest_gap` is the largest difference between two log-probabilities, in nats.
    """

    name: str
    title: str
    whole: bool
    wanted: float
    batch_size: int
    tried: dict[int, float]
    ours: Side
    lm_eval: Side
    requests: int
    answers_differ: int
    largest_gap: float

    @property
    def ratio(self) -> float:
        """How many times as long lm-eval takes."""
        return self.lm_eval.seconds / self.ours.seconds

    @property
    def memory(self) -> float:
        """Our peak memory as a share of lm-eval's."""
        return self.ours.peak_memory / self.lm_eval.peak_memory

    @property
    def kept(self) -> bool:
        """Whether both promises are kept."""
        return self.ratio >= self.wanted and self.memory <= MOST_MEMORY


def compare(case: Case, ours: Sequence[Run], lm_eval: Sequence[Run]) -> Result:
    """Compare the runs of a case, with lm-eval at the fastest of its batch sizes.

    Raises EvaluationError when the two sides were not asked the same.
    """
    by_size: dict[int, list[Run]] = {}
    for run in lm_eval:
        by_size.setdefault(run.batch_size, []).append(run)
    sides = {size: _side(runs, whole=case.whole) for size, runs in by_size.items()}
    best = min(sides, key=lambda size: sides[size].seconds)
    left, right = ours[0].outcome.answers, by_size[best][0].outcome.answers
    differ, gap = _agreement(case.name, left, right)
    return Result(
        name=case.name,
        title=case.title,
        whole=case.whole,
        wanted=case.wanted,
        batch_size=best,
        tried={size: side.seconds for size, side in sides.items()},
        ours=_side(ours, whole=case.whole),
        lm_eval=sides[best],
        requests=len(left),
        answers_differ=differ,
        largest_gap=gap,
    )


def _side(runs: Sequence[Run], *, whole: bool) -> Side:
    each = [run.measured.seconds if whole else run.outcome.requests_seconds for run in runs]
    return Side(
        seconds=median(each),
        each=each,
        command_seconds=median(run.measured.seconds for run in runs),
        peak_memory=max(run.measured.peak_memory for run in runs),
        tokens=sum(answer.tokens for answer in runs[0].outcome.answers),
    )


def _agreement(name: str, ours: Sequence[Answer], theirs: Sequence[Answer]) -> tuple[int, float]:
    """How many rows are answered differently, and the largest difference of log-probabilities."""
    left = {(one.dataset, one.place): one for one in ours}
    right = {(one.dataset, one.place): one for one in theirs}
    if left.keys() != right.keys():
        raise EvaluationError("The two sides answered other rows.", where=f"case {name}")
    differ, gap = 0, 0.0
    for key, mine in left.items():
        other = right[key]
        if mine.prompts != other.prompts:
            raise EvaluationError(
                "The two sides were asked different things, so their times say nothing.",
                where=f"case {name}, {key[0]}, row {key[1]}",
                remedy="make crosscheck shows where the prompts part",
            )
        differ += mine.text != other.text or _best(mine.values) != _best(other.values)
        pairs = zip(mine.values, other.values, strict=True)
        gap = max([gap, *(abs(one - two) for one, two in pairs)])
    return differ, gap


def _best(values: Sequence[float]) -> int | None:
    return max(range(len(values)), key=values.__getitem__) if values else None
