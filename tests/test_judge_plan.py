"""From the configuration to judge jobs: paths, settings that change for what changes ratings."""

from __future__ import annotations

from typing import Any

import pytest

from evaluation import code_files, judge_plan, plan
from evaluation.config import Config, parse_config
from evaluation.errors import EvaluationError

KEY = "sk-secret-0123456789"
ENDPOINT = {"base_url": "http://h/v1", "model": "big", "api_key_env": "JUDGE_KEY"}
PRESET = {"batch_tokens": 1000, "batch_rows": 8}
BASE: dict[str, Any] = {
    "run": {"models": ["qwen3_8b"], "datasets": ["gsm8k", "mt_bench"]},
    "models": {name: {"id": f"org/{name}"} for name in ("qwen3_8b", "llama31_8b", "phi35_mini")},
    "datasets": {name: {"protocol": "chat"} for name in ("gsm8k", "mt_bench")},
    "dataset_source": "bundled",
    "presets": dict.fromkeys(("memory_saver", "balanced", "throughput"), PRESET),
}


def configured(judge: dict[str, Any], **changes: Any) -> Config:
    return parse_config(BASE | {"judge": judge} | changes)


def job(config: Config, name: str) -> str:
    return plan.to_json(
        judge_plan.job(config, name, "qwen3_8b", "balanced", "mt_bench", "chat-0shot", "0-20")
    )


def test_judgments_lie_beside_their_answers_under_the_judges_name() -> None:
    config = configured({"model": "llama31_8b"})
    assert judge_plan.judgments(config, "qwen3_8b", "mt_bench", "standard") == [
        f"results/judgments/llama31_8b/qwen3_8b/balanced/mt_bench/chat-0shot/{part}.jsonl"
        for part in ("0-20", "20-100")
    ]
    assert judge_plan.cell_manifests(config, "mt_bench") == ["models/llama31_8b.json"]
    assert judge_plan.judgments(config, "qwen3_8b", "gsm8k", "quick") == []
    assert judge_plan.cell_manifests(config, "gsm8k") == []
    config = configured({"endpoint": ENDPOINT})
    (path,) = judge_plan.judgments(config, "qwen3_8b", "mt_bench", "quick")
    assert path.startswith("results/judgments/endpoint/qwen3_8b/")
    assert judge_plan.cell_manifests(config, "mt_bench") == []


def test_without_a_judge_nothing_is_judged() -> None:
    config = configured({})
    assert judge_plan.judgments(config, "qwen3_8b", "mt_bench", "quick") == []
    assert plan.score_settings(config, "quick", "qwen3_8b", "mt_bench").judge is None


def test_only_judged_datasets_know_the_judge() -> None:
    config = configured({"model": "llama31_8b"})
    none = configured({})
    assert plan.score_settings(config, "quick", "qwen3_8b", "gsm8k") == plan.score_settings(
        none, "quick", "qwen3_8b", "gsm8k"
    )
    assert plan.score_settings(config, "quick", "qwen3_8b", "mt_bench").judge is not None


def test_another_judge_changes_no_generate_job() -> None:
    found = {
        plan.to_json(
            plan.generate_settings(
                configured(judge), "qwen3_8b", "balanced", "mt_bench", "chat-0shot", "0-20"
            )
        )
        for judge in ({}, {"model": "llama31_8b"}, {"endpoint": ENDPOINT})
    }
    assert len(found) == 1


@pytest.mark.parametrize(
    ("change", "anew"),
    [
        ({"api_key_env": "OTHER"}, False),
        ({"concurrency": 99}, False),
        ({"model": "bigger"}, True),
        ({"base_url": "http://other/v1"}, True),
    ],
)
def test_how_an_endpoint_is_reached_decides_no_rating(change: dict[str, Any], anew: bool) -> None:
    before = job(configured({"endpoint": ENDPOINT}), "endpoint")
    after = job(configured({"endpoint": ENDPOINT | change}), "endpoint")
    assert (before != after) is anew
    assert "JUDGE_KEY" not in before


def test_what_decides_a_local_judges_ratings_is_in_its_settings() -> None:
    plain = job(configured({"model": "llama31_8b"}), "llama31_8b")
    changed = {
        job(configured({"model": "llama31_8b", "max_new_tokens": 99}), "llama31_8b"),
        job(configured({"model": "phi35_mini"}), "phi35_mini"),
        job(
            configured({"model": "llama31_8b"}, optimal_presets={"llama31_8b": "throughput"}),
            "llama31_8b",
        ),
        job(configured({"model": "llama31_8b"}, engine={"exact": True}), "llama31_8b"),
    }
    assert len(changed) == 4
    assert plain not in changed
    assert job(configured({"model": "llama31_8b"}, engine={"device": "cpu"}), "llama31_8b") == plain


def test_a_queue_survives_its_way_to_the_job() -> None:
    config = configured({"model": "llama31_8b"})
    place = ("qwen3_8b", "balanced", "mt_bench", "chat-0shot", "20-100")
    task = judge_plan.task(config, "llama31_8b", *place)
    text = plan.to_json([task.model_dump(mode="json")])
    assert judge_plan.parse_tasks(text) == [task]
    answers = f"results/responses/{'/'.join(place)}.jsonl"
    assert (task.responses, task.slice, task.variant) == (answers, "20-100", "chat-0shot")
    assert answers in plan.responses(config, "qwen3_8b", "mt_bench", "standard")


def test_targets_that_nobody_can_judge_are_refused() -> None:
    with pytest.raises(EvaluationError, match="none is configured"):
        judge_plan.judge(configured({}), "endpoint")
    with pytest.raises(EvaluationError, match="gsm8k are not judged"):
        judge_plan.job(
            configured({"model": "llama31_8b"}),
            *("llama31_8b", "qwen3_8b", "balanced", "gsm8k", "chat-0shot", "0-20"),
        )


def test_scoring_depends_on_the_code_of_the_judge() -> None:
    code = code_files.scoring_code("mt_bench")
    assert "evaluation/benchmarks/mt_bench_judge.py" in code
    assert "evaluation/judgments.py" in code
    assert "evaluation/judgments.py" not in code_files.scoring_code("gsm8k")


@pytest.mark.parametrize(
    ("judge", "words"),
    [
        ({"model": "gpt"}, ["judge.model: unknown model 'gpt'"]),
        ({"model": "qwen3_8b", "endpoint": ENDPOINT}, ["judge: found both", "one of them"]),
        ({"endpoint": ENDPOINT | {"concurrency": 0}}, ["judge.endpoint.concurrency: found 0"]),
        ({"endpoint": {"model": "m"}}, ["judge.endpoint.base_url: missing"]),
        ({"endpoint": ENDPOINT | {"base_url": "h/v1"}}, ["http:// or https://"]),
        ({"endpoint": ENDPOINT | {"api_key": KEY}}, ["unknown key (did you mean 'api_key_env'?)"]),
        ({"endpoint": ENDPOINT | {"api_key_env": KEY}}, ["not the key itself"]),
        ({"endpoint": ENDPOINT | {"base_url": f"http://u:{KEY}@h/v1"}}, ["without user"]),
        ({"endpoint": ENDPOINT | {"base_url": f"http://h/v1?key={KEY}"}}, ["`api_key_env` names"]),
    ],
)
def test_a_wrong_judge_is_named_and_no_secret_is_quoted(
    judge: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(EvaluationError) as caught:
        configured(judge)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert KEY not in str(caught.value)


def test_no_model_may_have_the_name_that_stands_for_the_endpoint() -> None:
    models = BASE["models"] | {"endpoint": {"id": "a/b"}}
    assert configured({"model": "endpoint"}, models=models).judge.name == "endpoint"
    with pytest.raises(EvaluationError, match="the name stands for"):
        configured({"endpoint": ENDPOINT}, models=models)
