"""The samples of a result in short, for the pages that show many cells at once."""

from __future__ import annotations

from collections.abc import Iterable

from evaluation.records import SampleResult
from evaluation.reports import format as fmt
from evaluation.reports.inputs import SampleDigest
from evaluation.reports.samples import SampleView

LINE = 160


def digests(found: Iterable[SampleView]) -> tuple[SampleDigest, ...]:
    """The samples of a result, from their views and in their order."""
    return tuple(map(_digest, found))


def _digest(view: SampleView) -> SampleDigest:
    sample: SampleResult = view.sample
    turns = sample.turns
    return SampleDigest(
        id=sample.id,
        category=sample.category,
        verdict=view.verdict,
        word=view.word,
        value=view.value,
        answer=None if sample.extracted is None else fmt.one_line(sample.extracted, LINE),
        gold=fmt.one_line(sample.gold, LINE),
        reason=fmt.one_line(view.reason, LINE),
        finish_reasons=tuple(turn.finish_reason for turn in turns),
        truncated_answer=any(turn.finish_reason == "length" for turn in turns),
        truncated_prompt=any(turn.truncated_prompt_tokens for turn in turns),
        prompt_tokens=sum(turn.prompt_tokens for turn in turns),
        completion_tokens=sum(turn.completion_tokens for turn in turns),
        thinking_tokens=sum(turn.thinking_tokens for turn in turns),
        latency_seconds=sum(turn.latency_seconds for turn in turns),
    )
