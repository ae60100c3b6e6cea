"""What the page of a pair of models shows: verdicts, numbers and the forest plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from evaluation.records import (
    Agreement,
    Comparison,
    DatasetComparison,
    Difference,
    SourceKind,
    Verdict,
)
from evaluation.reports import differences as diff
from evaluation.reports import format as fmt
from evaluation.reports.charts.forest import LIMIT, Row, forest
from evaluation.reports.inputs import TierReport
from evaluation.reports.notes import plain_title
from evaluation.reports.versus import SYMBOLS

BUNDLED = " (bundled)"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the numbers: a dataset, or the mean over them."""

    title: str
    dataset: str
    source: SourceKind
    scale: diff.Scale
    found: Difference

    @property
    def tested(self) -> bool:
        """Whether there is a difference to show."""
        return diff.known(self.found.difference)

    @property
    def largeness(self) -> float:
        """How large the difference is, for sorting; 0 where there is none."""
        value = self.found.difference
        return abs(value) if diff.known(value) else 0.0

    @property
    def scores(self) -> tuple[str, str]:
        """The scores of both; a mean over datasets is in hundredths, as it is of no metric."""
        both = (self.found.a, self.found.b)
        if self.dataset:
            first, second = (self.scale.score(value) for value in both)
        else:
            first, second = (diff.hundredths(value) for value in both)
        return first, second


@dataclass(frozen=True, slots=True)
class Group:
    """The datasets with one verdict."""

    verdict: Verdict
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """What so many samples can show: differences from `least` to `most` points."""

    least: str
    most: str
    samples: tuple[int, int]
    nothing: int  # datasets on which no difference would show


def lines(report: TierReport, found: Comparison) -> list[Line]:
    """A line a dataset, in the order of the comparison."""
    return [
        Line(
            plain_title(one.title),
            one.dataset,
            _source(report, found, one),
            diff.scale(one.metric),
            one.difference,
        )
        for one in found.datasets
    ]


def overall(found: Comparison) -> Line:
    """The line of the mean over the datasets."""
    return Line("Mean over the datasets", "", "hub", diff.Scale("mean"), found.overall)


def averaged(found: Comparison) -> list[str]:
    """The titles of the datasets that the overall difference is of."""
    if not diff.known(found.overall.difference):
        return []
    return [plain_title(one.title) for one in found.datasets if one.dataset not in found.left_out]


def groups(shown: Sequence[Line]) -> list[Group]:
    """The datasets by verdict, in the order a reader wants; none without datasets."""
    made = []
    for verdict in SYMBOLS:
        mine = [line for line in shown if line.found.verdict == verdict]
        mine.sort(key=lambda line: -line.largeness)
        if mine:
            made.append(Group(verdict, tuple(mine)))
    return made


def nearest(shown: Sequence[Line]) -> Line | None:
    """The undecided dataset that the fewest further samples would decide."""
    short = [
        line
        for line in shown
        if line.found.verdict == "not enough samples" and line.found.needed is not None
    ]
    return min(short, key=lambda line: (line.found.needed or 0) - line.found.n, default=None)


def reach(shown: Sequence[Line]) -> Reach | None:
    """How small a difference the samples of the datasets can show; None where none was tested."""
    tested = [line.found for line in shown if diff.known(line.found.p)]
    values = [found.detectable for found in tested if diff.known(found.detectable)]
    if not tested:
        return None
    return Reach(
        least=diff.size(min(values)) if values else "",
        most=diff.size(max(values)) if values else "",
        samples=(min(f.n for f in tested), max(f.n for f in tested)),
        nothing=len(tested) - len(values),
    )


def agreements(found: Comparison) -> list[tuple[str, Agreement]]:
    """How often both, one and neither were right, where scores are 0 or 1."""
    return [
        (plain_title(one.title), one.agreement)
        for one in found.datasets
        if one.agreement is not None
    ]


def warnings(found: Comparison) -> list[tuple[str, str]]:
    """What to know before the numbers: each remark once, with the datasets it is about."""
    about: dict[str, list[str]] = {}
    for one in found.datasets:
        for remark in dict.fromkeys(one.warnings):
            about.setdefault(remark, []).append(plain_title(one.title))
    count = len(found.datasets)
    return [
        (remark, f"all {count}" if len(titles) == count > 1 else ", ".join(titles))
        for remark, titles in about.items()
    ]


def left_out(report: TierReport, found: Comparison) -> list[tuple[str, str]]:
    """What is no part of the overall difference: dataset and reason."""
    return [
        (plain_title(report.title(dataset)), reason) for dataset, reason in found.left_out.items()
    ]


def chart(shown: Sequence[Line], found: Comparison, margin: float) -> Markup | None:
    """The forest plot, sorted by difference; None where nothing can be compared."""
    tested = [line for line in shown if line.tested]
    if not tested:
        return None
    tested.sort(key=lambda line: -(line.found.difference or 0.0))
    total = overall(found)
    count = len(tested)
    return forest(
        [_row(line) for line in tested],
        _row(total) if total.tested else None,
        (found.a, found.b),
        100 * margin,
        title=f"Differences of {found.a} and {found.b}",
        description=(
            f"Forest plot of the paired differences on {fmt.plural(count, 'dataset')}, in points "
            "with intervals. The table below has its numbers."
        ),
    )


def _row(line: Line) -> Row:
    found, ends = line.found, line.found.interval
    assert found.difference is not None
    # Cut here, so that what is said of the source stays.
    room = LIMIT - len(BUNDLED)
    name = fmt.one_line(line.title, room) + BUNDLED if line.source == "bundled" else line.title
    return Row(
        name=name,
        value=100 * found.difference,
        low=100 * ends.low if ends else None,
        high=100 * ends.high if ends else None,
        detectable=None if found.detectable is None else 100 * found.detectable,
        verdict=found.verdict,
    )


def _source(report: TierReport, found: Comparison, one: DatasetComparison) -> SourceKind:
    cells = (report.cell(model, one.dataset) for model in (found.a, found.b))
    return next((cell.provenance.dataset_source for cell in cells if cell is not None), "hub")
