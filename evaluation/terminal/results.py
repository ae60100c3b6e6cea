"""The results of a tier and what they took, as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from evaluation.files import read_record
from evaluation.records import Aggregate, Amounts, Cell, TierCost
from evaluation.reports import format as fmt
from evaluation.reports import notes
from evaluation.reports.facts import performance
from evaluation.terminal.words import duration, moment, money, points, say, table

# Models side by side: beside a dataset's name, three fit into 100 columns.
ABREAST = 3


def print_tier(console: Console, folder: Path) -> None:
    """Print scores, speed, costs if they were counted, and what to know about the scores."""
    found = read_record(folder / "all.json", Aggregate)
    times = sorted(cell.provenance.scored for cell in found.cells)
    scored = f", scored {moment(times[0])} to {moment(times[-1])} UTC" if times else ""
    say(
        console,
        f"Tier {found.tier}: {fmt.plural(len(found.models), 'model')}, "
        f"{fmt.plural(len(found.datasets), 'dataset')}{scored}",
        style="bold",
    )
    cells = {(cell.model, cell.dataset): cell for cell in found.cells}
    for start in range(0, len(found.models), ABREAST):
        models = found.models[start : start + ABREAST]
        rows = [
            [name, *(_score(cells.get((model, name))) for model in models)]
            for name in found.datasets
        ]
        table(console, ["dataset", *models], rows)
    say(console, "Primary scores with intervals and the number n of samples they are of.\n")
    # Tokens stand beside the costs.
    speed = [[*row[:4], *row[6:]] for row in performance(found)]
    headings = ["speed", "loads", "loading", "engine time", "tokens/s", "scored/s", "peak memory"]
    table(console, headings, speed, right=True)
    if (folder / "cost.json").exists():
        _cost(console, read_record(folder / "cost.json", TierCost))
    points(console, "What to know", _remarks(found.cells))


def _score(cell: Cell | None) -> str:
    if cell is None:
        return "missing"
    score = fmt.primary(cell.scores)
    if score is None or score.value is None:
        return notes.not_scored(cell, score)[0]
    interval = "" if score.interval is None else f" ({fmt.interval(score.metric, score.interval)})"
    return f"{fmt.number(score.metric, score.value)}{interval} n {score.n}"


def _remarks(cells: Sequence[Cell]) -> list[str]:
    """What flags say, each once with the cells it is about."""
    about: dict[str, list[str]] = {}
    for cell in cells:
        score = fmt.primary(cell.scores)
        remarks = [*notes.flags(cell)]
        if cell.provenance.dataset_source != "hub":
            remarks.append(
                f"{notes.SOURCES[cell.provenance.dataset_source]}"
                + (", not the benchmark" if cell.provenance.dataset_source == "bundled" else "")
            )
        if score is None or score.value is None:
            remarks.append(": ".join(notes.not_scored(cell, score)))
        for remark in remarks:
            about.setdefault(remark, []).append(f"{cell.model} {cell.dataset}")
    return [
        f"{remark}: {'every cell' if len(names) == len(cells) else ', '.join(names)}"
        for remark, names in about.items()
    ]


def _cost(console: Console, found: TierCost) -> None:
    parts = [(model.model, model.answers) for model in found.models]
    parts.append(("all models", found.answers))
    if found.judging is not None:
        parts.append(("judging", found.judging))
    headings = ["cost", "wall time", "GPU time", "energy", "prompt tokens", "generated", "money"]
    rows = [_amounts(name, amounts, found.currency) for name, amounts in parts]
    table(console, headings, rows, right=True)
    each = [("score", found.per_score), ("sample", found.per_sample)]
    if found.per_decision is not None:
        each.append(("decision", found.per_decision))
    words = [
        f"{name} (of {fmt.count(one.number)}): {duration(one.wall_seconds)}, "
        f"{money(one.money, found.currency)}"
        if one.number
        else f"{name}: there is none"
        for name, one in each
    ]
    points(console, "Wall time and money for each", words)
    reasons = [f"{field.replace('_', ' ')}: {why}" for field, why in found.answers.missing.items()]
    points(console, "Costs that are not known", reasons)


def _amounts(name: str, found: Amounts, currency: str) -> list[str]:
    return [
        name,
        duration(found.wall_seconds),
        duration(found.gpu_seconds),
        fmt.energy(found.joules),
        fmt.count(found.prompt_tokens),
        fmt.count(found.completion_tokens),
        money(found.money, currency),
    ]
