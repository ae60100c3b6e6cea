"""This project's side of the requests phase: its engine, its requests, one pool.

Run as: python -m benchmarks.our_side JOB OUTCOME MANIFEST
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

import yaml

from benchmarks.exchange import Answer, Job, Outcome
from crosscheck import samples
from evaluation.benchmarks.base import AnyRequest
from evaluation.config import EngineSettings, Preset
from evaluation.engines.base import Pool, PooledRequest
from evaluation.engines.transformers_engine import TransformersEngine
from evaluation.errors import EvaluationError
from evaluation.files import read_record
from evaluation.machine import ROOT
from evaluation.records import GenerateRequest, ModelManifest, Response


def preset(name: str) -> Preset:
    """A preset of the project's own configuration."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    return Preset.model_validate(config["presets"][name])


def pool_of(job: Job) -> tuple[Pool, dict[str, tuple[str, int, AnyRequest]]]:
    """All requests of the job; by key, the dataset and place each belongs to."""
    pool, known = Pool(), {}
    for rows in job.rows:
        found, settings = samples.read(rows.cell, Path(job.mirror)), samples.settings(rows.cell)
        for place in rows.places:
            request = samples.request(rows.cell, found.samples[place], found, settings)
            key = f"{rows.cell.name}/{place}"
            known[key] = (rows.dataset, place, request)
            pool.append(PooledRequest(key=key, group=rows.cell.name, request=request))
    return pool, known


def run(job: Job, manifest: ModelManifest) -> Outcome:
    """Answer the job's requests; raises EvaluationError when one fails."""
    pool, known = pool_of(job)
    engine = TransformersEngine(
        manifest,
        EngineSettings(device="cpu", dtype="bfloat16"),
        "balanced",
        preset("balanced"),
        thinking=False,
        threads=job.threads,
    )
    start = perf_counter()
    responses = list(engine.run(pool))
    seconds = perf_counter() - start
    return Outcome(
        load_seconds=engine.session.load_seconds,
        requests_seconds=seconds,
        answers=[answer(*known[response.key], response) for response in responses],
    )


def answer(dataset: str, place: int, request: AnyRequest, response: Response) -> Answer:
    """What became of a row; raises EvaluationError for a request that failed."""
    if response.error is not None:
        raise EvaluationError(
            f"A request failed: {response.error}", where=f"{dataset}, row {place}"
        )
    if isinstance(request, GenerateRequest):
        return Answer(
            dataset=dataset,
            place=place,
            prompts=[response.prompt],
            text=response.text,
            tokens=response.completion_tokens,
        )
    return Answer(
        dataset=dataset,
        place=place,
        prompts=[one.context + one.text for one in request.continuations],
        values=tuple(one.logprob for one in response.continuations),
    )


def main() -> None:
    """Read the job and write the outcome."""
    job = Job.model_validate_json(Path(sys.argv[1]).read_text(encoding="utf-8"))
    outcome = run(job, read_record(Path(sys.argv[3]), ModelManifest))
    Path(sys.argv[2]).write_text(outcome.model_dump_json(), encoding="utf-8")


if __name__ == "__main__":
    main()
