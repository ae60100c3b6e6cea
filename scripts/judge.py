"""Judge: writes the judgments of one (judge, model, preset, dataset, slice)."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import job
from evaluation.judge import JudgeJob, JudgeMachine, judge
from evaluation.judge_plan import parse_tasks
from evaluation.plan import parse


def main() -> None:
    """Read the arguments and judge."""
    arguments = job.parser(__doc__ or "")
    arguments.add_argument("--machine", required=True, help="how the judge is run, as JSON")
    arguments.add_argument("--queue", required=True, help="pending tasks of the judge, as JSON")
    arguments.add_argument(
        "--judge", type=Path, nargs="*", default=[], help="the judge's manifest, if it is a model"
    )
    arguments.add_argument("--output", type=Path, required=True)
    arguments.add_argument("--threads", type=int, required=True)
    given = arguments.parse_args()
    settings = parse(JudgeJob, given.settings)
    task = settings.task
    about = (
        f"judge {settings.judge.name}, model {task.model}, dataset {task.dataset}, "
        f"slice {task.slice}"
    )

    def work() -> None:
        queue = parse_tasks(given.queue)
        machine = parse(JudgeMachine, given.machine)
        manifest = given.judge[0] if given.judge else None
        judge(settings, machine, queue, manifest, given.output, given.threads)

    job.run("judge", about, given.log, work)


if __name__ == "__main__":
    main()
