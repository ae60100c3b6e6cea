"""lm-eval's side: its own evaluation of its own tasks in one command, with output only.

Runs in the reference environment: python -m benchmarks.lm_eval_side JOB OUTCOME

Only where rows come from and which examples are drawn is replaced (see crosscheck.reference_tasks),
which costs it less than reading whole splits from the Hub's cache would. Nothing is scored, and
nothing that the model wrote is executed: what would execute it is replaced by a dummy.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import evaluate
import torch

from benchmarks.exchange import Answer, Job, Outcome, Rows
from crosscheck import reference_tasks
from crosscheck.cells import CHAT


class NoExecution:
    """Stands in for the metric that runs programs; the tasks try it while they are loaded."""

    def compute(self, **_: Any) -> tuple[dict[str, float], dict[str, Any]]:
        """Execute nothing."""
        return {"pass@1": 0.0}, {}


evaluate.load = lambda *_, **__: NoExecution()

from lm_eval import evaluator, utils  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402

# As lm-eval comes: the cross-check remembers compiled templates, which would be a gift here.
del utils.env.from_string


class Clock:
    """Adds up the time spent in the methods it wraps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def wrap(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """The same method, on the clock."""

        def timed(*values: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return method(*values, **named)
            finally:
                self.seconds += time.perf_counter() - start

        return timed


def run(job: Job) -> Outcome:
    """Evaluate all tasks of the job in one go."""
    torch.set_num_threads(job.threads)
    start = time.perf_counter()
    model = HFLM(pretrained=job.model, dtype="bfloat16", batch_size=job.batch_size, device="cpu")
    load_seconds, clock = time.perf_counter() - start, Clock()
    for name in ("loglikelihood", "generate_until"):
        setattr(model, name, clock.wrap(getattr(model, name)))
    rows = {one.task: one for one in job.rows}
    tasks = [task(one, Path(job.mirror), model) for one in job.rows]
    found = evaluator.simple_evaluate(
        model,
        tasks=tasks,
        samples={name: one.places for name, one in rows.items()},
        batch_size=job.batch_size,
        task_manager=reference_tasks.manager(),
        bootstrap_iters=0,
        predict_only=True,
        # A condition for loading the tasks: with `predict_only` nothing is scored.
        confirm_run_unsafe_code=True,
    )
    assert found is not None
    answers = [
        answer(rows[name], sample, model)
        for name, samples in found["samples"].items()
        for sample in first_of_each(samples)
    ]
    return Outcome(load_seconds=load_seconds, requests_seconds=clock.seconds, answers=answers)


def task(rows: Rows, mirror: Path, model: HFLM) -> Any:
    """A task; the one that is asked through the chat template is, in a command with the others."""
    ((built, _),) = reference_tasks.tasks(rows.cell, mirror)
    if rows.dataset == CHAT:
        build = built.build_all_requests
        built.build_all_requests = lambda **given: partial(build, **given)(
            apply_chat_template=True,
            chat_template=model.apply_chat_template,
            tokenizer_name=model.tokenizer_name,
        )
    return built


def first_of_each(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One record a row: there is one for each way of extracting an answer."""
    return list({sample["doc_id"]: sample for sample in samples}.values())


def answer(rows: Rows, sample: dict[str, Any], model: HFLM) -> Answer:
    """What became of a row."""
    place, results = sample["doc_id"], [found[0] for found in sample["resps"]]
    if isinstance(results[0], str):
        return Answer(
            dataset=rows.dataset,
            place=place,
            prompts=[sample["arguments"][0][0]],
            text=results[0],
            tokens=len(model.tok_encode(results[0])),
        )
    return Answer(
        dataset=rows.dataset,
        place=place,
        prompts=[context + continuation for context, continuation in sample["arguments"]],
        values=tuple(value for value, _ in results),
    )


def main() -> None:
    """Read the job and write the outcome."""
    job = Job.model_validate_json(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Path(sys.argv[2]).write_text(run(job).model_dump_json(), encoding="utf-8")


if __name__ == "__main__":
    main()
