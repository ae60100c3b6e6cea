"""What went wrong with a model's samples: a few examples of each kind, with links to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evaluation.reports import links
from evaluation.reports.inputs import SampleDigest, TierReport
from evaluation.reports.notes import plain_title

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Example:
    """A sample that went wrong, on one line each."""

    title: str
    dataset: str
    sample: SampleDigest
    link: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of errors: how many samples of how many datasets, and examples of it."""

    name: str
    meaning: str
    samples: int
    datasets: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class _Test:
    name: str
    meaning: str
    holds: Callable[[SampleDigest, bool], bool]


# A sample is of the first kind that holds. The second argument says whether the benchmark extracts
# answers at all.
TESTS = (
    _Test(
        "failed",
        "the engine gave an error in place of an answer",
        lambda s, _: s.verdict == "failed",
    ),
    _Test(
        "unscorable",
        "the row is at fault, whatever the answer",
        lambda s, _: s.verdict == "unscorable",
    ),
    _Test("not scored", "the answer could not be judged", lambda s, _: s.verdict == "unscored"),
    _Test(
        "answer truncated",
        "the limit of tokens cut the answer, and it is not right",
        lambda s, _: s.truncated_answer and s.verdict != "right",
    ),
    _Test(
        "prompt truncated",
        "the prompt was too long and lost a part, and the answer is not right",
        lambda s, _: s.truncated_prompt and s.verdict != "right",
    ),
    _Test(
        "nothing extracted",
        "no answer was found in what the model wrote",
        lambda s, extracts: extracts and s.verdict == "wrong" and s.answer is None,
    ),
    _Test("wrong", "the answer is not the expected one", lambda s, _: s.verdict == "wrong"),
)


def kinds(report: TierReport, model: str) -> list[Kind]:
    """The kinds there are, those that are no matter of what the model knows first."""
    found: dict[str, dict[str, list[Example]]] = {test.name: {} for test in TESTS}
    for cell in report.cells_of(model):
        samples = report.digests.get((model, cell.dataset), ())
        extracts = any(one.answer is not None for one in samples)
        for one in samples:
            test = next((test for test in TESTS if test.holds(one, extracts)), None)
            if test is not None:
                example = Example(
                    title=plain_title(cell.title),
                    dataset=cell.dataset,
                    sample=one,
                    link=links.sample(model, cell.dataset, one.id),
                )
                found[test.name].setdefault(cell.dataset, []).append(example)
    return [
        Kind(
            name=test.name,
            meaning=test.meaning,
            samples=sum(map(len, groups.values())),
            datasets=len(groups),
            examples=tuple(_choose(list(groups.values()))),
        )
        for test in TESTS
        if (groups := found[test.name])
    ]


def _choose(groups: Sequence[Sequence[Example]]) -> list[Example]:
    """Examples of different datasets where there are any, those with the most samples first."""
    ordered = sorted(groups, key=len, reverse=True)
    rounds = max(map(len, ordered))
    turns = [
        group[place]
        for place in range(min(rounds, SHOWN))
        for group in ordered
        if place < len(group)
    ]
    return turns[:SHOWN]
