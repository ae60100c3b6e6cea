"""What all rules share.

Needs: the merged configuration. Makes: CONFIG (typed), helpers for inputs and parameters, and
the check of targets. Everything here runs when the workflow is parsed, so it imports nothing
heavy and touches the disk only for the stamps of missing cells.
"""

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, workflow.basedir)
from evaluation import plan, stamps
from evaluation.config import parse_config
from evaluation.errors import EvaluationError
from evaluation.machine import use_this_interpreter
from evaluation.plan import TIERS

use_this_interpreter()

try:
    CONFIG = parse_config(
        config, origin=", ".join(str(Path(f).name) for f in workflow.configfiles)
    )
    if workflow.is_main_process:
        for tier in TIERS:
            stamps.refresh_stamp(tier, plan.cells(CONFIG, tier))
except EvaluationError as error:
    raise WorkflowError(str(error)) from None


wildcard_constraints:
    tier="|".join(TIERS),
    model="|".join(CONFIG.models),
    preset="memory_saver|balanced|throughput",
    dataset="|".join(CONFIG.datasets),
    slice=r"\d+-\d+",
    unknown_cell=plan.unknown_cell_pattern(CONFIG),


# Cheap jobs first: a model's queue then finds all its datasets prepared.
PRIORITY = {
    "fetch": 400,
    "prepare": 400,
    "score": 300,
    "aggregate": 250,
    "generate": 100,
}


def model_rank(wildcards):
    """Jobs of one model come before those of the next: one load a model and run."""
    known = list(CONFIG.models)
    first = CONFIG.run.models
    order = [*first, *(m for m in known if m not in first)]
    return PRIORITY["generate"] - order.index(wildcards.model)


def pending_tasks(wildcards, input):
    """The waiting generate jobs of the same model and preset, as the job's queue.

    Takes `input`, which makes Snakemake evaluate it when the job starts and never count it as a
    reason to run.
    """
    waiting = [
        job.wildcards
        for job in workflow.dag.needrun_jobs()
        if job.rule.name == "generate"
        and job.wildcards.model == wildcards.model
        and job.wildcards.preset == wildcards.preset
    ]
    # Datasets that are not prepared (or failed to be) wait for their own job.
    tasks = [
        plan.task(CONFIG, w.model, w.preset, w.dataset, w.slice)
        for w in waiting
        if Path(f"data/{w.dataset}.manifest.json").exists()
    ]
    return plan.to_json([task.model_dump(mode="json") for task in tasks])


def refuse(message):
    """End the run before any job with a message for the user."""
    raise WorkflowError(message)
