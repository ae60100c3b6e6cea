"""GSM8K: prompts, and the numbers that both protocols read from answers."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.base import PromptSettings
from evaluation.benchmarks.gsm8k import BENCHMARK, INSTRUCTION, chat_numbers, harness_numbers
from evaluation.records import GenerateRequest, Message, Protocol, Response, Sample, SampleScore
from tests.computing import limited_computing
from tests.evidence import evidence

REPO = Path(__file__).resolve().parents[2]
PROTOCOLS: tuple[Protocol, ...] = ("chat", "harness")


def row(**changes: object) -> dict[str, Any]:
    """A row of our own with the answer 1,200."""
    return {
        "question": "A hall has 30 rows of 40 seats. How many seats are there?",
        "answer": "There are 30*40 = <<30*40=1200>>1200 seats.\n#### 1,200",
        **changes,
    }


def ask(sample: Sample, protocol: Protocol, few_shot: Sequence[Sample] = ()) -> GenerateRequest:
    """The one request of a sample."""
    settings = PromptSettings(protocol=protocol, few_shot=len(few_shot), max_new_tokens=321, seed=5)
    [request] = BENCHMARK.requests(sample, few_shot, settings)
    assert isinstance(request, GenerateRequest)
    return request


def judge(sample: Sample, protocol: Protocol, text: str) -> SampleScore:
    """The verdict on an answer to the protocol's own prompt."""
    request = ask(sample, protocol)
    seen = request.prompt or "".join(f"<user>{m.content}</user>" for m in request.messages)
    response = Response(
        key="k",
        sample_id=sample.id,
        turn=0,
        session="s",
        prompt=seen,
        text=text,
        finish_reason="stop",
    )
    return BENCHMARK.score(sample, evidence([response], [text], protocol))


def exact(verdict: SampleScore) -> tuple[float, float]:
    """The strict and the flexible score."""
    return verdict.scores["exact_match_strict"], verdict.scores["exact_match_flexible"]


def test_chat_prompt_is_the_instruction_and_the_problem() -> None:
    sample = BENCHMARK.sample(row(), 7)
    assert sample.id == "gsm8k/7"
    assert ask(sample, "chat") == GenerateRequest(
        sample_id="gsm8k/7",
        messages=(Message(role="user", content=INSTRUCTION + row()["question"]),),
        max_new_tokens=321,
        seed=5,
    )


def test_harness_prompt_has_worked_examples_and_stops() -> None:
    shot = BENCHMARK.sample(row(question="One and one?", answer="It is 2.\n#### 2"), 0)
    assert ask(BENCHMARK.sample(row(), 7), "harness", [shot]) == GenerateRequest(
        sample_id="gsm8k/7",
        prompt="Question: One and one?\nAnswer: It is 2.\n#### 2\n\n"
        "Question: A hall has 30 rows of 40 seats. How many seats are there?\nAnswer:",
        stop=("Question:", "</s>", "<|im_end|>"),
        max_new_tokens=321,
        seed=5,
    )


@pytest.mark.parametrize(
    ("text", "strict", "flexible"),
    [
        ("The answer is 18", "18", "18"),
        ("The answer is 18.", "18", "18"),
        ("The answer is $18.00.", "18", "18"),
        ("The answer is 18.50", "18.50", "18.50"),
        ("the ANSWER IS: **$1,234.0** dollars", "1234", "1234"),
        (r"The final answer is \(\boxed{18}\).", "18", "18"),
        (r"The answer is $\text{18}$", "18", "18"),
        (r"The answer is 276{,}000, or 10,\!000 less.", "276000", "10000"),
        ("The answer is -5", "-5", "-5"),
        ("The answer is -$5", "-5", "-5"),
        ("The answer is £7 or so", "7", "7"),
        ("The answer is .5", ".5", ".5"),
        ("The answer is 18. Check: 2 x 9 = 18, not 19", "18", "19"),
        ("The answer is 12. Wait, no. The answer is 18.", "18", "18"),
        ("The answer is 18. Hope this helps...", "18", "18"),
        ("So 3 + 4 = 7.", None, "7"),
        ("3 + 4 = 7\n#### 7", "7", "7"),
        ("The answer is", None, None),
        ("The answer is eighteen", None, None),
        ("The answer is 1", "1", "1"),
        ("", None, None),
        ("答えは18です。The answer is 18。", "18", "18"),
        ("The answer is \uff11\uff18", None, None),
    ],
)
def test_chat_reads_the_last_stated_number(
    text: str, strict: str | None, flexible: str | None
) -> None:
    assert chat_numbers(text) == (strict, flexible)


@pytest.mark.parametrize(
    ("text", "strict", "flexible"),
    [
        (" 6 and 12 make 18.\n#### 18", "18", "18"),
        ("#### 18\n\n#### 20", "18", "20"),
        ("#### 1,200.", "1200", "1200"),
        ("#### $18", None, "18"),
        ("#### -3", "-3", "-3"),
        ("#### 18.00", "18.00", "18.00"),
        ("The answer is 18", None, "18"),
        ("#### 18 and so on...", "18", ".."),
        ("####18", None, "18"),
        ("cut off ####", None, None),
        ("", None, None),
    ],
)
def test_harness_reads_as_its_two_filters_do(
    text: str, strict: str | None, flexible: str | None
) -> None:
    assert harness_numbers(text) == (strict, flexible)


@pytest.mark.parametrize(
    ("text", "chat", "harness"),
    [
        ("30 x 40 = 1200.\nThe answer is 1200.", (1.0, 1.0), (0.0, 1.0)),
        ("30 x 40 = 1200.\n#### 1,200", (1.0, 1.0), (1.0, 1.0)),
        ("The answer is 1,200.00", (1.0, 1.0), (0.0, 0.0)),
        ("#### 1200\n\n#### 7", (0.0, 0.0), (1.0, 0.0)),
        ("#### 7\n\nThe answer is 1200", (1.0, 1.0), (0.0, 1.0)),
        ("The answer is 12", (0.0, 0.0), (0.0, 0.0)),
        ("", (0.0, 0.0), (0.0, 0.0)),
    ],
)
def test_each_protocol_judges_by_its_own_rules(
    text: str, chat: tuple[float, float], harness: tuple[float, float]
) -> None:
    sample = BENCHMARK.sample(row(), 0)
    assert exact(judge(sample, "chat", text)) == chat
    assert exact(judge(sample, "harness", text)) == harness


def test_verdict_shows_what_was_extracted() -> None:
    sample = BENCHMARK.sample(row(), 0)
    verdict = judge(sample, "chat", "Maybe 7 seats")
    assert (verdict.extracted, verdict.gold) == ("7", "1200")
    assert judge(sample, "chat", "I do not know").extracted is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"question": " "}, "the question is empty"),
        ({"answer": "1200"}, "no line '#### number'"),
        ({"answer": None}, "answer"),
    ],
)
def test_unusable_rows_are_named(changes: dict[str, object], problem: str) -> None:
    sample = BENCHMARK.sample(row(**changes), 3)
    assert problem in sample.unscorable
    assert sample.unscorable.startswith("row 3: ")


ANSWERS = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(["answer is ", "####", " ", "$", "-", ".", ",", "7", "{", "\\", "boxed"])
    ).map("".join),
)


@given(text=ANSWERS)
def test_any_answer_scores_within_range(text: str) -> None:
    sample = BENCHMARK.sample(row(), 0)
    for protocol in PROTOCOLS:
        assert set(exact(judge(sample, protocol, text))) <= {0.0, 1.0}


@given(number=st.integers(-(10**9), 10**9), noise=st.text(alphabet="abc XYZ\n*", max_size=40))
def test_a_stated_number_is_found(number: int, noise: str) -> None:
    for written in (str(number), f"{number:,}", f"${number}", f"**{number}**", f"{number}.00"):
        text = f"{noise}\nThe answer is {written}.\n{noise}"
        assert chat_numbers(text) == (str(number), str(number))


@pytest.mark.parametrize(
    "unit", ["answer is ", "answer is $$", "$", "#### ", "9", "-", ".0", ",", "boxed", " ", "é"]
)
def test_long_answers_take_linear_time(unit: str) -> None:
    text = "The answer is " + unit * (1_000_000 // len(unit))
    sample = BENCHMARK.sample(row(), 0)
    for protocol in PROTOCOLS:
        with limited_computing():
            judge(sample, protocol, text)


def test_bundled_samples_reach_both_ends_of_the_scale() -> None:
    path = REPO / "resources/samples/gsm8k/samples.jsonl"
    if not path.is_file():
        pytest.skip(f"no bundled samples at {path}")
    lines = path.read_text(encoding="utf-8").splitlines()
    for index, raw in enumerate(json.loads(line) for line in lines):
        sample = BENCHMARK.sample(raw, index)
        number = raw["answer"].rpartition("#### ")[2]
        for protocol in PROTOCOLS:
            assert exact(judge(sample, protocol, raw["answer"])) == (1.0, 1.0)
            assert exact(judge(sample, protocol, "")) == (0.0, 0.0)
        assert exact(judge(sample, "chat", f"The answer is {number}.")) == (1.0, 1.0)


@pytest.mark.parametrize("split", ["test", "train"])
def test_all_hub_rows_are_usable(split: str) -> None:
    path = REPO.parent / "shared/data/hub/openai/gsm8k/main" / f"{split}-00000-of-00001.parquet"
    if not path.is_file():
        pytest.skip(f"no Hub stand-in at {path}")
    for index, raw in enumerate(pyarrow.parquet.read_table(path).to_pylist()):
        sample = BENCHMARK.sample(raw, index)
        for protocol in PROTOCOLS:
            verdict = judge(sample, protocol, raw["answer"])
            assert exact(verdict) == (1.0, 1.0)
            assert re.fullmatch(r"-?[0-9]+", verdict.gold)
