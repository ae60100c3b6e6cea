"""Engine figures of a cell, from its responses and the sessions they came from."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.records import Performance, Response, Session


def performance(responses: Sequence[Response], sessions: Sequence[Session]) -> Performance:
    """The figures of a cell; a rate is None when nothing was generated or it was not measured."""
    answers = [r for r in responses if r.completion_tokens]
    tokens = sum(r.completion_tokens for r in answers)
    whole = sum(r.engine_seconds for r in responses)
    # Where one answer came from an engine that does not tell its phases apart, there is no rate.
    told = [r.prefill_seconds for r in answers if r.prefill_seconds is not None]
    prefill = sum(told) if len(told) == len(answers) else None
    return Performance(
        load_seconds=sum(session.load_seconds for session in sessions),
        loads=len(sessions),
        engine_seconds=whole,
        prompt_tokens=sum(r.prompt_tokens for r in responses),
        shared_tokens=sum(r.shared_tokens for r in responses),
        completion_tokens=tokens,
        tokens_per_second=_rate(tokens, sum(r.engine_seconds for r in answers)),
        prefill_tokens_per_second=_rate(
            sum(r.prompt_tokens - r.shared_tokens for r in answers), prefill
        ),
        decode_tokens_per_second=_rate(
            tokens, None if prefill is None else sum(r.engine_seconds for r in answers) - prefill
        ),
        mean_rows=_rate(sum(r.batch_rows * r.engine_seconds for r in responses), whole),
        joules=_joules(responses, sessions),
        peak_memory=max((r.peak_memory for r in responses), default=0),
        session_seconds=session_seconds(responses, sessions),
    )


def session_seconds(responses: Sequence[Response], sessions: Sequence[Session]) -> dict[str, float]:
    """Engine time of the responses by session."""
    return {
        session.id: sum(r.engine_seconds for r in responses if r.session == session.id)
        for session in sessions
    }


def _rate(amount: float, seconds: float | None) -> float | None:
    return amount / seconds if amount and seconds is not None and seconds > 0 else None


def _joules(responses: Sequence[Response], sessions: Sequence[Session]) -> float | None:
    """The sessions' energy, each in proportion to the engine's time that the cell took of it."""
    total = 0.0
    seconds = session_seconds(responses, sessions)
    for session in sessions:
        usage = session.usage
        if usage is None or usage.device is None or usage.device.joules is None:
            return None
        own = seconds[session.id]
        total += usage.device.joules * (own / usage.engine_seconds if usage.engine_seconds else 0.0)
    return total if sessions else None
