"""What differs between two runs of a tier: cells, scores, and what was recorded beside them.

Differences stand side by side; that one led to another is for the reader to say. A score that moved
while nothing recorded did is named as such.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.records import CellRun, RunRecord

Key = tuple[str, str]


@dataclass(frozen=True)
class InputChange:
    """Something that a score depends on, before and after, as text."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class CellChange:
    """A cell that both runs have and that differs.

    `difference` is after less before; None where either has no score or the metric is another one.
    """

    before: CellRun
    after: CellRun
    difference: float | None
    inputs: tuple[InputChange, ...]

    @property
    def score_differs(self) -> bool:
        """Whether another score is shown, or the same one of another number of samples."""
        old, new = self.before, self.after
        return (old.metric, old.value, old.n) != (new.metric, new.value, new.n)


@dataclass(frozen=True)
class RunChanges:
    """The second run against the first; `shared` changed alike in every cell that both have."""

    before: RunRecord
    after: RunRecord
    new: tuple[CellRun, ...]
    gone: tuple[CellRun, ...]
    shared: tuple[InputChange, ...]
    cells: tuple[CellChange, ...]
    unchanged: int


def changes(before: RunRecord, after: RunRecord) -> RunChanges:
    """Compare two runs of a tier."""
    old = {(c.model, c.dataset): c for c in before.cells}
    new = {(c.model, c.dataset): c for c in after.cells}
    both = [key for key in new if key in old]
    found = {key: _inputs(old[key], new[key], before.packages, after.packages) for key in both}
    counts = Counter(change for inputs in found.values() for change in inputs)
    # With one cell there is nothing to be shared by.
    shared = tuple(c for c, times in counts.items() if times == len(both) > 1)
    cells = [
        CellChange(
            before=old[key],
            after=new[key],
            difference=_difference(old[key], new[key]),
            inputs=tuple(change for change in found[key] if change not in shared),
        )
        for key in both
    ]
    differing = tuple(cell for cell in cells if cell.score_differs or cell.inputs)
    return RunChanges(
        before=before,
        after=after,
        new=tuple(cell for key, cell in new.items() if key not in old),
        gone=tuple(cell for key, cell in old.items() if key not in new),
        shared=shared,
        cells=differing,
        unchanged=len(both) - len(differing),
    )


def _difference(old: CellRun, new: CellRun) -> float | None:
    if old.value is None or new.value is None or old.metric != new.metric:
        return None
    return new.value - old.value


def _inputs(
    old: CellRun,
    new: CellRun,
    old_packages: dict[str, dict[str, str]],
    new_packages: dict[str, dict[str, str]],
) -> tuple[InputChange, ...]:
    rows = zip(_described(old), _described(new), strict=True)
    found = [InputChange(name, a, b) for (name, a), (_, b) in rows if a != b]
    for kind, one, other in (
        ("engine", old.running, new.running),
        ("scorer", [old.scoring], [new.scoring]),
    ):
        earlier, later = _versions(one, old_packages), _versions(other, new_packages)
        found += [
            InputChange(f"{name} of the {kind}", earlier.get(name, "none"), later.get(name, "none"))
            for name in sorted({*earlier, *later})
            if earlier.get(name) != later.get(name)
        ]
    return tuple(found)


def _described(cell: CellRun) -> list[tuple[str, str]]:
    thinking = {None: "as the server does", True: "on", False: "off"}[cell.thinking]
    state = {True: " with uncommitted changes", False: "", None: ""}[cell.dirty]
    return [
        ("metric", cell.metric),
        ("protocol", cell.protocol),
        ("worked examples", str(cell.few_shot)),
        ("attempts a sample", str(cell.repeats)),
        ("longest answer in tokens", str(cell.max_new_tokens)),
        ("temperature", f"{cell.temperature:g}"),
        ("thinking", thinking),
        ("preset", cell.preset),
        ("seed", str(cell.seed)),
        ("model", cell.model_id),
        ("model revision", cell.model_revision),
        ("model fingerprint", cell.model_fingerprint),
        ("dataset source", cell.dataset_source),
        ("dataset revision", cell.dataset_revision),
        ("dataset fingerprint", cell.dataset_fingerprint),
        ("engine", "; ".join(cell.engines) or "none"),
        ("device", "; ".join(cell.devices) or "none"),
        ("judge", cell.judge or "none"),
        ("sandbox", cell.sandbox or "none"),
        ("scoring code", cell.commit + state),
    ]


def _versions(names: Sequence[str], packages: dict[str, dict[str, str]]) -> dict[str, str]:
    """Versions by package; several where sessions differ."""
    found: dict[str, set[str]] = {}
    for name in names:
        for package, version in packages.get(name, {}).items():
            found.setdefault(package, set()).add(version)
    return {package: ", ".join(sorted(versions)) for package, versions in found.items()}
