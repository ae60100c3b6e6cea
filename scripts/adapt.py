"""One look of the adaptive tier: decide what its samples show, and which cells need more."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import job
from evaluation.adaptive.plan import AdaptSettings
from evaluation.adaptive.stages import make_stage
from evaluation.files import write_record
from evaluation.plan import parse


def main() -> None:
    """Read the arguments and take the look."""
    arguments = job.parser(__doc__ or "")
    arguments.add_argument("--before", type=Path, nargs="*", default=[])
    arguments.add_argument("--results", type=Path, nargs="*", default=[])
    arguments.add_argument("--datasets", type=Path, nargs="+", required=True)
    arguments.add_argument("--output", type=Path, required=True)
    given = arguments.parse_args()
    settings = parse(AdaptSettings, given.settings)

    def work() -> None:
        stage = make_stage(settings, given.before, given.results, given.datasets)
        write_record(given.output, stage)

    job.run("adapt", f"tier {settings.tier}", given.log, work)


if __name__ == "__main__":
    main()
