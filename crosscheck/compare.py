"""Compare what both sides wrote: counts of agreement, and every disagreement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from crosscheck.cells import GENERATION, LOGLIKELIHOOD, PROMPTS, SCORED, Cell
from crosscheck.comparison import (
    Answers,
    Aspect,
    Choices,
    Comparison,
    Disagreement,
    Requests,
    Tie,
    Verdicts,
)
from crosscheck.exchange import (
    Asked,
    Exchange,
    Generated,
    Likelihoods,
    Text,
    Verdict,
    read,
)
from evaluation.errors import EvaluationError

# Two choices whose log-probabilities (nats) are nearer than this may swap places by rounding.
TIE = 1e-4
SHOWN = 300

RowT = TypeVar("RowT", Likelihoods, Generated)


def compare(exchange: Exchange) -> Comparison:
    """Compare the files of a run; raises EvaluationError when they do not belong together."""
    return Comparison(
        requests=[
            requests(
                cell,
                read(exchange.asked("ours", cell.name), Asked),
                read(exchange.asked("reference", cell.name), Asked),
            )
            for cell in PROMPTS
        ],
        choices=[
            choices(
                cell,
                read(exchange.answered("ours", cell.name), Likelihoods),
                read(exchange.answered("reference", cell.name), Likelihoods),
                read(exchange.asked("reference", cell.name), Asked),
            )
            for cell in LOGLIKELIHOOD
        ],
        answers=[
            answers(
                cell,
                read(exchange.answered("ours", cell.name), Generated),
                read(exchange.answered("reference", cell.name), Generated),
            )
            for cell in GENERATION
        ],
        verdicts=[
            verdicts(
                dataset,
                read(exchange.texts(dataset), Text),
                read(exchange.verdicts("ours", dataset), Verdict),
                read(exchange.verdicts("reference", dataset), Verdict),
            )
            for dataset in SCORED
        ],
    )


def requests(cell: Cell, ours: Sequence[Asked], reference: Sequence[Asked]) -> Requests:
    """Compare requests byte by byte; a row that only one side asks about is a difference."""
    by_index = {one.index: one for one in ours}
    others = {one.index: one for one in reference}
    differing = []
    for index in sorted(by_index.keys() | others.keys()):
        mine, theirs = by_index.get(index), others.get(index)
        if mine != theirs:
            shown = first_difference(_json(mine), _json(theirs))
            differing.append(_difference(cell.dataset, "request", f"row {index}", shown))
    compared = len(by_index.keys() | others.keys())
    return Requests(
        cell=cell.name,
        compared=compared,
        equal=compared - len(differing),
        differing=differing,
    )


def choices(
    cell: Cell,
    ours: Sequence[Likelihoods],
    reference: Sequence[Likelihoods],
    asked: Sequence[Asked],
) -> Choices:
    """Compare best choices by sum and by sum per character, and the scores they lead to."""
    lengths = {one.index: [len(text) - 1 for text in one.continuations] for one in asked}
    same_choice = same_scores = 0
    largest = 0.0
    ties: list[Tie] = []
    differing = []
    for mine, theirs in _paired(cell, ours, reference):
        name = f"row {mine.index}"
        largest = max(
            largest, *(abs(a - b) for a, b in zip(mine.values, theirs.values, strict=True))
        )
        others = _other_choices(mine, theirs, lengths[mine.index])
        near = {metric: margin for metric, margin in others.items() if margin < TIE}
        same_choice += not others
        same_scores += mine.scores == theirs.scores
        ties += [
            Tie(cell=cell.name, index=mine.index, metric=metric, margin=margin)
            for metric, margin in near.items()
        ]
        shown = (f"{mine.values} {mine.scores}", f"{theirs.values} {theirs.scores}")
        if others.keys() - near.keys():
            differing.append(_difference(cell.dataset, "choice", name, shown))
        elif mine.scores != theirs.scores and not near:
            differing.append(_difference(cell.dataset, "score", name, shown))
    return Choices(
        cell=cell.name,
        compared=len(ours),
        same_choice=same_choice,
        same_scores=same_scores,
        largest=largest,
        ties=ties,
        differing=differing,
    )


def _other_choices(mine: Likelihoods, theirs: Likelihoods, lengths: list[int]) -> dict[str, float]:
    """Metrics with another best choice, and how far (nats) ours is behind the reference's."""
    found = {}
    for metric, divisors in {"acc": [1] * len(lengths), "acc_norm": lengths}.items():
        a, b = _scaled(mine.values, divisors), _scaled(theirs.values, divisors)
        if metric in theirs.scores and best(a) != best(b):
            found[metric] = (b[best(b)] - b[best(a)]) * max(divisors)
    return found


def answers(cell: Cell, ours: Sequence[Generated], reference: Sequence[Generated]) -> Answers:
    """Compare generated texts character by character."""
    differing = [
        _difference(
            cell.dataset,
            "answer",
            f"row {mine.index}",
            first_difference(mine.text, theirs.text),
        )
        for mine, theirs in _paired(cell, ours, reference)
        if mine.text != theirs.text
    ]
    return Answers(
        cell=cell.name,
        compared=len(ours),
        equal=len(ours) - len(differing),
        differing=differing,
    )


def verdicts(
    dataset: str, texts: Sequence[Text], ours: Sequence[Verdict], reference: Sequence[Verdict]
) -> Verdicts:
    """Compare what was taken out of texts, and their scores."""
    if not len(texts) == len(ours) == len(reference):
        raise EvaluationError(
            f"{len(texts)} texts have {len(ours)} of our and {len(reference)} other verdicts.",
            where=dataset,
            remedy="run the whole cross-check again",
        )
    extraction, scores = [], []
    for text, mine, theirs in zip(texts, ours, reference, strict=True):
        if mine.extracted != theirs.extracted:
            shown = first_difference(mine.extracted or "", theirs.extracted or "")
            extraction.append(_difference(dataset, "extraction", text.id, shown, text.kind))
        if mine.scores != theirs.scores:
            shown = (_other(mine, theirs), _other(theirs, mine))
            scores.append(_difference(dataset, "score", text.id, shown, text.kind))
    kinds = {text.kind for text in texts}
    return Verdicts(
        dataset=dataset,
        compared=len(texts),
        kinds=len(kinds),
        equal_kinds=len(kinds - {one.kind for one in [*extraction, *scores]}),
        scored=sum(bool(one.scores) for one in reference),
        right=sum(any(one.scores.values()) for one in reference),
        same_extraction=len(texts) - len(extraction),
        same_scores=len(texts) - len(scores),
        differing=[*extraction, *scores],
    )


def best(values: Sequence[float]) -> int:
    """The place of the largest value, the first on ties."""
    return max(range(len(values)), key=lambda place: (values[place], -place))


def first_difference(ours: str, reference: str) -> tuple[str, str]:
    """Both texts from shortly before the first character that differs."""
    pairs = enumerate(zip(ours, reference, strict=False))
    place = next((i for i, (a, b) in pairs if a != b), min(len(ours), len(reference)))
    start = max(0, place - 40)
    return ours[start:], reference[start:]


def _scaled(values: Sequence[float], divisors: Sequence[int]) -> list[float]:
    return [v / d if d else float("-inf") for v, d in zip(values, divisors, strict=True)]


def _other(one: Verdict, than: Verdict) -> str:
    """The scores that differ, as text."""
    return str({k: v for k, v in one.scores.items() if than.scores.get(k) != v})


def _json(asked: Asked | None) -> str:
    return asked.model_dump_json() if asked else "(no request)"


def _difference(
    dataset: str, aspect: Aspect, name: str, shown: tuple[str, str], kind: str = ""
) -> Disagreement:
    ours, reference = (text[:SHOWN] for text in shown)
    return Disagreement(
        dataset=dataset, aspect=aspect, id=name, kind=kind, ours=ours, reference=reference
    )


def _paired(cell: Cell, ours: Sequence[RowT], reference: Sequence[RowT]) -> list[tuple[RowT, RowT]]:
    """The records of the same rows; raises EvaluationError when the rows are not the same."""
    if [one.index for one in ours] != [one.index for one in reference]:
        raise EvaluationError(
            "The two sides answered other rows.",
            where=cell.name,
            remedy="run the whole cross-check again",
        )
    return list(zip(ours, reference, strict=True))
