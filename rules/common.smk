"""What all rules share.

Needs: the merged configuration. Makes: CONFIG (typed), helpers for inputs and parameters, and
the check of targets. Everything here runs when the workflow is parsed, so it imports nothing
heavy and touches the disk only for the stamps of missing cells.
"""

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, workflow.basedir)
from evaluation import (
    code_files,
    judge_plan,
    plan,
    preflight,
    preset_plan,
    preset_selection,
    report_plan,
    stamps,
    targets,
)
from evaluation.adaptive import plan as adaptive_plan
from evaluation.config import ENDPOINT, parse_config
from evaluation.engines import catalogue
from evaluation.engines.device import gpu_visible
from evaluation.engines.openai_client import api_key
from evaluation.errors import EvaluationError
from evaluation.machine import use_this_interpreter
from evaluation.plan import TIERS
from evaluation.sandbox import probe

use_this_interpreter()

try:
    CONFIG = parse_config(
        config, origin=", ".join(str(Path(f).name) for f in workflow.configfiles)
    )
    if workflow.is_main_process:
        for tier in TIERS:
            stamps.refresh_stamp(tier, plan.cells(CONFIG, tier))
        stamps.refresh_sandbox_stamp(works=probe.works(CONFIG.sandbox.backend))
except EvaluationError as error:
    raise WorkflowError(str(error)) from None


wildcard_constraints:
    tier="|".join(TIERS),
    model="|".join(CONFIG.models),
    preset="memory_saver|balanced|throughput",
    dataset="|".join(CONFIG.datasets),
    variant=plan.VARIANT.pattern,
    slice=r"\d+-\d+",
    unknown_cell=targets.unknown_cell_pattern(CONFIG),


# Cheap jobs first: a model's queue then finds all its datasets prepared.
PRIORITY = {
    "fetch": 400,
    "prepare": 400,
    # A choice decides what is generated next.
    "presets": 350,
    "score": 300,
    "aggregate": 250,
    "generate": 200,
    # After all answers, so that one load of the judge rates them all.
    "judge": 0,
}


def model_rank(wildcards):
    """Jobs of one model come before those of the next: one load a preset of it and run.

    Its default preset comes first: what that shows may make other presets' jobs needless.
    """
    known = list(CONFIG.models)
    first = CONFIG.run.models
    order = [*first, *(m for m in known if m not in first)]
    other = wildcards.preset != CONFIG.preset_of(wildcards.model)
    return PRIORITY["generate"] - 2 * order.index(wildcards.model) - other


def settle_preset(wildcards):
    """Have the choice of the cell's preset made before its inputs are named."""
    if wildcards.tier != TIERS[0] and preset_selection.chooses(CONFIG, wildcards.model):
        checkpoints.select_preset.get(model=wildcards.model)


def cell_responses(wildcards):
    """The responses that a cell is scored from."""
    settle_preset(wildcards)
    return plan.responses(CONFIG, wildcards.model, wildcards.dataset, wildcards.tier)


def cell_judgments(wildcards):
    """The judgments that a cell is scored from."""
    settle_preset(wildcards)
    return judge_plan.judgments(
        CONFIG, wildcards.model, wildcards.dataset, wildcards.tier
    )


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
        plan.task(CONFIG, w.model, w.preset, w.dataset, w.variant, w.slice)
        for w in waiting
        if Path(f"data/{w.dataset}.manifest.json").exists()
    ]
    return plan.to_json([task.model_dump(mode="json") for task in tasks])


def scoring_threads(wildcards):
    """Programs run side by side, the other scorers in one thread."""
    return workflow.cores if plan.runs_code(wildcards.dataset) else 1


def pending_judgments(wildcards, input):
    """The waiting judge jobs of the same judge whose answers are there, as the job's queue.

    Takes `input` for the reason that `pending_tasks` does. Answers that are still to be generated,
    or failed to be, wait for their own job.
    """
    jobs = list(workflow.dag.needrun_jobs())
    coming = {str(f) for job in jobs if job.rule.name == "generate" for f in job.output}
    tasks = [
        judge_plan.task(
            CONFIG, w.judge, w.model, w.preset, w.dataset, w.variant, w.slice
        )
        for w in (job.wildcards for job in jobs if job.rule.name == "judge")
        if w.judge == wildcards.judge
    ]
    return plan.to_json(
        [
            task.model_dump(mode="json")
            for task in tasks
            if task.responses not in coming and Path(task.responses).exists()
        ]
    )


def shown_settings(wildcards, input):
    """The configuration that the report shows.

    Takes `input`, which makes Snakemake evaluate it when the job starts and never count it as a
    reason to run: what changes a result changes the other inputs too.
    """
    files = [Path(name) for name in workflow.configfiles]
    here = Path.cwd()
    shown = [
        str(f.relative_to(here)) if f.is_relative_to(here) else str(f) for f in files
    ]
    return plan.to_json(report_plan.report_settings(CONFIG, wildcards.tier, shown))


def check_judges():
    """Refuse a judge that this machine cannot run or reach before its answers are generated."""
    waiting = [job for job in workflow.dag.needrun_jobs() if job.rule.name == "judge"]
    names = {job.wildcards.judge for job in waiting} if workflow.local_exec else ()
    try:
        for name in sorted(names):
            if name == ENDPOINT:
                api_key(CONFIG.judge.endpoint, "judge.endpoint")
            else:
                preflight.check_model(CONFIG, name, (), gpu=gpu_visible())
    except EvaluationError as error:
        raise WorkflowError(str(error)) from None


def refuse(message):
    """End the run before any job with a message for the user."""
    raise WorkflowError(message)
