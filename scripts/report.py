"""Report: writes the pages of a tier into reports/{tier}."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import history, job
from evaluation.files import read_record
from evaluation.plan import parse
from evaluation.records import Aggregate, Comparisons, PresetChoice, TierCost
from evaluation.report_plan import ReportSettings
from evaluation.reports import TierReport, render_report
from evaluation.result_files import of_this_version


def main() -> None:
    """Read the arguments and render."""
    arguments = job.parser(__doc__ or "")
    arguments.add_argument("--aggregate", type=Path, required=True)
    arguments.add_argument("--results", type=Path, nargs="+", required=True)
    arguments.add_argument("--comparisons", type=Path, nargs="*", default=[])
    arguments.add_argument("--cost", type=Path, required=True)
    arguments.add_argument("--presets", type=Path, nargs="*", default=[])
    arguments.add_argument("--history", type=Path, required=True)
    arguments.add_argument("--site", type=Path, required=True)
    given = arguments.parse_args()
    settings = parse(ReportSettings, given.settings)

    def work() -> None:
        compared = [read_record(path, Comparisons) for path in given.comparisons]
        report = TierReport(
            aggregate=read_record(given.aggregate, Aggregate),
            comparisons=compared[0] if compared else None,
            cost=read_record(given.cost, TierCost),
            presets=[read_record(path, PresetChoice) for path in given.presets],
            settings=settings,
            history=history.read(given.history),
        )
        render_report(report, of_this_version(given.results), given.site)

    job.run("report", f"tier {settings.tier}", given.log, work)


if __name__ == "__main__":
    main()
