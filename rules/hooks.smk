"""The words around a run: what is refused at its start, what is said at its end.

Needs: the notes that jobs leave in logs/run (evaluation/run_notes.py).
"""

import logging
import re
import textwrap
import time

from snakemake.settings.enums import Quietness

from evaluation import run_notes
from evaluation.adaptive.words import words as adaptive_words
from evaluation.files import check_writable
from evaluation.run_lock import take_lock
from evaluation.sandbox.backends import SandboxUnavailable

STARTED = time.monotonic()


# Lines that tell a person nothing; Snakemake has no option to leave them out and keep errors.
# The failing command is left out too: `explain_failures` says what it was about, and why.
CHATTER = re.compile(
    r"Select jobs to execute|Execute \d+ jobs|Using shell|Conda environments: ignored"
    r"|Assuming unrestricted|Building DAG|^RuleException|^CalledProcessError"
    r"|Complete log|Elapsed time|Shutting down|Exiting because|Config file .* is extended"
    r"|Updating checkpoint dependencies|DAG of jobs will be updated"
    r"|At least one job did not complete|WorkflowError:\n *At least one job"
)


class LeaveOutChatter(logging.Filter):
    """Drops the lines above from the terminal; Snakemake's log file has them."""

    def filter(self, record):
        return not CHATTER.search(str(record.getMessage()))


dry_run = False
for handler in workflow.logger_manager.logger.handlers:
    for one in handler.filters:
        # A dry run is asked for its table of jobs, which Snakemake counts as progress.
        if getattr(one, "dryrun", False):
            dry_run = True
            one.quiet = set(one.quiet) - {Quietness.PROGRESS}
    if workflow.output_settings.quiet and not isinstance(handler, logging.FileHandler):
        handler.addFilter(LeaveOutChatter())

if workflow.is_main_process and not dry_run:
    try:
        check_writable(["data", "models", "results", "reports", "logs"])
    except EvaluationError as error:
        raise WorkflowError(str(error)) from None


def say(text):
    """Print for the person at the terminal; Snakemake's own log stays quiet."""
    print(text, file=sys.stderr)


def begin_run():
    """Take the folder's lock; refuse models this machine cannot run before any download."""
    try:
        take_lock()
        run_notes.clear()
        if {"adapt", "adaptive"} & {
            job.rule.name for job in workflow.dag.needrun_jobs()
        }:
            adaptive_plan.check(CONFIG)
        if workflow.local_exec:
            check_models()
            check_sandbox()
    except EvaluationError as error:
        raise WorkflowError(str(error)) from None


def check_models():
    """Refuse what this machine cannot run and what an engine cannot be asked."""
    asked = {}
    for job in workflow.dag.needrun_jobs():
        if job.rule.name == "generate":
            cells = asked.setdefault(job.wildcards.model, set())
            cells.add((job.wildcards.dataset, job.wildcards.variant))
    gpu = bool(asked) and gpu_visible()
    for model, cells in sorted(asked.items()):
        preflight.check_model(CONFIG, model, cells, gpu=gpu)


def check_sandbox():
    """Say before any model is loaded whether programs can be run.

    Where no backend works, answers are generated and kept and their cells say `not scored`; a
    backend that was asked for by name must work.
    """
    datasets = sorted(
        {
            job.wildcards.dataset
            for job in workflow.dag.needrun_jobs()
            if job.rule.name in ("generate", "score")
            and plan.runs_code(job.wildcards.dataset)
        }
    )
    if not datasets:
        return
    names = ", ".join(datasets)
    try:
        name = probe.choose(CONFIG.sandbox.backend).name
    except SandboxUnavailable as error:
        if CONFIG.sandbox.backend != "auto":
            raise
        say(f"{names} will be answered but not scored: {error}")
        return
    if name == "none":
        say(f"Programs of {names} run WITHOUT a sandbox, as the configuration asks.")
    else:
        say(f"Programs of {names} run in {name}.")


def end_run():
    """Say how long it took, what was loaded, and where results and reports are."""
    say(f"Done in {time.monotonic() - STARTED:.0f} s.")
    loads = run_notes.loads()
    for load in loads:
        say(f"  model loaded: {load.model}, {load.seconds:.1f} s")
    if not loads:
        say("  no model was loaded")
    for words in run_notes.remarks():
        say(f"  {words}")
    targets = {str(file) for file in workflow.dag.targetfiles}
    for tier in TIERS:
        if f"results/{tier}/all.json" in targets:
            say(f"  results: results/{tier}/all.json")
        if f"reports/{tier}" in targets:
            say(f"  report: reports/{tier}/index.html")
    later = {f"results/{tier}/all.json" for tier in TIERS[1:]}
    if targets & later or any(job.rule.name == "presets" for job in workflow.dag.jobs):
        for line in preset_plan.words(CONFIG):
            say(f"  {line}")
    if any(job.rule.name == "adaptive" for job in workflow.dag.jobs):
        say("\n".join(["", *adaptive_words(adaptive_plan.read_summary())]))


def explain_failures(log):
    """Say which cells failed, why, and where their logs are; equal causes are said once."""
    failures = run_notes.failures()
    noted = {failure.log for failure in failures}
    silent = [
        job
        for job in workflow.scheduler.failed
        if not noted & {str(f) for f in job.log}
    ]
    number = len(failures) + len(silent)
    say(f"\nStopped after {time.monotonic() - STARTED:.0f} s: {number} failed.")
    for message in dict.fromkeys(failure.message for failure in failures):
        say("")
        for failure in failures:
            if failure.message == message:
                say(f"{failure.rule} ({failure.about}), log: {failure.log}")
        say(textwrap.indent(message, "  "))
    for job in silent:
        about = ", ".join(f"{name} {value}" for name, value in job.wildcards.items())
        say(
            f"\n{job.rule.name} ({about}) ended without a word: killed, or out of memory?"
        )
        say(
            f"  log: {', '.join(str(f) for f in job.log)}; Snakemake's: {', '.join(log)}"
        )
    undecided = sorted(
        job.wildcards.model
        for job in workflow.dag.needrun_jobs()
        if job.rule.name == "select_preset"
    )
    if undecided:
        say(f"\n{preset_plan.undecided(undecided)}")
    say("\nWhat was computed is kept: the same command goes on from here.")
