"""Generate: writes the responses of one (model, preset, dataset, slice); see evaluation/queue."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import job
from evaluation.generate import GenerateSettings, Machine, generate
from evaluation.plan import parse, parse_tasks


def main() -> None:
    """Read the arguments and generate."""
    arguments = job.parser(__doc__ or "")
    arguments.add_argument("--machine", required=True, help="device and preset, as JSON")
    arguments.add_argument("--queue", required=True, help="pending tasks of the model, as JSON")
    arguments.add_argument("--model", type=Path, required=True, help="the model's manifest")
    arguments.add_argument("--output", type=Path, required=True)
    arguments.add_argument("--threads", type=int, required=True)
    given = arguments.parse_args()
    settings = parse(GenerateSettings, given.settings)
    about = f"model {settings.model}, dataset {settings.task.dataset}, slice {settings.task.slice}"

    def work() -> None:
        queue = parse_tasks(given.queue)
        machine = parse(Machine, given.machine)
        generate(settings, machine, queue, given.model, given.output, given.threads)

    job.run("generate", about, given.log, work)


if __name__ == "__main__":
    main()
