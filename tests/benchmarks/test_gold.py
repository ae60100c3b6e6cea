"""Gold answers score 100% by every metric, on all rows of the mirror and of the bundled samples.

Each answer is written in the form that its protocol asks for and goes through the same requests and
scorers as a model's. Code tasks, tool tasks and MT-Bench (which has no gold answers) have tests of
their own. IFEval has no gold answers either; its bundled rows have compliant answers of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import PromptSettings
from evaluation.prepare import normalise
from evaluation.records import (
    ContinuationScore,
    LoglikelihoodRequest,
    Protocol,
    Response,
    Sample,
    SampleScore,
    SourceKind,
)
from evaluation.sources import RawRows, read_rows
from tests.evidence import evidence
from tests.test_samples_text import IFEVAL

MIRROR = Path(__file__).resolve().parents[3] / "shared/data/hub"
Row = dict[str, Any]

# The index of the right choice, straight from the row.
CHOICES: dict[str, Callable[[Row], int]] = {
    "arc_challenge": lambda row: row["choices"]["label"].index(row["answerKey"]),
    "hellaswag": lambda row: int(row["label"]),
    "winogrande": lambda row: int(row["answer"]) - 1,
    "mmlu": lambda row: row["answer"],
}
# The gold answer as text in the form that the protocol asks for.
TEXTS: dict[tuple[str, Protocol], Callable[[Row], str]] = {
    ("gsm8k", "chat"): lambda row: (
        f"First 2, then 3.\nThe answer is {row['answer'].rpartition('#### ')[2]}."
    ),
    ("gsm8k", "harness"): lambda row: f" {row['answer']}",
    ("math", "chat"): lambda row: f"So it is\n$$\\boxed{{{row['answer']}}}.$$",
    ("math", "harness"): lambda row: (
        f" {row['solution']}\nFinal Answer: The final answer is ${row['answer']}$. "
        "I hope it is correct.\n\n"
    ),
}
SOURCES: tuple[SourceKind, ...] = ("bundled", "mirror")


def load(name: str, source: SourceKind) -> RawRows:
    """All rows of a dataset; skips where the mirror is not there."""
    if source == "mirror" and not MIRROR.is_dir():
        pytest.skip("needs ../shared/data/hub")
    return read_rows(benchmark(name), source, revision=None, mirror=str(MIRROR))


def choose(name: str, sample: Sample, shots: Sequence[Sample], right: int) -> Response:
    """A response of log-probabilities whose best continuation is the right one."""
    settings = PromptSettings(protocol="harness", few_shot=len(shots))
    [request] = benchmark(name).requests(sample, shots, settings)
    assert isinstance(request, LoglikelihoodRequest)
    return Response(
        key="k",
        sample_id=sample.id,
        turn=0,
        session="s",
        prompt="",
        continuations=[
            ContinuationScore(text=c.text, logprob=-0.5 if n == right else -5000.0, tokens=1)
            for n, c in enumerate(request.continuations)
        ],
        finish_reason="scored",
    )


def assert_perfect(name: str, scored: Sequence[tuple[Sample, SampleScore]]) -> None:
    """Full marks for each sample and in each metric of the cell."""
    for sample, verdict in scored:
        assert not verdict.unscorable, (sample.id, verdict.reason)
        assert verdict.scores, sample.id
        assert set(verdict.scores.values()) == {1.0}, (sample.id, verdict)
    scores = benchmark(name).aggregate(scored)
    assert {score.value for score in scores} == {1.0}
    assert [score.n for score in scores if score.primary] == [len(scored)]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", CHOICES)
def test_the_right_choice_scores_full_marks(name: str, source: SourceKind) -> None:
    task, raw = benchmark(name), load(name, source)
    pool = normalise(task, raw.few_shot)
    scored = []
    for row, sample in zip(raw.rows, normalise(task, raw.rows), strict=True):
        assert not sample.unscorable
        shots = task.pick_few_shot(sample, pool, 1)
        assert len(shots) == 1
        response = choose(name, sample, shots, CHOICES[name](row))
        scored.append((sample, task.score(sample, evidence([response], [""], "harness"))))
    assert_perfect(name, scored)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("name", "protocol"), TEXTS)
def test_the_gold_answer_scores_full_marks(
    name: str, protocol: Protocol, source: SourceKind
) -> None:
    task, raw = benchmark(name), load(name, source)
    scored = []
    for row, sample in zip(raw.rows, normalise(task, raw.rows), strict=True):
        assert not sample.unscorable
        answer = TEXTS[name, protocol](row)
        scored.append((sample, task.score(sample, evidence([], [answer], protocol))))
    assert_perfect(name, scored)


def test_compliant_answers_score_full_marks() -> None:
    task, raw = benchmark("ifeval"), load("ifeval", "bundled")
    samples = normalise(task, raw.rows)
    scored = [
        (sample, task.score(sample, evidence([], [IFEVAL[row["key"]][0]])))
        for row, sample in zip(raw.rows, samples, strict=True)
    ]
    assert_perfect("ifeval", scored)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", ["ifeval"])
def test_every_row_can_be_scored(name: str, source: SourceKind) -> None:
    samples = normalise(benchmark(name), load(name, source).rows)
    assert [sample.unscorable for sample in samples if sample.unscorable] == []
