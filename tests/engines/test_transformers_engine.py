"""The engine: a response for every request whatever fails, follow-ups, exact mode, golden texts."""

from __future__ import annotations

import json
import os
import shutil
import weakref
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from evaluation.config import EngineSettings, Preset
from evaluation.engines.base import Pool, PooledRequest
from evaluation.engines.transformers_engine import REVISION, TransformersEngine
from evaluation.errors import EvaluationError
from evaluation.records import (
    Continuation,
    GenerateRequest,
    LoglikelihoodRequest,
    Message,
    ModelManifest,
    Response,
)
from tests.engines.conftest import Scripted, Tiny, Wrapped
from tests.tiny_models import END, FAMILIES, build

Load = Callable[[str], Tiny]
AnyRequest = GenerateRequest | LoglikelihoodRequest

GOLDEN = Path(__file__).with_name("golden.json")
UPDATE = "UPDATE_GOLDEN=1 python -m pytest tests/engines/test_transformers_engine.py -k golden"
# A token that no tiny model writes by itself.
POISON = "<|system|>"


def manifest(folder: Path, context: int = 2048) -> ModelManifest:
    return ModelManifest(
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
        context_length=context,
        chat_template=True,
    )


def engine(
    folder: Path,
    *,
    rows: int = 64,
    tokens: int = 100_000,
    exact: bool = False,
    context: int = 2048,
    dtype: Literal["float32", "bfloat16"] = "float32",
) -> TransformersEngine:
    return TransformersEngine(
        manifest(folder, context),
        EngineSettings(device="cpu", dtype=dtype, exact=exact),
        "balanced",
        Preset(batch_tokens=tokens, batch_rows=rows),
        thinking=False,
        threads=1,
    )


def ask(name: str, text: str, limit: int = 8, turn: int = 0) -> GenerateRequest:
    return GenerateRequest(sample_id=name, turn=turn, prompt=text, max_new_tokens=limit)


def choose(name: str, context: str, *choices: str) -> LoglikelihoodRequest:
    return LoglikelihoodRequest(
        sample_id=name,
        continuations=tuple(Continuation(context=context, text=choice) for choice in choices),
    )


def pooled(request: AnyRequest, group: str = "gsm8k/0-20") -> PooledRequest:
    key = f"{group} {request.sample_id} {request.turn}"
    return PooledRequest(key=key, group=group, request=request)


def answer(
    one: TransformersEngine,
    requests: Iterable[AnyRequest | PooledRequest],
    follow: Callable[[Response], GenerateRequest | None] = lambda response: None,
) -> dict[str, Response]:
    """All responses by sample (and turn, after the first); each request has exactly one."""
    pool = Pool(r if isinstance(r, PooledRequest) else pooled(r) for r in requests)
    owed = {item.key: item for item in pool}
    found = {}
    for response in one.run(pool):
        asked = owed.pop(response.key)
        assert (response.sample_id, response.turn) == (
            asked.request.sample_id,
            asked.request.turn,
        )
        assert response.session == one.session.id
        found[response.sample_id + (f"/{response.turn}" if response.turn else "")] = response
        more = follow(response)
        if more is not None:
            pool.append(pooled(more, asked.group))
            owed[pool[-1].key] = pool[-1]
    assert not owed, f"without a response: {sorted(owed)}"
    return found


TEXTS = {
    "one": "the Question is",
    "two": "and so on, and on and on",
    "three": "C",
    "four": "1 + 1 = 2 and 2 + 2 =",
    "five": "User: is it raining in Quito?",
}
ASKED = [ask(name, text) for name, text in TEXTS.items()]
CHOICES = [
    choose("letters", "Answer:", " A", " B"),
    choose("endings", "the rain and the", " sun", " night is on"),
    choose("names", "the tin and the", " quill", " hat"),
]


def texts(found: dict[str, Response]) -> dict[str, str]:
    return {name: response.text for name, response in found.items()}


def poisoned(ids: torch.Tensor, token: int) -> None:
    if bool((ids == token).any()):
        raise ValueError("poison in the batch\nand a second line")


def poison(one: TransformersEngine) -> None:
    """Let every forward pass fail that has the poisonous token in it."""
    token = one.tokenizer.convert_tokens_to_ids(POISON)
    one.model = Wrapped(one.model, lambda ids: poisoned(ids, token))


# ---- responses -------------------------------------------------------------------------------


def test_responses_say_what_was_asked_and_what_it_took(tiny: Load) -> None:
    model = tiny("llama")
    one = engine(model.folder)
    chat = GenerateRequest(
        sample_id="chat",
        messages=(
            Message(role="system", content="Be brief."),
            Message(role="user", content="is it?"),
        ),
        max_new_tokens=5,
    )
    found = answer(one, [*ASKED, chat, *CHOICES])
    assert list(found)[-3:] != list(found)[:3], "generation comes first"
    for name, text in TEXTS.items():
        expected = model.alone(model.tokens(text), 8)
        ended = expected[-1] in model.ends
        expected = expected[:-1] if ended else expected
        response = found[name]
        assert response.text == model.text(expected)
        assert response.prompt == text
        assert response.finish_reason == ("stop" if ended else "length")
        assert response.prompt_tokens == len(model.tokens(text))
        assert response.completion_tokens == len(expected)
        assert response.batch_rows == 6
    assert found["chat"].prompt == (
        "<s><|system|>Be brief.<|end|><|user|>is it?<|end|><|assistant|>"
    )
    letters = found["letters"]
    assert letters.finish_reason == "scored"
    assert [c.tokens for c in letters.continuations] == [2, 2]
    assert letters.prompt == "Answer:"
    assert all(c.logprob < 0 for r in CHOICES for c in found[r.sample_id].continuations)
    assert all(
        r.error is None and r.peak_memory > 0 and r.engine_seconds > 0 and r.latency_seconds > 0
        for r in found.values()
    )


def test_the_preset_bounds_the_batches(tiny: Load) -> None:
    model = tiny("llama")
    wide = answer(engine(model.folder), ASKED)
    narrow = answer(engine(model.folder, rows=2), ASKED)
    assert max(r.batch_rows for r in narrow.values()) == 2
    assert texts(narrow) == texts(wide)
    one = engine(model.folder, tokens=256)
    prompts = [f"{name} " + "C" * 88 for name in "abcd"]
    found = answer(one, [ask(text, text, 10) for text in prompts])
    assert max(r.batch_rows for r in found.values()) == 2, "102 tokens each"


def test_truncated_prompts_are_counted(tiny: Load) -> None:
    model = tiny("llama")
    long = "and so on " * 20
    length = len(model.tokens(long))
    found = answer(engine(model.folder, context=40), [ask("a", long), choose("b", long, "is")])
    assert found["a"].truncated_prompt_tokens == length - 32
    assert found["a"].prompt_tokens == 32
    assert found["b"].truncated_prompt_tokens == len(model.tokens(long + "is")) - 1 - 40


def test_thinking_is_counted_and_kept_in_the_text(tiny: Load) -> None:
    model = tiny("llama")
    one = engine(model.folder)
    said = model.tokens("<think>and so on</think>\n\n4")[1:]
    filler = model.tokens("#")[1]
    prompt = model.tokens("C")
    script = [filler] * (len(prompt) - 1) + said + [min(model.ends)]
    one.model = Scripted(script, 300)
    [response] = answer(one, [ask("a", "C", 60)]).values()
    assert response.text == "<think>and so on</think>\n\n4"
    assert response.finish_reason == "stop"
    assert response.completion_tokens == len(said)
    assert response.thinking_tokens == len(one.tokenizer("and so on")["input_ids"])


def test_an_answer_ends_at_the_model_s_and_at_the_tokenizer_s_end_tokens(
    tiny: Load, tmp_path: Path
) -> None:
    model = tiny("llama")
    folder = shutil.copytree(model.folder, tmp_path / "one end token")
    settings = json.loads((folder / "generation_config.json").read_text())
    own = model.tokenizer.convert_tokens_to_ids(END)
    (folder / "generation_config.json").write_text(json.dumps({**settings, "eos_token_id": own}))
    one = engine(folder)
    for token in (own, model.tokenizer.eos_token_id):
        one.model = Scripted([token] * 9, 300)
        [response] = answer(one, [ask("a", "C")]).values()
        assert (response.text, response.finish_reason) == ("", "stop")


def test_the_session_says_how_the_model_was_run(tiny: Load, tmp_path: Path) -> None:
    session = engine(tiny("llama").folder, exact=True).session
    assert (session.model, session.revision, session.preset) == ("tiny", "local", "balanced")
    assert (session.engine, session.engine_revision) == ("transformers", REVISION)
    assert (session.dtype, session.exact) == ("float32", True)
    assert session.load_seconds > 0
    assert {"torch", "transformers", "tokenizers"} <= set(session.packages)
    assert session.hardware.device == "cpu"
    assert session.notes == []
    [note] = engine(tiny("mistral").folder).session.notes
    assert "no system role" in note
    plain = build("llama", tmp_path / "plain", chat_template=False)
    [note] = engine(plain).session.notes
    assert "no chat template" in note
    assert engine(plain).session.id != engine(plain).session.id


# ---- failures --------------------------------------------------------------------------------


def test_a_request_that_cannot_be_tokenised_costs_only_itself(
    tiny: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = engine(tiny("llama").folder)
    expected = texts(answer(one, ASKED))
    render = one.renderer.render

    def refuse(request: GenerateRequest) -> Any:
        if request.sample_id == "bad":
            raise RuntimeError("roles must alternate")
        return render(request)

    monkeypatch.setattr(one.renderer, "render", refuse)
    found = answer(one, [*ASKED[:2], ask("bad", "x"), *ASKED[2:]])
    bad = found.pop("bad")
    assert (bad.finish_reason, bad.error) == ("error", "RuntimeError: roles must alternate")
    assert bad.text == "" and bad.continuations == []
    assert texts(found) == expected


@pytest.mark.parametrize("continuation", ["", "X" * 60])
def test_a_choice_that_cannot_be_scored_costs_only_its_request(
    tiny: Load, continuation: str
) -> None:
    one = engine(tiny("llama").folder, context=50)
    found = answer(one, [*CHOICES, choose("bad", "Answer:", " A", continuation)])
    assert found["bad"].finish_reason == "error"
    assert "tokens; 1 to 50 can be scored" in (found["bad"].error or "")
    assert {r.finish_reason for name, r in found.items() if name != "bad"} == {"scored"}


def test_a_request_without_choices_is_answered_with_an_error(tiny: Load) -> None:
    found = answer(engine(tiny("llama").folder), [CHOICES[0], choose("bad", "Answer:")])
    assert found["bad"].error == "ValueError: the request has no continuations to score"
    assert found["letters"].error is None


@pytest.mark.parametrize("place", range(6))
def test_a_prompt_whose_forward_pass_fails_costs_only_itself(tiny: Load, place: int) -> None:
    one = engine(tiny("llama").folder)
    expected = texts(answer(one, ASKED))
    poison(one)
    # Batches are sorted by length: the place decides among which prompts it runs.
    requests = [*ASKED, ask("bad", POISON + "x" * (7 * place))]
    found = answer(one, requests)
    bad = found.pop("bad")
    assert (bad.finish_reason, bad.error) == ("error", "ValueError: poison in the batch")
    assert texts(found) == expected


def test_choices_whose_forward_pass_fails_cost_only_their_request(tiny: Load) -> None:
    one = engine(tiny("llama").folder)
    expected = answer(one, CHOICES)
    one = engine(tiny("llama").folder)
    poison(one)
    found = answer(one, [*CHOICES, choose("bad", f"and {POISON} so", " on", " off")])
    assert found.pop("bad").error == "ValueError: poison in the batch"
    for name, response in found.items():
        assert [c.logprob for c in response.continuations] == pytest.approx(
            [c.logprob for c in expected[name].continuations], abs=1e-4
        )


def test_when_everything_fails_everything_is_answered(tiny: Load) -> None:
    one = engine(tiny("llama").folder)

    def fail(ids: torch.Tensor) -> None:
        raise RuntimeError("no kernel for this card")

    one.model = Wrapped(one.model, fail)
    found = answer(one, [*ASKED, *CHOICES])
    assert {r.error for r in found.values()} == {"RuntimeError: no kernel for this card"}


class Memory:
    """A card on which batches of more than `rows` rows do not fit.

    Each attempt leaves a tensor in the frame that fails, as real batches leave their caches;
    `held` counts those that are still alive at a later forward pass.
    """

    def __init__(self, rows: int, from_pass: int = 0):
        self.rows = rows
        self.from_pass = from_pass
        self.passes = 0
        self.failures = 0
        self.held = 0
        self.tensors: list[weakref.ref[torch.Tensor]] = []

    def __call__(self, rows: int) -> None:
        self.passes += 1
        self.held += sum(tensor() is not None for tensor in self.tensors)
        if rows > self.rows and self.passes > self.from_pass:
            cache = torch.zeros(8)
            self.tensors.append(weakref.ref(cache))
            self.failures += 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


class Card(Wrapped):
    """A model on such a card: rows are counted, whether they lie in one line or in several."""

    def __init__(self, model: Any, memory: Memory) -> None:
        super().__init__(model, lambda ids: None)
        self.memory = memory

    def __call__(self, **inputs: Any) -> Any:
        line = inputs.get("ragged")
        rows = sum(len(piece.wanted) for piece in line.pieces) if line else len(inputs["input_ids"])
        self.memory(rows)
        return super().__call__(**inputs)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_batch_that_does_not_fit_is_halved_until_it_does(tiny: Load, rows: int) -> None:
    one = engine(tiny("llama").folder)
    # Letters share a row, so that each request is one.
    letters = [choose(f"letters {text}", text, " A", " B") for text in TEXTS.values()]
    expected = answer(one, [*ASKED, *letters])
    memory = Memory(rows)
    one.model = Card(one.model, memory)
    found = answer(one, [*ASKED, *letters])
    assert memory.failures > 0
    assert memory.held == 0, "the failed batch's memory is free before the next try"
    assert all(r.error is None for r in found.values())
    assert texts(found) == texts(expected)
    assert max(r.batch_rows for r in found.values() if r.finish_reason != "scored") <= rows
    assert all(r.backoffs > 0 for r in found.values() if r.finish_reason != "scored")
    assert all(r.backoffs == 0 for r in expected.values())


def test_one_prompt_that_never_fits_is_reported(tiny: Load) -> None:
    one = engine(tiny("llama").folder)
    one.model = Card(one.model, Memory(0, from_pass=3))
    [response] = answer(one, [ASKED[0]]).values()
    assert response.finish_reason == "error"
    assert "not enough memory for this sample alone" in (response.error or "")
    assert "CUDA out of memory. Tried to allocate 2.00 GiB." in (response.error or "")


def test_responses_that_finished_before_a_failure_are_kept(tiny: Load) -> None:
    one = engine(tiny("llama").folder)
    requests = [ask("short", "C is on", 2), *(ask(f"long {i}", "the Qu", 9) for i in range(3))]
    expected = texts(answer(one, requests))
    # The batch of four runs until the short answer is out, then does not fit any more.
    memory = Memory(2, from_pass=6)
    one.model = Card(one.model, memory)
    runs: list[str] = []
    found = answer(one, requests, follow=lambda r: runs.append(r.sample_id))
    assert memory.failures > 0
    assert texts(found) == expected
    assert runs[0] == "short" and runs.count("short") == 1
    assert found["short"].batch_rows == 4, "it was not computed again"
    assert found["long 0"].batch_rows < 4


def test_a_gpu_too_small_for_the_weights_is_named(
    tiny: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore")

    monkeypatch.setattr("transformers.AutoModelForCausalLM.from_pretrained", too_large)
    with pytest.raises(EvaluationError) as caught:
        engine(tiny("llama").folder)
    assert "does not fit into the GPU's memory" in caught.value.what
    assert "Tried to allocate 2.00 GiB" in caught.value.what
    assert caught.value.where == "model tiny, 0.0 billion parameters"
    assert "a GPU with more memory" in caught.value.remedy


# ---- follow-ups ------------------------------------------------------------------------------


def ask_again(response: Response) -> GenerateRequest | None:
    """A second turn for every first one."""
    if response.turn or response.error:
        return None
    return ask(response.sample_id, f"{response.prompt}{response.text} and", turn=1)


@pytest.mark.parametrize("rows", [1, 2, 64])
def test_follow_ups_are_answered(tiny: Load, rows: int) -> None:
    model = tiny("llama")
    found = answer(engine(model.folder, rows=rows), [*ASKED, *CHOICES[:1]], _only_texts)
    assert len(found) == 2 * len(ASKED) + 1
    for name in TEXTS:
        second = found[f"{name}/1"]
        assert second.prompt == f"{TEXTS[name]}{found[name].text} and"
        expected = model.alone(model.tokens(second.prompt), 8)
        assert second.text == model.text(expected)


def _only_texts(response: Response) -> GenerateRequest | None:
    return ask_again(response) if response.finish_reason != "scored" else None


def test_follow_ups_of_answers_that_came_before_a_failure_are_answered(tiny: Load) -> None:
    one = engine(tiny("llama").folder)
    one.model = Card(one.model, Memory(2))
    found = answer(one, ASKED, ask_again)
    assert len(found) == 2 * len(ASKED)
    assert all(r.error is None for r in found.values())


def test_an_empty_pool_is_no_work(tiny: Load) -> None:
    assert answer(engine(tiny("llama").folder), []) == {}


# ---- exact mode ------------------------------------------------------------------------------


def bits(found: dict[str, Response], names: Sequence[str]) -> dict[str, Any]:
    """What exact mode promises to repeat, numbers to the last bit."""
    return {
        name: (
            found[name].text,
            [c.logprob.hex() for c in found[name].continuations],
            found[name].batch_rows,
        )
        for name in names
    }


def test_exact_batches_do_not_depend_on_what_else_is_in_the_pool(tiny: Load) -> None:
    folder = tiny("llama").folder
    asked = [pooled(r, "mt_bench/0-20") for r in ASKED]
    scored = [pooled(r, "winogrande/0-20") for r in CHOICES]
    company = [
        item
        for i in range(7)
        for item in (
            pooled(ask(f"other {i}", "on and on" * i + "C", 30), "gsm8k/0-20"),
            pooled(ask(f"next slice {i}", "the rest" * i + "C", 3), "mt_bench/20-100"),
            pooled(choose(f"choice {i}", "is it" + " so" * i, " yes", " no"), "arc/0-20"),
        )
    ]

    def run(pool: list[PooledRequest], *, exact: bool = True) -> dict[str, Response]:
        one = engine(folder, rows=3, exact=exact)

        def follow(response: Response) -> GenerateRequest | None:
            return ask_again(response) if response.sample_id in TEXTS else None

        return answer(one, pool, follow)

    names = [*TEXTS, *(f"{name}/1" for name in TEXTS), *(r.sample_id for r in CHOICES)]
    alone = bits(run([*asked, *scored]), names)
    mixed = [*company[:10], *asked[:3], *company[10:], *scored, *asked[3:]]
    assert bits(run(mixed), names) == alone
    assert sorted(rows for _, _, rows in alone.values()) == [*[2] * 4, *[3] * 9]
    assert bits(run(mixed, exact=False), names) != alone, "the company would show"


# ---- golden responses ------------------------------------------------------------------------


def golden_requests() -> list[AnyRequest]:
    def chat(name: str, *messages: tuple[str, str], limit: int) -> GenerateRequest:
        turns = tuple(Message.model_validate({"role": r, "content": c}) for r, c in messages)
        return GenerateRequest(sample_id=name, messages=turns, max_new_tokens=limit)

    return [
        ask("plain", "Question: what is it?\nAnswer:", 24),
        ask("long", "The rain came down and the river rose. " * 12, 24),
        GenerateRequest(
            sample_id="stopped", prompt="and so on", stop=("\n", "e", "a"), max_new_tokens=40
        ),
        chat("chat", ("system", "Be brief."), ("user", "is it raining?"), limit=16),
        chat("turns", ("user", "is it?"), ("assistant", "No."), ("user", "Is it now?"), limit=16),
        choose("letters", "Question: what is it?\nA. tea\nB. ink\nAnswer:", " A", " B"),
        choose("endings", "So the people", " went home.", " built a wall of sand."),
        choose("spaces", "the end of the ", "line", "rest"),
        choose("no context", "", "the Question"),
    ]


def golden_problem(stored: Any, revision: int, found: Any) -> str:
    """What is wrong with the stored responses and what to do about it; "" if nothing."""
    changed = [
        name
        for name in {**stored["texts"], **found["texts"]}
        if stored["texts"].get(name) != found["texts"].get(name)
    ] + [
        name
        for name in {**stored["logprobs"], **found["logprobs"]}
        if stored["logprobs"].get(name) != pytest.approx(found["logprobs"].get(name), abs=2e-3)
    ]
    if changed and revision == stored["revision"]:
        return (
            f"the engine's responses changed ({', '.join(changed)}) but its REVISION is still "
            f"{revision}. If that is on purpose, raise REVISION in "
            "evaluation/engines/transformers_engine.py, so that old responses are not used with "
            f"new ones, then write golden.json anew: {UPDATE}"
        )
    if revision != stored["revision"]:
        return (
            f"golden.json is of engine REVISION {stored['revision']}, the engine's is {revision}; "
            f"write it anew: {UPDATE}"
        )
    return ""


def test_golden_responses(tiny: Load) -> None:
    responses = answer(engine(tiny("llama").folder), golden_requests())
    found = {
        "revision": REVISION,
        "texts": {n: r.text for n, r in sorted(responses.items()) if r.text},
        "logprobs": {
            n: [round(c.logprob, 3) for c in r.continuations]
            for n, r in sorted(responses.items())
            if r.continuations
        },
    }
    assert len(found["texts"]) + len(found["logprobs"]) == len(golden_requests())  # type: ignore[arg-type]
    stored = json.loads(GOLDEN.read_text("utf-8"))
    problem = golden_problem(stored, REVISION, found)
    if os.environ.get("UPDATE_GOLDEN") and "raise REVISION" not in problem:
        GOLDEN.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
        return
    assert not problem, problem


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_is_given_up_in_bfloat16(tiny: Load, family: str) -> None:
    """Trials decide what a model can; rounding must not make them say no."""
    one = engine(tiny(family).folder, dtype="bfloat16")
    responses = answer(one, golden_requests())
    assert all(response.error is None for response in responses.values())
    given_up = ("one at a time", "without shared prefixes", "not laid out")
    assert [note for note in one.session.notes if any(words in note for words in given_up)] == []


def test_golden_problems_say_what_to_do() -> None:
    stored = {"revision": 3, "texts": {"a": "x"}, "logprobs": {"b": [-1.0, -2.0]}}
    assert golden_problem(stored, 3, stored) == ""
    near = {**stored, "logprobs": {"b": [-1.001, -2.0]}}
    assert golden_problem(stored, 3, near) == ""
    for changed, name in (
        ({**stored, "texts": {"a": "y"}}, "(a)"),
        ({**stored, "logprobs": {"b": [-1.1, -2.0]}}, "(b)"),
        ({**stored, "texts": {"a": "x", "c": "z"}}, "(c)"),
    ):
        problem = golden_problem(stored, 3, changed)
        assert name in problem and "REVISION is still 3" in problem
        assert "raise REVISION in evaluation/engines/transformers_engine.py" in problem
        problem = golden_problem(stored, 4, changed)
        assert "raise REVISION" not in problem
        assert "is of engine REVISION 3" in problem and "UPDATE_GOLDEN=1" in problem
    assert "write it anew" in golden_problem(stored, 4, stored)


def test_a_long_row_does_not_change_short_ones_under_longrope(tmp_path: Path) -> None:
    folder = build("phi3", tmp_path / "phi3")
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config |= {"original_max_position_embeddings": 64, "max_position_embeddings": 512}
    config["rope_parameters"] = {
        "rope_type": "longrope",
        "rope_theta": 10000.0,
        "short_factor": [1.0] * 4,
        "long_factor": [8.0] * 4,
        "original_max_position_embeddings": 64,
    }
    path.write_text(json.dumps(config))
    one = engine(folder, context=512)
    assert one.rope_switch == 64
    short, long = ask("short", "the cat sat on the"), ask("long", "and so on " * 60)
    alone = answer(one, [short])["short"].text
    together = answer(one, [short, long])
    assert together["short"].text == alone
    assert together["short"].batch_rows == together["long"].batch_rows == 1
