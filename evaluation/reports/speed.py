"""Tables of sessions: tokens a second, how full batches were, and what the machine was used for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evaluation.records import Phase, Usage
from evaluation.reports import fields
from evaluation.reports.fields import Field, Table
from evaluation.reports.usage import PHASES, ModelRuns, Run, name_of

Fields = tuple[Field, ...]
SPEED = (
    "Tokens that the engine computed, and how many a second, by kind of work. Prompts are read; "
    "answers are written, one token an answer and pass; choices are read, with their question, for "
    "their probability. Reused tokens were not computed, because another request begins with the "
    "same."
)
BATCHES = (
    "Requests under way: the mean over the engine's time, and the most. Answers a pass: tokens "
    "written in one pass over the weights, on average. Padding: the share of places computed that "
    "held no token; for answers, the share of the cache's places read that held none. Started "
    "again: requests whose batch failed, for lack of memory mostly, and was halved."
)
MACHINE = (
    "Run: time by the clock from the first request to the last answer; load is before it. Engine "
    "memory: the most the engine's own answers report (on a GPU what it had reserved). Process: "
    "the most memory of the process and its children. GPU: the share of the time in which anything "
    "ran on it, mean power, energy by its meter, the most memory in use and how much there is; all "
    "of the whole card, whoever used it. Cores: processor time over time by the clock."
)


def speed(found: Sequence[ModelRuns]) -> Table:
    """Tokens and tokens a second of each session, by kind of work."""
    kinds = [
        (name, words)
        for name, words in PHASES
        if any(run.phase(name) is not None for one in found for run in one.runs)
    ]

    def row(_: ModelRuns, run: Run) -> Fields:
        usage = run.session.usage
        each = [field for name, _ in kinds for field in _tokens(run.phase(name))]
        return (*each, fields.count(usage.shared_tokens if usage else None))

    heads = [head for _, words in kinds for head in (words.capitalize(), "tokens/s")]
    return _table("speed", "Tokens a second", SPEED, (*heads, "Reused tokens"), found, row)


def batches(found: Sequence[ModelRuns]) -> Table:
    """How many requests were under way, and how much was padding."""

    def row(_: ModelRuns, run: Run) -> Fields:
        usage, decode = run.session.usage, run.phase("decode")
        if usage is None:
            return (fields.NOTHING,) * 8
        passes = decode.passes if decode else None
        return (
            fields.count(usage.requests),
            fields.decimal(usage.mean_rows),
            fields.count(usage.most_rows),
            fields.decimal(decode.tokens / passes if decode and passes else None),
            *(
                fields.share(phase.padding if (phase := run.phase(name)) else None)
                for name in ("prefill", "decode", "scoring")
            ),
            fields.count(usage.backoffs),
        )

    heads = ("Requests", "Under way", "At most", "Answers a pass")
    padding = ("Padding, prompts", "Padding, answers", "Padding, choices")
    return _table(
        "batches", "How full batches were", BATCHES, (*heads, *padding, "Started again"), found, row
    )


def machine(found: Sequence[ModelRuns], peaks: dict[str, int]) -> Table:
    """Time, memory, energy; `peaks` is the most memory that a model's answers report."""

    def row(one: ModelRuns, run: Run) -> Fields:
        usage, hardware = run.session.usage, run.session.hardware
        first = (
            fields.words(hardware.device),
            fields.seconds(run.session.load_seconds),
            fields.seconds(usage.wall_seconds if usage else None),
            fields.size(None if one.rates else peaks.get(one.name)),
        )
        return (*first, *_use(usage), fields.size(hardware.device_memory))

    heads = ("Device", "Load", "Run", "Engine memory", "Process", "Cores")
    gpu = ("GPU in use", "Power", "Energy", "GPU memory, most", "of")
    return _table(
        "machine", "Memory, energy and the machine", MACHINE, (*heads, *gpu), found, row, words=3
    )


def _table(
    name: str,
    title: str,
    caption: str,
    heads: tuple[str, ...],
    found: Sequence[ModelRuns],
    row: Callable[[ModelRuns, Run], Fields],
    words: int = 2,
) -> Table:
    rows = [
        (fields.words(one.title), _session(one, run), *row(one, run))
        for one in found
        for run in one.runs
    ]
    return Table(name, title, caption, ("Model", "Session", *heads), rows, words)


def _session(found: ModelRuns, run: Run) -> Field:
    why = "" if run.session.usage else ": killed"
    return fields.words(name_of(found, run) + why)


def _tokens(phase: Phase | None) -> Fields:
    if phase is None:
        return fields.NOTHING, fields.NOTHING
    rate = phase.tokens / phase.seconds if phase.tokens and phase.seconds > 0 else None
    return fields.count(phase.tokens), fields.rate(rate)


def _use(usage: Usage | None) -> Fields:
    if usage is None:
        return (fields.NOTHING,) * 6
    gpu = usage.device
    return (
        fields.size(usage.resident_memory),
        fields.decimal(usage.cpu_cores),
        fields.share(gpu.utilisation if gpu else None),
        fields.power(gpu.watts if gpu else None),
        fields.energy(gpu.joules if gpu else None),
        fields.size(gpu.memory if gpu else None),
    )


def peaks(cells: Sequence[tuple[str, int]]) -> dict[str, int]:
    """The most memory of each model, from pairs of model and bytes."""
    most: dict[str, int] = {}
    for model, memory in cells:
        most[model] = max(most.get(model, 0), memory)
    return most
