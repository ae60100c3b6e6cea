"""What is refused before a run begins: datasets that an engine cannot be asked, missing keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from evaluation import plan, preflight
from evaluation.config import Config, parse_config
from evaluation.errors import EvaluationError
from evaluation.preflight import check_model, needs

REPO = Path(__file__).resolve().parents[1]
RAW = yaml.safe_load((REPO / "config.yaml").read_text(encoding="utf-8"))


def config(engine: dict[str, Any] | None = None, **changes: Any) -> Config:
    """The project's configuration with a model behind a server."""
    remote = {"source": "endpoint", "base_url": "http://h/v1", "model": "m"} | changes
    return parse_config(
        RAW | {"models": RAW["models"] | {"remote": remote}, "engine": engine or {}}
    )


def check(found: Config, *cells: tuple[str, str], model: str = "remote", gpu: bool = True) -> str:
    """What is said against it."""
    try:
        check_model(found, model, cells, gpu=gpu)
    except EvaluationError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (("gsm8k", "chat-0shot"), "chat"),
        (("gsm8k", "harness-5shot"), "text"),
        (("arc_challenge", "harness-25shot"), "logprobs"),
        (("bfcl", "tools-0shot"), "chat"),
    ],
)
def test_what_a_dataset_needs_follows_from_its_requests(
    cell: tuple[str, str], expected: str
) -> None:
    assert needs(cell[0], plan.prompt_settings(config(), *cell)) == {expected}


@pytest.mark.parametrize(
    ("offer", "refused"),
    [
        ("none", {"arc_challenge", "hellaswag", "math"}),
        ("text", {"arc_challenge", "hellaswag"}),
        ("logprobs", set()),
    ],
)
def test_a_server_is_only_asked_what_it_offers(offer: str, refused: set[str]) -> None:
    message = check(
        config(completions=offer),
        ("arc_challenge", "harness-25shot"),
        ("hellaswag", "harness-10shot"),
        ("math", "harness-4shot"),
        ("mt_bench", "chat-0shot"),
    )
    assert {name for name in plan_names() if name in message} == refused
    assert bool(message) == bool(refused)
    if refused:
        assert "run.datasets" in message and f"models.remote.completions: {offer}" in message


def plan_names() -> list[str]:
    return list(RAW["datasets"])


def test_a_missing_key_is_said_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REMOTE_KEY", raising=False)
    message = check(config(api_key_env="REMOTE_KEY"))
    assert "REMOTE_KEY" in message and "models.remote.api_key_env" in message


def test_no_server_repeats_bit_by_bit() -> None:
    assert "engine.exact" in check(config({"exact": True}))
    assert check(config({"exact": True}), model="qwen3_8b") == ""


def test_an_engine_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "find_spec", lambda name: None)
    assert "not installed" in check(config({"name": "vllm"}), model="qwen3_8b")
    assert check(config({"name": "vllm"})) == "", "a server needs no engine here"


def test_a_model_too_large_for_this_machine_is_refused() -> None:
    assert "No GPU" in check(config(), model="qwen3_8b", gpu=False)
    assert check(config(), gpu=False) == ""
