"""History: adds what a tier is now to results/{tier}/history.jsonl if that differs from before."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import job
from evaluation.files import read_record
from evaluation.history import HistorySettings, record, run_record
from evaluation.plan import parse
from evaluation.records import Aggregate


def main() -> None:
    """Read the arguments and record."""
    arguments = job.parser(__doc__ or "")
    arguments.add_argument("--aggregate", type=Path, required=True)
    arguments.add_argument("--output", type=Path, required=True)
    given = arguments.parse_args()
    settings = parse(HistorySettings, given.settings)

    def work() -> None:
        aggregate = read_record(given.aggregate, Aggregate)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        added = record(given.output, run_record(aggregate, settings, now))
        logging.info("a line was added" if added else "nothing differs from the last run")

    job.run("history", f"tier {settings.tier}", given.log, work)


if __name__ == "__main__":
    main()
