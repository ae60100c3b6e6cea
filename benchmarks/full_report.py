"""The report of a full-size tier: how long it is made, its sizes, and how fast its samples open.

    python -m benchmarks.full_report --report docs/performance.md

Results of 8 models, 12 datasets and 200 samples each are made up (tests/synthetic_tier.py), with
prompts as long as real ones, and written where a workflow has them. Measured is the job as the
workflow starts it, reading included, on two cores; then the samples page in a headless browser.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.document import circumstances, load_average, replace_section, table
from benchmarks.measured import Measured, measure
from benchmarks.report_in_browser import Opened, open_samples
from evaluation.errors import EvaluationError
from evaluation.files import write_record, write_records
from evaluation.plan import to_json
from evaluation.records import Record, Result
from evaluation.report_plan import report_settings
from tests.synthetic_tier import (
    aggregate_of,
    comparisons_of,
    config_of,
    cost_of,
    dataset_names,
    model_names,
    presets_of,
    runs_of,
    tier,
    without_texts,
    write_tier,
)

CORES = 2
TIER = "full"
MIB = 2**20
# What is promised: seconds and bytes.
MOST_SECONDS, MOST_MEMORY = 60, 2 * 2**30
MOST_OVERVIEW, MOST_PAGE = 500_000, 3_000_000
MOST_OPENING = 2.0


@dataclass(frozen=True)
class Sizes:
    """Bytes of the overview, of the largest page, of the largest data file, and of all files."""

    overview: int
    page: int
    data: int
    whole: int
    files: int


@dataclass(frozen=True)
class Promise:
    """A figure and the most that it may be."""

    name: str
    value: float
    most: float

    @property
    def kept(self) -> bool:
        """Whether the figure is below."""
        return self.value < self.most

    @property
    def row(self) -> tuple[str, str, str]:
        """Its row of the table."""
        missed = "" if self.kept else " (missed)"
        return self.name, f"**{_number(self.value)}**{missed}", _number(self.most)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.full_report", description=__doc__)
    parser.add_argument("--models", type=int, default=8)
    parser.add_argument("--datasets", type=int, default=12)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="keep the results and the report there")
    parser.add_argument("--report", type=Path, help="the document to put the table into")
    return parser.parse_args(given)


def write_results(folder: Path, models: int, datasets: int, samples: int) -> list[str]:
    """Write all that the report job reads; the arguments that name it."""
    names, sets = model_names(models), dataset_names(datasets)
    slim = []

    def kept() -> Iterator[Result]:
        for result in tier(models, datasets, samples, name=TIER):
            slim.append(without_texts(result))
            yield result

    paths = write_tier(folder / "results", kept())
    aggregate = aggregate_of(slim, names, sets, TIER)
    comparisons = comparisons_of(slim, names, sets, TIER)
    choices = {f"presets/{choice.model}": choice for choice in presets_of(names)}
    written = {
        name: _written(folder / "results" / TIER / f"{name}.json", record)
        for name, record in {
            "all": aggregate,
            "comparisons": comparisons,
            "cost": cost_of(aggregate, comparisons),
            **choices,
        }.items()
    }
    history = folder / "results" / TIER / "history.jsonl"
    write_records(history, runs_of(aggregate))
    settings = report_settings(config_of(models, datasets), TIER, ["config.yaml"])
    return [
        *("--settings", to_json(settings), "--history", str(history)),
        *("--results", *map(str, paths), "--aggregate", written["all"]),
        *("--comparisons", written["comparisons"], "--cost", written["cost"]),
        *("--presets", *(written[name] for name in choices)),
    ]


def _written(path: Path, record: Record) -> str:
    write_record(path, record)
    return str(path)


def render(folder: Path, inputs: Sequence[str]) -> Measured:
    """Run the report job on two cores."""
    command = [
        *(sys.executable, "scripts/report.py", "--log", str(folder / "report.log")),
        *(*inputs, "--site", str(folder / "site")),
    ]
    if hasattr(os, "sched_setaffinity"):
        # Inherited by the job.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    return measure(command, Path.cwd(), {"OMP_NUM_THREADS": str(CORES)}, folder / "output.log")


def sizes(site: Path) -> Sizes:
    """The sizes of a report's files."""
    found = {path: path.stat().st_size for path in site.rglob("*") if path.is_file()}
    return Sizes(
        overview=found[site / "index.html"],
        page=max(size for path, size in found.items() if path.suffix == ".html"),
        data=max((size for path, size in found.items() if path.suffix == ".js"), default=0),
        whole=sum(found.values()),
        files=len(found),
    )


def promises(made: Measured, found: Sizes, opened: Opened | None) -> list[Promise]:
    """All promises that could be looked at: without a browser, not how samples open."""
    rows = [
        Promise("making it, s", made.seconds, MOST_SECONDS),
        Promise("peak memory, MiB", made.peak_memory / MIB, MOST_MEMORY / MIB),
        Promise("overview, kB", found.overview / 1e3, MOST_OVERVIEW / 1e3),
        Promise("largest page, kB", found.page / 1e3, MOST_PAGE / 1e3),
    ]
    if opened is not None:
        rows.append(Promise("samples page to its list, s", opened.list_seconds, MOST_OPENING))
    return rows


def words(found: Sizes, opened: Opened | None) -> str:
    """What nothing is promised of."""
    told = (
        f"{found.files:,} files, {found.whole / 1e6:.0f} MB in all, the largest file of samples "
        f"{found.data / 1e3:,.0f} kB."
    )
    if opened is None:
        return f"{told} How fast samples open was not measured: no browser was at hand."
    return (
        f"{told} In the samples page, a sample opens in {opened.sample_seconds:.2f} s, a filter "
        f"takes {opened.filter_seconds:.2f} s, a letter of a search {opened.letter_seconds:.2f} s "
        "(0.15 s of them it waits for the next one), a search in the full texts of a cell "
        f"{opened.texts_seconds:.2f} s."
    )


def run(given: argparse.Namespace, folder: Path) -> bool:
    """Measure, print and write; whether all promises are kept."""
    load = load_average()
    inputs = write_results(folder, given.models, given.datasets, given.samples)
    made = render(folder, inputs)
    found = sizes(folder / "site")
    opened = open_samples(folder / "site", model_names(given.models)[-1])
    rows = promises(made, found, opened)
    text = "\n\n".join(
        (
            circumstances(load),
            f"{given.models} models, {given.datasets} datasets, {given.samples} samples each.",
            table(("what", "measured", "at most"), [one.row for one in rows]),
            words(found, opened),
        )
    )
    print(text)
    if given.report is not None:
        replace_section(given.report, "full-report", text)
    return all(one.kept for one in rows)


def main() -> int:
    """Run, and say what went wrong; 1 when a promise is missed."""
    given = arguments()
    try:
        if given.folder is not None:
            return 0 if run(given, given.folder) else 1
        with TemporaryDirectory() as folder:
            return 0 if run(given, Path(folder)) else 1
    except EvaluationError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
