"""What the results of a synthetic tier were run with: sessions, machines, and what they took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

from evaluation.records import (
    Ceiling,
    DeviceUse,
    Hardware,
    Performance,
    Phase,
    PhaseName,
    Session,
    Usage,
)
from tests import synthetic_text as texts
from tests.synthetic_plan import Dataset, Drawn, Model, spent

PACKAGES = {"torch": "2.13.0", "transformers": "5.23.0"}
GIB = 2**30


def sessions_of(model: Model, plans: Mapping[Dataset, Sequence[Drawn]]) -> list[Session]:
    """The model's load and, before it, one that was killed for a model that has such."""
    whole = session(model, "last", "2026-11-20T10:00:00+00:00", _usage(model, plans))
    if not model.killed:
        return [whole]
    return [session(model, "killed", "2026-11-20T09:20:00+00:00", None), whole]


def judge_session(judge: Model, model: Model, ratings: int, seconds: float) -> Session:
    """A load of the judge for the answers of one model."""
    usage = Usage(
        wall_seconds=seconds + 2,
        engine_seconds=seconds,
        requests=ratings,
        shared_tokens=0,
        backoffs=0,
        phases={
            "prefill": Phase(tokens=400 * ratings, seconds=0.3 * seconds, padding=0.02),
            "decode": Phase(tokens=60 * ratings, seconds=0.7 * seconds, padding=0.06),
        },
        mean_rows=38.0,
        most_rows=64,
        cpu_cores=1.2,
        resident_memory=9 * GIB,
        device=DeviceUse(utilisation=0.9, watts=390.0, joules=390 * seconds, memory=58 * GIB),
    )
    return session(judge, f"judge of {model.name}", "2026-11-20T14:00:00+00:00", usage)


def session(model: Model, part: str, started: str, usage: Usage | None) -> Session:
    """A load of a model; `part` tells it from other loads of the same one."""
    served = model.device == "endpoint"
    return Session(
        id=digest("session", model.name, part)[:32],
        model=model.name,
        revision=digest(model.name)[:40],
        preset=model.preset,
        engine="openai" if served else "transformers",
        engine_revision=7,
        dtype="unknown" if served else "bfloat16",
        exact=False,
        started=started,
        load_seconds=model.load_seconds,
        packages=PACKAGES,
        hardware=hardware(model.device),
        notes=["flash attention is not installed"] if not served else [],
        usage=usage,
    )


def _usage(model: Model, plans: Mapping[Dataset, Sequence[Drawn]]) -> Usage:
    tokens: dict[PhaseName, int] = {"prefill": 0, "decode": 0, "scoring": 0}
    seconds: dict[PhaseName, float] = {"prefill": 0.0, "decode": 0.0, "scoring": 0.0}
    for dataset, drawn in plans.items():
        read, write = spent(model, drawn, _shots(dataset))
        kind: PhaseName = "scoring" if dataset.kind == "choices" else "prefill"
        tokens[kind] += sum(one.prompt_tokens for one in drawn) + _shots(dataset)
        tokens["decode"] += sum(one.completion_tokens for one in drawn)
        seconds[kind] += read
        seconds["decode"] += write
    engine = sum(seconds.values())
    phases = {
        name: Phase(
            tokens=tokens[name],
            seconds=seconds[name],
            padding=0.04,
            passes=round(tokens[name] / 31) if name == "decode" else None,
        )
        for name in tokens
        if tokens[name]
    }
    on_gpu = model.device not in ("cpu", "endpoint")
    if model.device == "endpoint":
        phases = {"mixed": Phase(tokens=sum(tokens.values()), seconds=engine)}
    return Usage(
        wall_seconds=1.07 * engine + 3,
        engine_seconds=engine,
        requests=sum(len(drawn) for drawn in plans.values()),
        shared_tokens=sum(_shots(dataset) * (len(drawn) - 1) for dataset, drawn in plans.items()),
        backoffs=0,
        phases=phases,
        mean_rows=46.5,
        most_rows=128,
        cpu_cores=1.4 if on_gpu else 15.2,
        resident_memory=9 * GIB,
        device=DeviceUse(utilisation=0.93, watts=410.0, joules=410 * engine, memory=61 * GIB)
        if on_gpu
        else None,
        ceiling=None if model.device == "endpoint" else _ceiling(model, on_gpu),
    )


def _ceiling(model: Model, on_gpu: bool) -> Ceiling:
    weights = round(model.load_seconds * 10**8)
    return Ceiling(
        dtype="bfloat16",
        bandwidth=3.0e12 if on_gpu else 2.1e11,
        matrix=6.6e14 if on_gpu else 6.2e12,
        weights=weights,
        weight_bytes=2 * weights,
    )


def performance(
    model: Model, dataset: Dataset, drawn: Sequence[Drawn], sessions: Sequence[Session]
) -> Performance:
    read, write = spent(model, drawn, _shots(dataset))
    shared = _shots(dataset) * max(0, len(drawn) - 1)
    prompts = sum(one.prompt_tokens for one in drawn) + _shots(dataset) * len(drawn)
    answers = sum(one.completion_tokens for one in drawn)
    on_gpu = model.device not in ("cpu", "endpoint")
    measured = bool(answers) and model.device != "endpoint"
    last = sessions[-1]
    # A tenth of the answers came before the kill.
    early = 0.1 if len(sessions) > 1 else 0.0
    parts = {one.id: (early if one is not last else 1 - early) for one in sessions}
    return Performance(
        load_seconds=sum(one.load_seconds for one in sessions),
        loads=len(sessions),
        engine_seconds=read + write,
        prompt_tokens=prompts,
        shared_tokens=shared,
        completion_tokens=answers,
        tokens_per_second=answers / (read + write) if answers else None,
        prefill_tokens_per_second=model.prefill_rate if measured else None,
        decode_tokens_per_second=model.decode_rate if measured else None,
        mean_rows=46.5 if drawn else None,
        joules=410 * (read + write) if on_gpu and len(sessions) == 1 else None,
        peak_memory=0 if model.device == "endpoint" else 61 * GIB,
        session_seconds={key: part * (read + write) for key, part in parts.items()},
    )


def _shots(dataset: Dataset) -> int:
    """Tokens of the worked examples."""
    return round(len(texts.worked_examples(dataset)) / 4.4)


def hardware(device: str) -> Hardware:
    on_gpu = device not in ("cpu", "endpoint", "none")
    return Hardware(
        platform="Linux-6.8-x86_64",
        processor="AMD EPYC 9654",
        cores=16,
        memory=128 * GIB,
        device=device,
        device_memory=80 * GIB if on_gpu else 0,
        device_uuid="GPU-00000000" if on_gpu else "",
    )


def digest(*parts: str) -> str:
    return sha256("/".join(parts).encode()).hexdigest()
