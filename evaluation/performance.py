"""Engine figures of a cell, from its responses and the sessions they came from."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.records import Performance, Response, Session


def performance(responses: Sequence[Response], sessions: Sequence[Session]) -> Performance:
    """The figures of a cell; a rate is None when nothing was generated."""
    seconds = sum(r.engine_seconds for r in responses if r.completion_tokens)
    tokens = sum(r.completion_tokens for r in responses)
    return Performance(
        load_seconds=sum(session.load_seconds for session in sessions),
        loads=len(sessions),
        engine_seconds=sum(r.engine_seconds for r in responses),
        prompt_tokens=sum(r.prompt_tokens for r in responses),
        completion_tokens=tokens,
        tokens_per_second=tokens / seconds if seconds else None,
        peak_memory=max((r.peak_memory for r in responses), default=0),
    )
