"""Log-likelihoods through the engine: what responses and the session say of what was shared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from evaluation.config import EngineSettings, Preset
from evaluation.engines.base import Pool, PooledRequest
from evaluation.engines.transformers_engine import TransformersEngine
from evaluation.records import Continuation, LoglikelihoodRequest, ModelManifest, Response
from tests.engines.conftest import Tiny, Wrapped
from tests.engines.test_loglikelihood import FEW_SHOT, naive
from tests.tiny_models import build_tokenizer

Load = Callable[[str], Tiny]
NOTE = "log-likelihoods are computed without shared prefixes: "


def engine(folder: Path, *, exact: bool = False) -> TransformersEngine:
    manifest = ModelManifest(
        model="tiny",
        source="path",
        id="tiny",
        revision="local",
        licence="none",
        directory=str(folder),
        files=[],
        fingerprint="f",
        architecture="Tiny",
        parameters=34_720,
        context_length=512,
        chat_template=False,
    )
    settings = EngineSettings(device="cpu", dtype="float32", exact=exact)
    preset = Preset(batch_tokens=100_000, batch_rows=64)
    return TransformersEngine(manifest, settings, "balanced", preset, thinking=False, threads=1)


def questions(group: str, context: str, count: int = 6) -> list[PooledRequest]:
    """Multiple-choice questions of one dataset, each after the same text."""
    return [
        PooledRequest(
            key=f"{group} {number}",
            group=group,
            request=LoglikelihoodRequest(
                sample_id=str(number),
                continuations=tuple(
                    Continuation(context=f"{context}Question: is it {number}?\nAnswer:", text=text)
                    for text in (" the end", " it is so", " no")
                ),
            ),
        )
        for number in range(count)
    ]


def answer(one: TransformersEngine, asked: Sequence[PooledRequest]) -> dict[str, Response]:
    found = {response.key: response for response in one.run(Pool(asked))}
    assert sorted(found) == sorted(item.key for item in asked)
    return found


def expected(one: TransformersEngine, item: PooledRequest) -> list[float]:
    assert isinstance(item.request, LoglikelihoodRequest)
    return [
        naive(one.model, one.renderer.continuation(continuation))
        for continuation in item.request.continuations
    ]


@pytest.fixture(scope="module")
def bloom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose positions come from the padding mask: it cannot share prefixes."""
    folder = tmp_path_factory.mktemp("bloom")
    tokenizer = build_tokenizer("llama", chat_template=False)
    torch.manual_seed(1)
    config = AutoConfig.for_model(
        "bloom",
        vocab_size=len(tokenizer),
        hidden_size=32,
        n_head=4,
        n_layer=2,
        eos_token_id=tokenizer.eos_token_id,
    )
    AutoModelForCausalLM.from_config(config, dtype=torch.float32).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_responses_count_the_tokens_they_shared(tiny: Load) -> None:
    one = engine(tiny("llama").folder)
    one.model = Wrapped(one.model, lambda ids: None)
    assert one.windows is not None
    one.model.shapes.clear()
    asked = questions("arc_challenge/0-20", FEW_SHOT)
    found = answer(one, asked)
    computed = [r.prompt_tokens - r.shared_tokens for r in found.values()]
    assert sum(computed) == sum(width for _, width in one.model.shapes)
    few_shot = len(one.tokenizer(FEW_SHOT)["input_ids"])
    assert sum(count > few_shot for count in computed) == 1, "one computed it for all"
    assert all(0 < r.shared_tokens < r.prompt_tokens for r in found.values())
    for item in asked:
        scores = [c.logprob for c in found[item.key].continuations]
        assert scores == pytest.approx(expected(one, item), abs=1e-4)
    assert not any(NOTE in note for note in one.session.notes)


def test_a_model_that_cannot_share_is_scored_all_the_same_and_the_session_says_so(
    bloom: Path,
) -> None:
    one = engine(bloom)
    asked = questions("arc_challenge/0-20", FEW_SHOT)
    notes = []
    found = {}
    for response in one.run(Pool(asked)):
        found[response.key] = response
        notes.append([note for note in one.session.notes if note.startswith(NOTE)])
    assert all(len(note) == 1 for note in notes), "it is there with the first response"
    assert "a trial failed: ValueError" in notes[0][0]
    for item in asked:
        response = found[item.key]
        assert response.error is None
        scores = [c.logprob for c in response.continuations]
        assert scores == pytest.approx(expected(one, item), abs=1e-4)


def test_datasets_share_what_they_begin_with_unless_exact(tiny: Load) -> None:
    folder = tiny("llama").folder
    asked = [*questions("arc/0-20", FEW_SHOT), *questions("mmlu/0-20", FEW_SHOT)]
    shared = [sum(r.shared_tokens for r in answer(engine(folder), asked).values())]
    shared.append(sum(r.shared_tokens for r in answer(engine(folder, exact=True), asked).values()))
    assert shared[0] > shared[1] > 0


def test_exact_scores_do_not_depend_on_what_else_is_in_the_pool(tiny: Load) -> None:
    folder = tiny("llama").folder
    own = questions("mmlu/0-20", FEW_SHOT)
    others = [*questions("arc/0-20", FEW_SHOT[:90], 9), *questions("zzz/0-20", FEW_SHOT + "C", 9)]

    def bits(asked: Sequence[PooledRequest], *, exact: bool) -> dict[str, object]:
        found = answer(engine(folder, exact=exact), asked)
        return {
            item.key: (
                [one.logprob.hex() for one in found[item.key].continuations],
                found[item.key].shared_tokens,
                found[item.key].batch_rows,
            )
            for item in own
        }

    alone = bits(own, exact=True)
    mixed = [*others[:5], *own[::-1], *others[5:]]
    assert bits(mixed, exact=True) == alone
    assert bits(mixed, exact=False) != alone, "the company would show"


def test_a_log_probability_that_is_no_number_is_an_error(tiny: Load) -> None:
    one = engine(tiny("llama").folder)
    with torch.no_grad():
        one.model.get_output_embeddings().weight[0] = torch.nan
    found = answer(one, questions("arc/0-20", FEW_SHOT, 2))
    assert {response.error for response in found.values()} == {
        "ArithmeticError: the model gave a log-probability that is not a number"
    }
