"""What a number of answers took, from the sessions they came from and the configured prices.

A session serves several datasets: its wall time, load and energy are shared in proportion to engine
time. A killed session did not measure itself, a driver may tell no energy, a server is not ours to
measure: then there is a reason in place of the figure, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from evaluation.config import CostSettings
from evaluation.records import Amounts, Session

# A figure, or why there is none.
Figure = float | str
FIGURES = ("wall_seconds", "load_seconds", "engine_seconds", "gpu_seconds", "joules", "money")


def amounts(
    model: str,
    sessions: Sequence[Session],
    seconds: Mapping[str, float],
    prompt_tokens: int,
    completion_tokens: int,
    prices: CostSettings,
) -> Amounts:
    """What `model` took; `seconds` is the engine time of its answers by session."""
    figures: dict[str, Figure]
    unknown = [session.id for session in sessions if session.id not in seconds]
    if unknown:
        reason = "the result does not say which session took how long; delete it and score again"
        figures = dict.fromkeys(FIGURES, reason)
    else:
        each = [_session_figures(session, seconds[session.id], prices) for session in sessions]
        figures = {name: _total(found[name] for found in each) for name in FIGURES}
    on_server = [session.hardware.device == "endpoint" for session in sessions]
    if any(on_server):
        figures["money"] = (
            _token_money(model, prompt_tokens, completion_tokens, prices)
            if all(on_server)
            else "some answers came from a server, some did not"
        )
    return Amounts(
        **{name: None if isinstance(f, str) else f for name, f in figures.items()},
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        missing={name: found for name, found in figures.items() if isinstance(found, str)},
    )


def _session_figures(session: Session, seconds: float, prices: CostSettings) -> dict[str, Figure]:
    """The share of a session that `seconds` of its engine time are."""
    device, usage = session.hardware.device, session.usage
    on_gpu = device not in ("cpu", "endpoint")
    wall: Figure
    load: Figure
    joules: Figure
    if usage is None:
        wall = load = joules = f"session {session.id} was killed before it had measured itself"
    else:
        share = seconds / usage.engine_seconds if usage.engine_seconds > 0 else 0.0
        load = share * session.load_seconds
        wall = share * (session.load_seconds + usage.wall_seconds)
        if usage.device is not None and usage.device.joules is not None:
            joules = share * usage.device.joules
        else:
            joules = "the driver told no energy"
    if not on_gpu:
        joules = "a server's energy is not known" if device == "endpoint" else "no GPU was used"
    return {
        "wall_seconds": wall,
        "load_seconds": load,
        "engine_seconds": seconds,
        "gpu_seconds": "a server's devices are not known"
        if device == "endpoint"
        else seconds
        if on_gpu
        else 0.0,
        "joules": joules,
        "money": _machine_money(on_gpu, wall, joules, prices),
    }


def _machine_money(on_gpu: bool, wall: Figure, joules: Figure, prices: CostSettings) -> Figure:
    """Hours of the machine and energy of its GPU, as far as they have a price."""
    parts: list[Figure] = []
    hour = prices.gpu_hour if on_gpu else prices.cpu_hour
    if hour is not None:
        parts.append(wall if isinstance(wall, str) else wall / 3600 * hour)
    if on_gpu and prices.kwh is not None:
        parts.append(joules if isinstance(joules, str) else joules / 3.6e6 * prices.kwh)
    if parts:
        return _total(parts)
    return f"no price: set cost.{'gpu_hour or cost.kwh' if on_gpu else 'cpu_hour'}"


def _token_money(model: str, prompt: int, completion: int, prices: CostSettings) -> Figure:
    price = prices.tokens.get(model)
    if price is None:
        return f"no price: set cost.tokens.{model}"
    return (prompt * price.prompt + completion * price.completion) / 1e6


def _total(figures: Iterable[Figure]) -> Figure:
    """The sum, or all reasons why there is none."""
    found = list(figures)
    reasons = dict.fromkeys(figure for figure in found if isinstance(figure, str))
    return "; ".join(reasons) or sum(figure for figure in found if not isinstance(figure, str))
