"""Export a tier: tables of samples and comparisons, and records for other services."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import job
from evaluation.exports.write import Targets, export_tier


def main() -> None:
    """Read the arguments and export."""
    arguments = job.parser(__doc__ or "")
    arguments.add_argument("--tier", required=True)
    arguments.add_argument("--results", type=Path, nargs="+", required=True)
    arguments.add_argument("--comparisons", type=Path, nargs="*", default=[])
    arguments.add_argument("--sample-tables", type=Path, nargs=2, required=True)
    arguments.add_argument("--comparison-tables", type=Path, nargs=2, required=True)
    arguments.add_argument("--every-eval-ever", type=Path, required=True)
    arguments.add_argument("--hub", type=Path, required=True)
    given = arguments.parse_args()
    targets = Targets(
        samples=tuple(given.sample_tables),
        comparisons=tuple(given.comparison_tables),
        every_eval_ever=given.every_eval_ever,
        hub=given.hub,
    )

    def work() -> None:
        export_tier(given.results, next(iter(given.comparisons), None), targets)

    job.run("export_tier", f"tier {given.tier}", given.log, work)


if __name__ == "__main__":
    main()
