"""Which engine runs a model, with which revision and weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from evaluation import plan
from evaluation.config import Config, ConfigError, parse_config
from evaluation.engines import catalogue, openai_engine, transformers_engine, vllm_engine
from evaluation.requests import identity

REPO = Path(__file__).resolve().parents[2]
RAW = yaml.safe_load((REPO / "config.yaml").read_text(encoding="utf-8"))
CELL = ("balanced", "gsm8k", "chat-0shot", "0-20")


def config(engine: str = "transformers", **changes: Any) -> Config:
    remote = {"source": "endpoint", "base_url": "http://h/v1", "model": "m"} | changes
    models = RAW["models"] | {"remote": remote}
    return parse_config(RAW | {"models": models, "engine": {"name": engine, "dtype": "float16"}})


@pytest.mark.parametrize("engine", ["transformers", "vllm"])
def test_a_model_behind_a_server_has_an_engine_of_its_own(engine: str) -> None:
    found = config(engine)
    assert catalogue.engine_of(found, "qwen3_8b") == engine
    assert catalogue.engine_of(found, "remote") == "openai"
    assert plan.generate_settings(found, "remote", *CELL) == plan.generate_settings(
        config(), "remote", *CELL
    ), "what is set for models of this machine changes nothing for it"


def test_each_engine_has_its_own_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, module in enumerate((transformers_engine, vllm_engine, openai_engine), 91):
        monkeypatch.setattr(module, "REVISION", number)
    assert catalogue.revision("transformers") == 91
    assert plan.generate_settings(config("vllm"), "qwen3_8b", *CELL).engine_revision == 92
    assert plan.score_settings(config(), "quick", "remote", "gsm8k").engine_revision == 93


def test_quantised_weights_are_part_of_what_decides() -> None:
    saver = ("memory_saver", *CELL[1:])
    settings = plan.generate_settings(config(), "qwen3_8b", *saver)
    assert settings.weights == "nf4"
    assert plan.generate_settings(config(), "qwen3_8b", *CELL).weights == "full"
    assert plan.generate_settings(config(), "remote", *saver).weights == "full"
    keys = {
        identity("f", "memory_saver", settings.engine, 1, thinking=False, weights=weights)
        for weights in ("full", "int8", "nf4")
    }
    assert len({one.model_dump_json() for one in keys}) == 3


def test_score_expects_the_weights_that_generate_used() -> None:
    pinned = parse_config(RAW | {"optimal_presets": {"qwen3_8b": "memory_saver"}})
    assert plan.score_settings(pinned, "quick", "qwen3_8b", "gsm8k").weights == "nf4"


def test_how_a_server_is_reached_changes_no_settings() -> None:
    one, other = config(), config(concurrency=99, api_key_env="K", timeout_seconds=5)
    assert plan.generate_settings(one, "remote", *CELL) == plan.generate_settings(
        other, "remote", *CELL
    )
    assert plan.fetch_key(one, "remote") == plan.fetch_key(other, "remote")
    for change in ({"model": "n"}, {"base_url": "http://i/v1"}, {"completions": "text"}):
        assert plan.fetch_key(one, "remote") != plan.fetch_key(config(**change), "remote")


def test_thinking_of_a_server_is_part_of_the_key_and_not_sent_unless_set() -> None:
    found = [
        plan.generate_settings(config(thinking=one), "remote", *CELL).thinking
        for one in (None, False, True)
    ]
    assert found == [None, False, True]


def test_the_engine_of_servers_runs_no_weights() -> None:
    with pytest.raises(ConfigError, match=r"engine\.name: found 'openai', but model 'qwen3_8b'"):
        config("openai")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"api_key_env": "sk-123"}, "not the key itself"),
        ({"base_url": "http://user:pass@h/v1"}, "without user, password"),
        ({"completions": "yes"}, "models.remote.completions"),
        ({"parameters_b": 3}, "unknown key"),
    ],
)
def test_wrong_keys_of_a_server_are_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(**changes)
    assert words in str(caught.value)
    assert "sk-123" not in str(caught.value) and "pass@" not in str(caught.value)
