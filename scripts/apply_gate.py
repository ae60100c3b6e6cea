"""Apply the gate to a tier: writes gate.json from its results, violated or not."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import job
from evaluation.comparing import read_results
from evaluation.decision_plan import ApplyGateSettings
from evaluation.files import write_record
from evaluation.gate import apply_gate
from evaluation.plan import parse


def main() -> None:
    """Read the arguments and check."""
    arguments = job.parser(__doc__ or "")
    arguments.add_argument("--results", type=Path, nargs="+", required=True)
    arguments.add_argument("--output", type=Path, required=True)
    given = arguments.parse_args()
    settings = parse(ApplyGateSettings, given.settings)

    def work() -> None:
        found = apply_gate(
            settings.tier,
            settings.models,
            settings.datasets,
            read_results(given.results),
            settings.gate,
            settings.comparison,
        )
        write_record(given.output, found)

    job.run("apply_gate", f"tier {settings.tier}", given.log, work)


if __name__ == "__main__":
    main()
