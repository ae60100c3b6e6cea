"""Choose a model's preset: writes results/presets/{model}.json from those assessed."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import job
from evaluation.files import read_record, write_record
from evaluation.plan import parse
from evaluation.preset_selection import SelectSettings, choose
from evaluation.records import PresetHealth


def main() -> None:
    """Read the arguments and choose."""
    arguments = job.parser(__doc__ or "")
    arguments.add_argument(
        "--tried", type=Path, nargs="+", required=True, help="the default's health comes first"
    )
    arguments.add_argument("--output", type=Path, required=True)
    given = arguments.parse_args()
    settings = parse(SelectSettings, given.settings)

    def work() -> None:
        tried = [read_record(path, PresetHealth) for path in given.tried]
        write_record(given.output, choose(settings, tried))

    job.run("select_preset", f"model {settings.model}", given.log, work)


if __name__ == "__main__":
    main()
