"""What a samples page shows: each sample's verdict, and the choices of its turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan

from evaluation.records import Result, SampleResult, Turn
from evaluation.reports import format as fmt
from evaluation.reports.inputs import Verdict

VERDICTS: dict[Verdict, tuple[str, str]] = {
    "right": ("✓", "right"),
    "wrong": ("✗", "wrong"),
    "partial": ("◐", "partial"),
    "scored": ("•", "scored"),
    "unscored": ("○", "not scored"),
    "unscorable": ("∅", "unscorable"),
    "failed": ("!", "failed"),
}
LETTERS = "ABCDEFGHIJ"


@dataclass(frozen=True)
class Choice:
    """One continuation of a multiple-choice turn."""

    label: str
    text: str
    logprob: str
    per_token: str
    tokens: int
    best: bool
    gold: bool


@dataclass(frozen=True)
class TurnView:
    """One turn; `gold_known` says whether the right choice could be told."""

    turn: Turn
    choices: tuple[Choice, ...]
    gold_known: bool


@dataclass(frozen=True)
class SampleView:
    """One sample with its verdict and what went wrong with it.

    `value` is its score in the metric that the verdict is made from.
    """

    sample: SampleResult
    verdict: Verdict
    value: float | None
    symbol: str
    word: str
    reason: str
    marks: tuple[str, ...]
    truncated: bool
    scores: tuple[tuple[str, str], ...]
    turns: tuple[TurnView, ...]


def views(result: Result) -> list[SampleView]:
    """The samples of a result in their order."""
    score = fmt.primary(result.scores)
    return [_view(s, score.metric if score else "") for s in result.samples]


def _view(sample: SampleResult, metric: str) -> SampleView:
    if metric not in sample.scores:
        # A benchmark with kinds of samples judges some by another metric than the primary one.
        # A rate may be one of mistakes, so it is no verdict.
        shares = (fmt.SHARES - {"rate"}) | {"f1"}
        metric = next((m for m in sample.scores if fmt.words(m) & shares), metric)
    verdict = _verdict(sample, metric)
    symbol, word = VERDICTS[verdict]
    if verdict in ("partial", "scored") and metric in sample.scores:
        word = f"{word} {fmt.number(metric, sample.scores[metric])}"
    answers = any(t.finish_reason == "length" for t in sample.turns)
    prompts = sum(t.truncated_prompt_tokens for t in sample.turns)
    marks = []
    if answers:
        marks.append("answer truncated")
    if prompts:
        marks.append(f"prompt truncated by {fmt.plural(prompts, 'token')}")
    errors = [t.error for t in sample.turns if t.error]
    reason = sample.reason or (errors[0] if errors else "")
    if not reason and verdict in ("failed", "unscored", "unscorable"):
        reason = "no reason was recorded"
    return SampleView(
        sample=sample,
        verdict=verdict,
        value=sample.scores.get(metric),
        symbol=symbol,
        word=word,
        reason=reason,
        marks=tuple(marks),
        truncated=bool(marks),
        scores=tuple((m, fmt.number(m, v)) for m, v in sample.scores.items()),
        turns=tuple(_turn(t, sample) for t in sample.turns),
    )


def _verdict(sample: SampleResult, metric: str) -> Verdict:
    if sample.status == "failed":
        return "failed"
    if sample.status == "unscorable":
        return "unscorable"
    if sample.status == "not scored":
        return "unscored"
    value = sample.scores.get(metric)
    if value is None or not 0 <= value <= 1 or fmt.words(metric) & fmt.OWN_SCALES:
        return "scored"
    return "right" if value == 1 else "wrong" if value == 0 else "partial"


def _turn(turn: Turn, sample: SampleResult) -> TurnView:
    logprobs = [c.logprob for c in turn.continuations]
    if not logprobs:
        return TurnView(turn, (), False)
    best = None if any(map(isnan, logprobs)) else logprobs.index(max(logprobs))
    gold = None
    if best is not None:
        texts = [c.text for c in turn.continuations]
        gold = gold_choice(best, texts, sample.scores, sample.extracted, sample.gold)
    choices = tuple(
        Choice(
            label=str(i + 1),
            text=c.text,
            logprob=f"{c.logprob:.3f}",
            per_token=f"{c.logprob / c.tokens:.3f}" if c.tokens else fmt.NONE,
            tokens=c.tokens,
            best=i == best,
            gold=i == gold,
        )
        for i, c in enumerate(turn.continuations)
    )
    return TurnView(turn, choices, gold is not None)


def gold_choice(
    best: int,
    texts: Sequence[str],
    scores: Mapping[str, float],
    extracted: str | None,
    gold: str,
) -> int | None:
    """Which choice is the right one, where the record tells; None where it does not.

    `acc` compares the choice with the highest log-probability, so 1 means that it is the right
    one, and 0 of two choices means that the other one is. Letters name their own place, and the
    gold answer may be the text of a single choice.
    """
    if scores.get("acc") == 1:
        return best
    if scores.get("acc") == 0 and len(texts) == 2:
        return 1 - best
    letters = LETTERS[: len(texts)]
    if len(gold) == 1 and gold in letters and extracted == letters[best]:
        return letters.index(gold)
    same = [place for place, text in enumerate(texts) if gold and text.strip() == gold.strip()]
    return same[0] if len(same) == 1 else None
