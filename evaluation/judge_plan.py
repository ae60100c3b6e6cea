"""From the configuration to judge jobs: who judges, paths, and the typed settings of each job.

The part of plan.py that concerns judging, with the same rules: pure functions, and settings that
change only for what changes ratings.
"""

from __future__ import annotations

from functools import cache

from pydantic import TypeAdapter

from evaluation import plan
from evaluation.benchmarks import benchmark
from evaluation.config import ENDPOINT, Config
from evaluation.engines import catalogue, openai_engine
from evaluation.errors import EvaluationError
from evaluation.judge import JudgeJob, JudgeMachine, JudgeTask
from evaluation.judging import EndpointJudge, Judge, ModelJudge, judge_requests_digest


def judge(config: Config, name: str) -> Judge:
    """A judge by its name in paths; raises EvaluationError for an endpoint nobody configured."""
    room = config.judge.max_new_tokens
    if name != ENDPOINT:
        return ModelJudge(
            name=name,
            preset=config.preset_of(name),
            engine=plan.deciding(config, name),
            engine_revision=catalogue.revision(catalogue.engine_of(config, name)),
            thinking=config.models[name].thinking,
            weights=catalogue.weights_of(config, name, config.preset_of(name)),
            max_new_tokens=room,
        )
    endpoint = config.judge.endpoint
    if endpoint is None:
        raise EvaluationError(
            "The target names an endpoint as judge, but none is configured.",
            where="judge.endpoint",
            remedy="configure one, or name a model as judge",
        )
    return EndpointJudge(
        base_url=endpoint.base_url,
        model=endpoint.model,
        engine_revision=openai_engine.REVISION,
        max_new_tokens=room,
    )


def cell_judge(config: Config, dataset: str) -> Judge | None:
    """Who judges a dataset's answers: nobody if it is not judged or no judge is configured."""
    name = config.judge.name
    return judge(config, name) if name and benchmark(dataset).card.judged else None


def judgments(config: Config, model: str, dataset: str, tier: str) -> list[str]:
    """The judgments files a cell is scored from."""
    who = cell_judge(config, dataset)
    return [
        path.replace("results/responses/", f"results/judgments/{who.name}/", 1)
        for path in plan.responses(config, model, dataset, tier)
        if who is not None
    ]


def manifests(name: str | None) -> list[str]:
    """The manifest of a judge, if it is a model of ours."""
    return [f"models/{name}.json"] if name not in (None, ENDPOINT) else []


def cell_manifests(config: Config, dataset: str) -> list[str]:
    """The manifest of the judge of a dataset's answers, if there is one."""
    who = cell_judge(config, dataset)
    return manifests(who.name if who is not None else None)


def task(
    config: Config, judge: str, model: str, preset: str, dataset: str, variant: str, part: str
) -> JudgeTask:
    """The answers of one (model, preset, dataset, variant, slice) for one judge."""
    answered = plan.task(config, model, preset, dataset, variant, part)
    path = f"{model}/{preset}/{dataset}/{variant}/{part}.jsonl"
    return JudgeTask(
        **dict(answered) | {"journal": f"results/journals/judge-{judge}/{path}"},
        model=model,
        preset=preset,
        responses=f"results/responses/{path}",
    )


def job(
    config: Config, name: str, model: str, preset: str, dataset: str, variant: str, part: str
) -> JudgeJob:
    """Settings of judge."""
    exact = name != ENDPOINT and plan.deciding(config, name).exact
    return JudgeJob(
        judge=judge(config, name),
        task=task(config, name, model, preset, dataset, variant, part),
        requests=_requests_digest(dataset),
        exact_preset=getattr(config.presets, config.preset_of(name)) if exact else None,
    )


def machine(config: Config, name: str) -> JudgeMachine:
    """How a judge is reached or run."""
    if name == ENDPOINT:
        return JudgeMachine(endpoint=config.judge.endpoint)
    return JudgeMachine(local=plan.machine(config, name, config.preset_of(name)))


@cache
def _requests_digest(dataset: str) -> str:
    return judge_requests_digest(dataset)


def parse_tasks(text: str) -> list[JudgeTask]:
    """A queue back from JSON."""
    return TypeAdapter(list[JudgeTask]).validate_json(text)
