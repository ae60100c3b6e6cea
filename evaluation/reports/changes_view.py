"""What changed since the run before, as text for the provenance page."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from evaluation.history import History
from evaluation.records import CellRun
from evaluation.reports import format as fmt
from evaluation.reports.run_changes import CellChange, InputChange, RunChanges, changes

# Runs listed at the end; the file has all.
SHOWN = 12


@dataclass(frozen=True)
class ChangedCell:
    """A row of the table: scores before and after, their difference, and what else changed."""

    model: str
    dataset: str
    metric: str
    before: str
    after: str
    difference: str
    order: str
    inputs: tuple[InputChange, ...]


@dataclass(frozen=True)
class Changes:
    """The last run against the one before; `summary` in words, `runs` as rows, newest first."""

    summary: tuple[str, ...]
    shared: tuple[InputChange, ...]
    cells: tuple[ChangedCell, ...]
    new: tuple[str, ...]
    gone: tuple[str, ...]
    runs: tuple[tuple[str, ...], ...]
    unreadable: str


def changes_view(history: History | None) -> Changes:
    """The history of a tier as text; says so where there is none or no run before."""
    if history is None or not history.runs:
        words = (
            "No history was given to this report."
            if history is None
            else "The history of this tier has no run that can be read."
        )
        return Changes((words,), (), (), (), (), (), _unreadable(history))
    runs = list(history.runs)
    steps = [changes(before, after) for before, after in pairwise(runs)]
    rows = [_run_row(run.recorded, run.cells, "the first one recorded") for run in runs[:1]]
    rows += [_run_row(s.after.recorded, s.after.cells, _in_short(s)) for s in steps]
    shown = tuple(reversed(rows))[:SHOWN]
    if not steps:
        first = f"This is the first recorded run of the tier ({fmt.moment(runs[0].recorded)})."
        return Changes((first,), (), (), (), (), shown, _unreadable(history))
    last = steps[-1]
    cells = sorted(map(_cell, last.cells), key=lambda c: -abs(float(c.order or 0)))
    return Changes(
        summary=(
            f"The run recorded {fmt.moment(last.after.recorded)} against the one before it, "
            f"recorded {fmt.moment(last.before.recorded)}: {_in_short(last)}.",
        ),
        shared=tuple(map(_shortened, last.shared)),
        cells=tuple(cells),
        new=tuple(map(_name, last.new)),
        gone=tuple(map(_name, last.gone)),
        runs=shown,
        unreadable=_unreadable(history),
    )


def _in_short(found: RunChanges) -> str:
    shared = [change.name for change in found.shared]
    moved = sum(cell.score_differs for cell in found.cells)
    rest = "with the same score" if shared else "as before"
    still = len(found.cells) - moved
    parts = [
        (moved, f"{fmt.plural(moved, 'score')} changed"),
        (still, f"{fmt.plural(still, 'cell')} with the same score from other inputs"),
        (len(found.new), f"{fmt.plural(len(found.new), 'cell')} new"),
        (len(found.gone), f"{fmt.plural(len(found.gone), 'cell')} gone"),
        (found.unchanged, f"{fmt.plural(found.unchanged, 'cell')} {rest}"),
    ]
    words = [text for number, text in parts if number]
    if shared:
        words.append(f"changed in every cell: {', '.join(shared)}")
    return "; ".join(words) or "no cell in common"


def _run_row(recorded: str, cells: list[CellRun], words: str) -> tuple[str, ...]:
    code = ", ".join(dict.fromkeys(fmt.short(cell.commit) for cell in cells)) or fmt.NONE
    return (fmt.moment(recorded), fmt.count(len(cells)), code, words)


def _name(cell: CellRun) -> str:
    return f"{cell.model} on {cell.dataset}: {_score(cell)}"


def _cell(found: CellChange) -> ChangedCell:
    moved = found.difference
    return ChangedCell(
        model=found.after.model,
        dataset=found.after.dataset,
        metric=found.after.metric,
        before=_score(found.before),
        after=_score(found.after),
        difference=_difference(found),
        order="" if moved is None else f"{moved:.6f}",
        inputs=tuple(map(_shortened, found.inputs)),
    )


def _difference(found: CellChange) -> str:
    if found.difference is None:
        return "cannot be told"
    return fmt.change(found.after.metric, found.difference) if found.difference else "none"


def _score(cell: CellRun) -> str:
    value = "not scored" if cell.value is None else fmt.number(cell.metric, cell.value)
    return f"{value}, n = {cell.n}"


def _shortened(change: InputChange) -> InputChange:
    """Checksums and commits by their beginnings, unless those are alike."""
    old, new = (_short_words(text) for text in (change.before, change.after))
    if old == new:
        return change
    return InputChange(change.name, old, new)


def _short_words(text: str) -> str:
    return " ".join(fmt.short(word) for word in text.split(" ")) or "none"


def _unreadable(history: History | None) -> str:
    if history is None or not history.unreadable:
        return ""
    lines = ", ".join(map(str, history.unreadable))
    number = len(history.unreadable)
    return (
        f"{fmt.plural(number, 'line')} of history.jsonl ({lines}) cannot be read: cut off, or "
        f"written by another version. {'It is' if number == 1 else 'They are'} left as "
        f"{'it is' if number == 1 else 'they are'} and not shown."
    )
