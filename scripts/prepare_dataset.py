"""Prepare a dataset: writes data/{dataset}.jsonl in its order, and the dataset's manifest."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import job
from evaluation.plan import parse
from evaluation.prepare import PrepareSettings, prepare_dataset


def main() -> None:
    """Read the arguments and prepare."""
    arguments = job.parser(__doc__ or "")
    arguments.add_argument("--samples", type=Path, required=True)
    arguments.add_argument("--manifest", type=Path, required=True)
    given = arguments.parse_args()
    settings = parse(PrepareSettings, given.settings)
    about = f"dataset {settings.dataset}, source {settings.source}"

    def work() -> None:
        prepare_dataset(settings, given.samples, given.manifest)

    job.run("prepare_dataset", about, given.log, work)


if __name__ == "__main__":
    main()
