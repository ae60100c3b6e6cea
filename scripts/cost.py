"""What a tier's results took: writes cost.json from its aggregate and comparisons."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import job
from evaluation.cost import CostJob, cost
from evaluation.files import write_record
from evaluation.plan import parse


def main() -> None:
    """Read the arguments and count."""
    arguments = job.parser(__doc__ or "")
    arguments.add_argument("--tier", required=True)
    arguments.add_argument("--aggregate", type=Path, required=True)
    arguments.add_argument("--comparisons", type=Path, nargs="*", default=[])
    arguments.add_argument("--output", type=Path, required=True)
    given = arguments.parse_args()
    settings = parse(CostJob, given.settings)

    def work() -> None:
        comparisons = next(iter(given.comparisons), None)
        write_record(given.output, cost(settings.prices, given.aggregate, comparisons))

    job.run("cost", f"tier {given.tier}", given.log, work)


if __name__ == "__main__":
    main()
