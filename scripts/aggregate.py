"""Aggregate a tier: writes all.json, all.csv and all.parquet from its results."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import job
from evaluation.aggregate import aggregate, write_tables
from evaluation.plan import AggregateSettings, parse
from evaluation.run_notes import Remark, note


def main() -> None:
    """Read the arguments and aggregate."""
    arguments = job.parser(__doc__ or "")
    arguments.add_argument("--results", type=Path, nargs="+", required=True)
    arguments.add_argument("--json", type=Path, required=True)
    arguments.add_argument("--csv", type=Path, required=True)
    arguments.add_argument("--parquet", type=Path, required=True)
    given = arguments.parse_args()
    settings = parse(AggregateSettings, given.settings)

    def work() -> None:
        found = aggregate(settings.tier, settings.models, settings.datasets, given.results)
        write_tables(found, given.json, given.csv, given.parquet)
        for number, one in enumerate(found.unread):
            words = f"missing: {one.model} on {one.dataset}. {one.reason}"
            note(Remark(words=words), f"{settings.tier}-{number}")

    job.run("aggregate", f"tier {settings.tier}", given.log, work)


if __name__ == "__main__":
    main()
