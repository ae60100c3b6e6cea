"""Answers that nobody should write: every scorer gives a verdict, in time, and runs nothing.

What the texts mean is not the point, so each goes to every dataset and protocol. Where an answer in
no form must score 0 it does; an instruction such as "no commas" or a call that must not be made may
well be followed by nonsense, and there the verdict only has to be in range.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import AnyRequest, PromptSettings
from evaluation.config import DATASETS
from evaluation.prepare import normalise
from evaluation.records import (
    ContinuationScore,
    GenerateRequest,
    LoglikelihoodRequest,
    Protocol,
    Response,
    Sample,
    SampleScore,
)
from evaluation.sources import read_rows
from tests.computing import limited_computing
from tests.evidence import evidence

MARK = "hostile-answer-was-run"
COMMAND = f"__import__('pathlib').Path('{MARK}').touch()"
NINES = "9" * 10_000

TEXTS = {
    "nothing": "",
    "white space": " \n\t\r\x0b\x0c\u00a0\u2028\u3000" * 50,
    "a word": "None",
    "another number": "The answer is 123456789.\n#### 123456789\n\\boxed{123456789}",
    "another final answer": "Final Answer: The final answer is $123456789$. I hope it is correct.",
    "not a number": "The answer is nan. #### inf \\boxed{\\infty} -Infinity 1e999",
    "one long word": "x" * 1_000_000,
    "long prose": "It may be so, or not. " * 45_000,
    "long digits": "1" * 1_000_000,
    "halves of surrogate pairs": "\ud800 \\boxed{\udfff} The answer is \udc80.",
    "bytes that are no text": b"\xff\xfe\x80 \xc3(".decode("utf-8", "replace") * 100,
    "zeros": "\x00" * 1000 + "The answer is \x00.",
    "right to left": "\u202e\u2066\\boxed{\u202d6\u2069}\u200b\u200f The answer is \u0661\u0662.",
    "combining marks": "a" + "\u0301" * 10_000,
    "parentheses": "(" * 100_000,
    "brackets": "[" * 100_000 + "]" * 100_000,
    "braces": "{" * 100_000,
    "open boxes": "\\boxed{" * 100_000,
    "nested boxes": "\\boxed{" * 10_000 + "1" + "}" * 10_000,
    "joined boxes": "\\boxed{1}, " * 50_000,
    "fractions": "\\boxed{" + "\\frac{1}{" * 100 + "1" + "}" * 101,
    "roots": "\\boxed{" + "\\sqrt" * 190 + "}",
    "stated again and again": "the answer is " * 70_000,
    "hashes": "#### " * 100_000,
    "final answers": "Final Answer: The final answer is" * 30_000,
    "actions": "Action: " * 100_000 + "\nAction Input: " * 10_000,
    "dollars": "$" * 200_000,
    "commas": "1," * 100_000,
    "points": "1." * 100_000,
    "signs": "-" * 100_000 + "1",
    "backslashes": "\\" * 200_000,
    "quotation marks": "'\"" * 100_000,
    "fences": "```python\n" * 20_000,
    "many lines": "\n" * 300_000,
    "nearly repeating": "a" * 50_000 + "!",
    "asterisks": "*" * 50_000,
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}{% raw %}",
    "JSON that nests": '{"a":' * 50_000,
    "JSON that grows": '[{"name": "f", "arguments": {' + '"k": [[[[[[]]]]]],' * 5_000,
    "tags of calls": "<tool_call>" * 20_000,
    "a huge number": f"The answer is {NINES}.",
    "a huge number after hashes": f"#### {NINES}",
    "a huge number in a box": f"\\boxed{{{NINES}}}",
    "a huge number as final answer": f"Final Answer: The final answer is ${NINES}$. "
    "I hope it is correct.",
    "a huge argument": f"[f(x={NINES})]",
    "a huge action": f'Action: f\nAction Input: {{"x": {NINES}}}',
    "a program": COMMAND,
    "a program in a box": f"The answer is $\\boxed{{{COMMAND}}}$",
    "a program as call": f"[{COMMAND}, f(x={COMMAND})]",
    "a program as action": f"Action: {COMMAND}\nAction Input: {COMMAND}",
    "a program in a fence": f"```python\n{COMMAND}\n```",
    "a format string": "%s%n{0.__class__.__init__.__globals__}" * 100,
}
# Where no hostile text can be right.
ZERO = {"gsm8k", "math"}
CELLS = [(name, protocol) for name in DATASETS for protocol in benchmark(name).card.protocols]
BY_TEXT = [cell for cell in CELLS if cell[1] in benchmark(cell[0]).card.max_new_tokens]
BY_CHOICE = [cell for cell in CELLS if cell not in BY_TEXT]


@cache
def samples(name: str) -> list[Sample]:
    """One bundled sample of each kind."""
    raw = read_rows(benchmark(name), "bundled", revision=None, mirror=None)
    found = normalise(benchmark(name), raw.rows)
    kinds = {sample.category.partition("/")[0]: sample for sample in found}
    return list(kinds.values())


def requests(name: str, protocol: Protocol, sample: Sample) -> list[AnyRequest]:
    """The first requests of a sample."""
    return benchmark(name).requests(sample, [], PromptSettings(protocol=protocol))


def judge(name: str, protocol: Protocol, sample: Sample, text: str) -> SampleScore:
    """The verdict when every request is answered with the text."""
    responses = [
        Response(
            key=f"k{turn}",
            sample_id=sample.id,
            turn=turn,
            session="s",
            prompt="",
            text=text,
            finish_reason="stop",
        )
        for turn, _ in enumerate(requests(name, protocol, sample))
    ]
    found = evidence(responses, [text] * len(responses), protocol)
    return benchmark(name).score(sample, found)


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize(("name", "protocol"), BY_TEXT)
def test_any_text_gets_a_verdict_in_time(
    name: str, protocol: Protocol, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for sample in samples(name):
        with limited_computing():
            verdict = judge(name, protocol, sample, TEXTS[kind])
        assert not verdict.unscorable, verdict.reason
        assert all(0.0 <= value <= 1.0 for value in verdict.scores.values()), verdict.scores
        if name in ZERO:
            assert set(verdict.scores.values()) == {0.0}, (sample.id, verdict)
        if "surrogate" not in kind:  # which no file can hold, and so no response has
            assert SampleScore.model_validate_json(verdict.model_dump_json()) == verdict
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "protocol"), BY_TEXT)
def test_silence_is_never_right(name: str, protocol: Protocol) -> None:
    card = benchmark(name).card
    for sample in samples(name):
        if "relevance" in sample.category:
            continue  # to call no function is what these rows ask for
        for text in ("", TEXTS["white space"]):
            scores = judge(name, protocol, sample, text).scores
            # The original filter of ToolBench counts a silent answer that a reference shares.
            gained = {
                metric: value
                for metric, value in scores.items()
                if metric not in card.lower_is_better and "(compat)" not in metric
            }
            assert not any(gained.values()), (sample.id, gained)


LOGPROBS: dict[str, Sequence[float]] = {
    "none": [],
    "one too few": [-1.0],
    "too many": [-1.0] * 100,
    "not a number": [math.nan] * 4,
    "one not a number": [-1.0, math.nan, -2.0, -3.0],
}


@pytest.mark.parametrize("kind", LOGPROBS)
@pytest.mark.parametrize(("name", "protocol"), BY_CHOICE)
def test_choices_without_usable_probabilities_are_not_scored(
    name: str, protocol: Protocol, kind: str
) -> None:
    for sample in samples(name):
        [request] = requests(name, protocol, sample)
        assert isinstance(request, LoglikelihoodRequest)
        wanted = len(request.continuations)
        logprobs = LOGPROBS[kind][:wanted] if "not a number" in kind else LOGPROBS[kind]
        verdict = choose(name, protocol, sample, logprobs)
        assert verdict.scores == {}
        assert verdict.reason


@pytest.mark.parametrize("value", [-math.inf, math.inf, 0.0, -1e308])
@pytest.mark.parametrize(("name", "protocol"), BY_CHOICE)
def test_equal_probabilities_are_a_verdict_for_the_first_choice(
    name: str, protocol: Protocol, value: float
) -> None:
    for sample in samples(name):
        [request] = requests(name, protocol, sample)
        assert isinstance(request, LoglikelihoodRequest)
        verdict = choose(name, protocol, sample, [value] * len(request.continuations))
        assert set(verdict.scores) <= set(benchmark(name).card.metrics)
        assert set(verdict.scores.values()) <= {0.0, 1.0}
        assert "acc" in verdict.scores


def choose(name: str, protocol: Protocol, sample: Sample, logprobs: Sequence[float]) -> SampleScore:
    """The verdict on these log-probabilities."""
    response = Response(
        key="k",
        sample_id=sample.id,
        turn=0,
        session="s",
        prompt="",
        continuations=[ContinuationScore(logprob=p, tokens=1) for p in logprobs],
        finish_reason="scored",
    )
    return benchmark(name).score(sample, evidence([response], [""], protocol))


def test_every_dataset_is_here() -> None:
    assert {name for name, _ in BY_TEXT + BY_CHOICE} == set(DATASETS)
    for name, protocol in BY_TEXT:
        [request, *_] = requests(name, protocol, samples(name)[0])
        assert isinstance(request, GenerateRequest)
