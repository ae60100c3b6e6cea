"""Assess a preset: writes results/presets/{model}/{preset}.json from its quick run."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import job
from evaluation.files import write_record
from evaluation.plan import parse
from evaluation.preset_selection import AssessSettings


def main() -> None:
    """Read the arguments and assess."""
    arguments = job.parser(__doc__ or "")
    arguments.add_argument("--responses", type=Path, nargs="+", required=True)
    arguments.add_argument("--results", type=Path, nargs="*", default=[])
    arguments.add_argument(
        "--default-results", type=Path, nargs="*", default=[], help="for a candidate"
    )
    arguments.add_argument("--output", type=Path, required=True)
    given = arguments.parse_args()
    settings = parse(AssessSettings, given.settings)

    def work() -> None:
        from evaluation.preset_health import assess

        health = assess(settings, given.responses, given.results, given.default_results)
        write_record(given.output, health)

    job.run("assess_preset", f"model {settings.model}, preset {settings.preset}", given.log, work)


if __name__ == "__main__":
    main()
