"""This project's side of a whole command: `snakemake` in a copy of the project, to the responses.

As on the other side nothing is scored. The rows are prepared anew from the mirror.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks.exchange import Answer, Job, Outcome, Rows
from benchmarks.measured import Measured, measure
from benchmarks.our_side import answer
from crosscheck import samples
from evaluation import plan
from evaluation.config import Config
from evaluation.machine import ROOT
from evaluation.queue import read_responses

PARTS = ("Snakefile", "rules", "scripts", "evaluation", "envs", "profiles", "resources")
MODEL = "measured"
SEED = 1234


def config(job: Job) -> dict[str, Any]:
    """The project's configuration with this model, these tasks and these rows."""
    settings: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    sizes = {len(rows.places) for rows in job.rows}
    (rows,) = sizes
    settings["run"] = {"models": [MODEL], "datasets": [one.dataset for one in job.rows]}
    settings["models"] = {MODEL: {"source": "path", "path": job.model}}
    settings["dataset_source"], settings["mirror"] = "hub", job.mirror
    settings["tiers"] = {"quick": rows, "standard": rows + 1, "full": rows + 2}
    settings["engine"] |= {"device": "cpu", "dtype": "bfloat16"}
    settings["seed"] = SEED
    for one in job.rows:
        chosen = samples.settings(one.cell)
        settings["datasets"][one.dataset] = {
            "protocol": chosen.protocol,
            "few_shot": one.few_shot,
            "max_new_tokens": chosen.max_new_tokens,
        }
    return settings


def run(job: Job, folder: Path, log: Path) -> tuple[Measured, Outcome]:
    """Run the command in a fresh copy at `folder`; raises EvaluationError when it fails."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for part in PARTS:
        if (ROOT / part).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, folder / part, ignore=ignored)
        else:
            shutil.copy(ROOT / part, folder / part)
    raw = config(job)
    (folder / "config.yaml").write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    parsed = Config.model_validate(raw)
    files = {
        rows.dataset: plan.responses(parsed, MODEL, rows.dataset, "quick") for rows in job.rows
    }
    command = [
        str(Path(sys.executable).parent / "snakemake"),
        *("--cores", str(job.threads), "--resources", "gpu=1"),
        *(path for paths in files.values() for path in paths),
    ]
    measured = measure(command, folder, {"HF_HUB_OFFLINE": "1"}, log)
    return measured, _outcome(job.rows, Path(job.mirror), folder, files)


def _outcome(
    rows: Sequence[Rows], mirror: Path, folder: Path, files: dict[str, list[str]]
) -> Outcome:
    answers: list[Answer] = []
    load, engine = 0.0, 0.0
    for one in rows:
        responses, sessions = read_responses([folder / path for path in files[one.dataset]])
        found = samples.read(one.cell, mirror)
        places = {sample.id: place for place, sample in enumerate(found.samples)}
        settings = samples.settings(one.cell)
        for response in responses:
            place = places[response.sample_id]
            request = samples.request(one.cell, found.samples[place], found, settings)
            answers.append(answer(one.dataset, place, request, response))
            engine += response.engine_seconds
        load = max([load, *(session.load_seconds for session in sessions)])
    return Outcome(load_seconds=load, requests_seconds=engine, answers=answers)
