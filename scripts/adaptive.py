"""Sum up the adaptive tier: decisions, the samples they took, and what was saved against full."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import job
from evaluation.adaptive.plan import AdaptSettings
from evaluation.adaptive.summary import summarise
from evaluation.files import write_record
from evaluation.plan import parse


def main() -> None:
    """Read the arguments and sum up."""
    arguments = job.parser(__doc__ or "")
    arguments.add_argument("--stages", type=Path, nargs="+", required=True)
    arguments.add_argument("--results", type=Path, nargs="+", required=True)
    arguments.add_argument("--datasets", type=Path, nargs="+", required=True)
    arguments.add_argument("--output", type=Path, required=True)
    given = arguments.parse_args()
    settings = parse(AdaptSettings, given.settings)

    def work() -> None:
        found = summarise(settings, given.stages, given.results, given.datasets)
        write_record(given.output, found)

    job.run("adaptive", "summary", given.log, work)


if __name__ == "__main__":
    main()
