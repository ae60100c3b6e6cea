"""Loading: weights as the preset says, and clear words where that cannot be."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from evaluation.config import EngineSettings, Preset, Weights
from evaluation.engines.base import Pool, PooledRequest
from evaluation.engines.loading import load
from evaluation.engines.transformers_engine import TransformersEngine
from evaluation.errors import EvaluationError
from evaluation.models.directory import describe
from evaluation.records import GenerateRequest, ModelManifest
from tests.tiny_models import build

SETTINGS = EngineSettings(device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> ModelManifest:
    weights = build("llama", tmp_path_factory.mktemp("loading") / "tiny")
    return describe("tiny", "path", str(weights), "local", weights, hash_files=True)


@pytest.mark.parametrize(("weights", "share"), [("int8", 0.5), ("nf4", 0.4)])
def test_quantised_weights_take_less_memory_and_say_so(
    manifest: ModelManifest, weights: Weights, share: float
) -> None:
    full, small = load(manifest, SETTINGS, 1), load(manifest, SETTINGS, 1, weights)
    assert (full.dtype, small.dtype) == ("float32", f"{weights}, float32")

    def size(model: object) -> int:
        layers = model.model.layers.parameters()  # type: ignore[attr-defined]
        return sum(p.numel() * p.element_size() for p in layers)

    assert size(small.model) < share * size(full.model)


def test_a_quantised_model_answers(manifest: ModelManifest) -> None:
    # This model's layers are smaller than a block of nf4, which bitsandbytes cannot multiply.
    preset = Preset(batch_tokens=4096, batch_rows=4, weights="int8")
    engine = TransformersEngine(manifest, SETTINGS, "memory_saver", preset, thinking=False)
    request = GenerateRequest(sample_id="a", prompt="One and", max_new_tokens=5)
    (response,) = engine.run(Pool([PooledRequest(key="k", group="g", request=request)]))
    assert response.error is None
    assert response.completion_tokens > 0
    assert engine.session.dtype == "int8, float32"


def test_without_the_library_the_preset_is_named(
    manifest: ModelManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "transformers.quantizers.quantizer_bnb_4bit.is_bitsandbytes_available", lambda: False
    )
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(EvaluationError, match="weights: full"):
        load(manifest, SETTINGS, 1, "nf4")


def test_an_unknown_architecture_is_no_traceback(manifest: ModelManifest, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(manifest.directory, tmp_path / "odd"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "of_next_year"}))
    with pytest.raises(EvaluationError, match="model tiny") as caught:
        load(manifest.model_copy(update={"directory": str(folder)}), SETTINGS, 1)
    assert "of_next_year" in str(caught.value)
