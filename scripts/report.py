"""Report: writes reports/{tier}/index.html and a page of samples for each cell."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import job
from evaluation.files import read_record
from evaluation.records import Aggregate, Comparisons, Result
from evaluation.reports.render import render_report


def main() -> None:
    """Read the arguments and render."""
    arguments = job.parser(__doc__ or "")
    arguments.add_argument("--aggregate", type=Path, required=True)
    arguments.add_argument("--results", type=Path, nargs="+", required=True)
    arguments.add_argument("--comparisons", type=Path, nargs="*", default=[])
    arguments.add_argument("--index", type=Path, required=True)
    given = arguments.parse_args()

    def work() -> None:
        results = (read_record(path, Result) for path in given.results)
        compared = [read_record(path, Comparisons) for path in given.comparisons]
        aggregate = read_record(given.aggregate, Aggregate)
        render_report(aggregate, results, given.index.parent, *compared)

    job.run("report", f"tier {given.index.parent.name}", given.log, work)


if __name__ == "__main__":
    main()
