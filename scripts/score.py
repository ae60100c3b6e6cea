"""Score a cell: writes results/{tier}/{model}/{dataset}.json from its responses."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import job
from evaluation.files import write_record
from evaluation.plan import parse
from evaluation.scoring import ScoreSettings, score


def main() -> None:
    """Read the arguments and score."""
    arguments = job.parser(__doc__ or "")
    arguments.add_argument("--responses", type=Path, nargs="+", required=True)
    arguments.add_argument("--samples", type=Path, required=True)
    arguments.add_argument("--dataset", type=Path, required=True, help="the dataset's manifest")
    arguments.add_argument("--model", type=Path, required=True, help="the model's manifest")
    arguments.add_argument("--judgments", type=Path, nargs="*", default=[])
    arguments.add_argument(
        "--judge", type=Path, nargs="*", default=[], help="the judge's manifest, if it is a model"
    )
    arguments.add_argument("--output", type=Path, required=True)
    arguments.add_argument("--threads", type=int, required=True)
    given = arguments.parse_args()
    settings = parse(ScoreSettings, given.settings)
    about = f"model {settings.model}, dataset {settings.dataset}, tier {settings.tier}"

    def work() -> None:
        result = score(
            settings,
            given.responses,
            given.samples,
            given.dataset,
            given.model,
            given.threads,
            given.judgments,
            given.judge[0] if given.judge else None,
        )
        write_record(given.output, result)

    job.run("score", about, given.log, work)


if __name__ == "__main__":
    main()
