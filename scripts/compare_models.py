"""Compare the models of a tier: writes comparisons.json from its results."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import job
from evaluation.comparing import compare_tier, without_texts
from evaluation.decision_plan import CompareSettings
from evaluation.files import write_record
from evaluation.plan import parse
from evaluation.result_files import of_this_version


def main() -> None:
    """Read the arguments and compare."""
    arguments = job.parser(__doc__ or "")
    arguments.add_argument("--results", type=Path, nargs="+", required=True)
    arguments.add_argument("--output", type=Path, required=True)
    given = arguments.parse_args()
    settings = parse(CompareSettings, given.settings)

    def work() -> None:
        found = compare_tier(
            settings.tier,
            settings.models,
            settings.datasets,
            [without_texts(result) for result in of_this_version(given.results)],
            settings.comparison,
        )
        write_record(given.output, found)

    job.run("compare_models", f"tier {settings.tier}", given.log, work)


if __name__ == "__main__":
    main()
