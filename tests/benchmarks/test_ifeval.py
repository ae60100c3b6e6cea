"""IFEval: strict and loose verification, and both levels of counting."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.benchmarks import ifeval as module
from evaluation.benchmarks.base import PromptSettings
from evaluation.benchmarks.ifeval import BENCHMARK, INSTRUCTIONS, LONGEST_ANSWER
from evaluation.benchmarks.ifeval_checker import loosened
from evaluation.benchmarks.worker import Worker
from evaluation.records import GenerateRequest, Message, SampleScore
from evaluation.statistics import wilson
from tests.computing import limited_computing
from tests.evidence import evidence

REPO = Path(__file__).resolve().parents[2]

# Arguments for every instruction with a text that follows and one that does not.
CASES: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 2, "capital_relation": "at least"},
        "GOOD DAY to you",
        "GOOD day to you",
    ),
    (
        "change_case:english_capital",
        {},
        "THE RAIN FALLS ON THE ROOF OF THE OLD HOUSE.",
        "The rain falls on the roof of the old house.",
    ),
    (
        "change_case:english_lowercase",
        {},
        "the rain falls on the roof of the old house.",
        "The rain falls on the roof of the old house.",
    ),
    (
        "combination:repeat_prompt",
        {"prompt_to_repeat": "Name a bird."},
        "Name a bird. Wren",
        "Wren",
    ),
    ("combination:two_responses", {}, "a wren\n******\na robin", "a wren or a robin"),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[a] [b]", "[a]"),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "Bye.\nP.S. Hi", "Bye."),
    ("detectable_format:constrained_response", {}, "My answer is yes.", "Yes."),
    ("detectable_format:json_format", {}, '```json\n{"a": 1}\n```', "{a: 1}"),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "PART", "num_sections": 2},
        "PART 1\nx\nPART 2\ny",
        "PART 1\nx",
    ),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "* a\n* b", "* a"),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 1}, "a *b* c", "a b c"),
    ("detectable_format:title", {}, "<<Rain>>\nIt rains.", "Rain\nIt rains."),
    ("keywords:existence", {"keywords": ["rain", "roof"]}, "Rain on a roof", "Rain"),
    ("keywords:forbidden_words", {"forbidden_words": ["rain"]}, "Snow", "Rain"),
    (
        "keywords:frequency",
        {"keyword": "rain", "frequency": 2, "relation": "at least"},
        "Rain and rain",
        "Rain",
    ),
    (
        "keywords:letter_frequency",
        {"letter": "q", "let_frequency": 2, "let_relation": "less than"},
        "quick",
        "quick quiz",
    ),
    ("language:response_language", {"language": "de"}, "Der Regen fällt aufs Dach.", "It rains."),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "rain"},
        "Look!\n\nRain falls.",
        "Look!\n\nSnow falls.",
    ),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a\n***\nb", "a\n\nb"),
    (
        "length_constraints:number_sentences",
        {"num_sentences": 3, "relation": "less than"},
        "Dr. Ode came at 5 p.m. today. She left.",
        "He came. He saw. He left.",
    ),
    (
        "length_constraints:number_words",
        {"num_words": 3, "relation": "at least"},
        "one two three",
        "one two",
    ),
    ("punctuation:no_comma", {}, "a and b", "a, b"),
    ("startend:end_checker", {"end_phrase": "The end."}, "So it was. The end.", "The end. Yes."),
    ("startend:quotation", {}, '"It rains."', "It rains."),
]


def row(*names: str, **changes: object) -> dict[str, Any]:
    """A row of our own that asks for some of the cases above."""
    arguments = {name: given for name, given, _, _ in CASES}
    return {
        "key": 1,
        "prompt": "Tell me about rain.",
        "instruction_id_list": list(names),
        "kwargs": [arguments[name] for name in names],
        **changes,
    }


def judge(raw: dict[str, Any], text: str) -> SampleScore:
    """The verdict on an answer."""
    return BENCHMARK.score(BENCHMARK.sample(raw, 0), evidence([], [text]))


def levels(verdict: SampleScore) -> tuple[float, ...]:
    """Prompt and instruction level, strict, then loose."""
    return tuple(verdict.scores[metric] for metric in BENCHMARK.card.metrics)


def test_sample_and_prompt() -> None:
    sample = BENCHMARK.sample(row("punctuation:no_comma", key=1234), 0)
    assert (sample.id, sample.category) == ("ifeval/1234", "punctuation")
    [request] = BENCHMARK.requests(
        sample, [], PromptSettings(protocol="chat", max_new_tokens=1280, seed=3)
    )
    assert request == GenerateRequest(
        sample_id="ifeval/1234",
        messages=(Message(role="user", content="Tell me about rain."),),
        max_new_tokens=1280,
        seed=3,
    )


def test_category_is_the_kind_of_all_instructions() -> None:
    same = BENCHMARK.sample(row("keywords:existence", "keywords:frequency"), 0)
    mixed = BENCHMARK.sample(row("keywords:existence", "punctuation:no_comma"), 0)
    assert (same.category, mixed.category) == ("keywords", "several kinds")


def test_arguments_that_a_loader_fills_in_are_dropped() -> None:
    raw = row("punctuation:no_comma", kwargs=[{"num_words": None, "relation": None}])
    assert BENCHMARK.sample(raw, 0).row["kwargs"] == [{}]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"prompt": ""}, "the prompt is empty"),
        ({"instruction_id_list": [], "kwargs": []}, "0 instructions with 0 kwargs"),
        ({"kwargs": [{}, {}]}, "1 instructions with 2 kwargs"),
        ({"instruction_id_list": ["startend:song"]}, "no verifier for 'startend:song'"),
        ({"kwargs": [{"num_words": 3}]}, "needs no arguments; found 'num_words'"),
        (
            {"instruction_id_list": ["length_constraints:number_words"]},
            "length_constraints:number_words needs num_words, relation",
        ),
        ({"key": None}, "key"),
    ],
)
def test_unusable_rows_are_named(changes: dict[str, object], problem: str) -> None:
    sample = BENCHMARK.sample(row("punctuation:no_comma", **changes), 4)
    assert problem in sample.unscorable
    assert sample.unscorable.startswith("row 4: ")


def test_every_instruction_has_a_case() -> None:
    assert {name: set(given) for name, given, _, _ in CASES} == INSTRUCTIONS


@pytest.mark.parametrize(("name", "given_arguments", "good", "bad"), CASES)
def test_each_verifier(name: str, given_arguments: object, good: str, bad: str) -> None:
    assert levels(judge(row(name), good)) == (1.0, 1.0, 1.0, 1.0)
    assert judge(row(name), good).reason == ""
    assert levels(judge(row(name), bad))[:2] == (0.0, 0.0)
    assert levels(judge(row(name), "")) == (0.0, 0.0, 0.0, 0.0)
    assert levels(judge(row(name), " \n")) == (0.0, 0.0, 0.0, 0.0)


def test_the_table_of_instructions_is_the_packages() -> None:
    code = (
        "from if_verifiable.ifeval.instructions_registry import INSTRUCTION_DICT as d\n"
        "import json; print(json.dumps(sorted(d)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert json.loads(done.stdout) == sorted(INSTRUCTIONS)


def test_some_of_several_instructions() -> None:
    raw = row("punctuation:no_comma", "detectable_format:title", "keywords:existence")
    verdict = judge(raw, "<<Rain>>\nRain, rain on the roof\nRain, snow.")
    assert levels(verdict) == (0.0, pytest.approx(2 / 3), 0.0, pytest.approx(2 / 3))
    assert verdict.reason == "punctuation:no_comma: not followed"
    assert verdict.gold == "punctuation:no_comma, detectable_format:title, keywords:existence"


def test_loose_verification_forgives_first_and_last_lines_and_asterisks() -> None:
    raw = row("startend:quotation")
    assert levels(judge(raw, 'Sure:\n"It rains."')) == (0.0, 0.0, 1.0, 1.0)
    assert levels(judge(raw, '"It rains."\nHappy to help')) == (0.0, 0.0, 1.0, 1.0)
    assert levels(judge(raw, 'Sure:\n"It rains."\nBye')) == (0.0, 0.0, 1.0, 1.0)
    assert levels(judge(raw, '**"It rains."**')) == (0.0, 0.0, 1.0, 1.0)
    assert judge(raw, '*"It rains."*').reason == "startend:quotation: only loosely followed"
    assert levels(judge(raw, 'Sure:\nyes:\n"It rains."')) == (0.0, 0.0, 0.0, 0.0)


def test_the_eight_loose_texts() -> None:
    assert loosened("*a*\nb\n*c*") == [
        "*a*\nb\n*c*",
        "b\n*c*",
        "*a*\nb",
        "b",
        "a\nb\nc",
        "b\nc",
        "a\nb",
    ]
    assert len(loosened("*a*\n*b*\n*c*")) == 8
    assert loosened("a") == ["a", ""]


def test_a_letter_that_is_no_letter_is_counted_itself() -> None:
    arguments = {"letter": "!", "let_frequency": 2, "let_relation": "at least"}
    raw = row("keywords:letter_frequency", kwargs=[arguments])
    assert levels(judge(raw, "Rain! Rain!"))[0] == 1.0
    assert levels(judge(raw, "Rain! Rain."))[0] == 0.0


def test_language_detection_is_repeatable() -> None:
    raw = row("language:response_language", kwargs=[{"language": "en"}])
    assert len({levels(judge(raw, "la la land 12 no si va")) for _ in range(20)}) == 1


def test_a_verifier_that_raises_counts_as_not_followed() -> None:
    verdict = judge(row("detectable_format:json_format", "punctuation:no_comma"), "[" * 50_000)
    assert levels(verdict) == (0.0, 0.5, 0.0, 0.5)
    assert "json_format: the verifier raised RecursionError" in verdict.reason
    assert verdict.reason.endswith("counted as not followed")


def test_a_time_out_counts_as_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(module.VERIFIER.maker, limit=0.3)
    monkeypatch.setattr(module, "VERIFIER", worker)
    raw = row("detectable_content:number_placeholders", "punctuation:no_comma")
    verdict = judge(raw, "[" * 90_000)
    assert levels(verdict) == (0.0, 0.5, 0.0, 0.5)
    assert "number_placeholders: no verdict within 0.3 s" in verdict.reason
    worker.close()


@pytest.mark.parametrize("unit", ["[", "\n", " ", ". ", "word ", "*", "日"])
def test_overlong_answers_are_not_verified(unit: str) -> None:
    with limited_computing():
        verdict = judge(row(*(name for name, *_ in CASES)), unit * (1_000_000 // len(unit)))
    assert levels(verdict) == (0.0, 0.0, 0.0, 0.0)
    if unit.strip():
        assert f"longer than {LONGEST_ANSWER} characters" in verdict.reason


ANSWERS = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(["*", "[", "]", "<<", ">>", "\n", " ", "P.S.", '"', "rain", ", ", "- "])
    ).map("".join),
)


@settings(deadline=None, max_examples=40)
@given(text=ANSWERS)
def test_any_answer_scores_within_range(text: str) -> None:
    verdict = judge(row(*(name for name, *_ in CASES)), text)
    assert all(0.0 <= score <= 1.0 for score in verdict.scores.values())
    assert "raised" not in verdict.reason
    assert verdict.scores["inst_level_strict"] <= verdict.scores["inst_level_loose"]


def test_instructions_count_alike_and_cluster_by_prompt() -> None:
    three = row("punctuation:no_comma", "startend:quotation", "keywords:existence", key=1)
    one = row("punctuation:no_comma", key=2)
    scored = [
        (BENCHMARK.sample(raw, 0), judge(raw, text))
        for raw, text in [(three, "Rain on the roof"), (one, "a, b"), (one, "a and b")]
    ]
    failed = (BENCHMARK.sample(one, 0), SampleScore(reason="no response"))
    scores = {score.metric: score for score in BENCHMARK.aggregate([*scored, failed])}
    prompt, instruction = scores["prompt_level_strict"], scores["inst_level_strict"]
    assert list(scores) == list(BENCHMARK.card.metrics)
    assert (prompt.value, prompt.n, prompt.primary) == (pytest.approx(1 / 3), 3, True)
    assert (instruction.value, instruction.n, instruction.primary) == (
        pytest.approx(3 / 5),
        3,
        False,
    )
    assert prompt.interval == wilson(1, 3)
    assert instruction.interval is not None
    assert instruction.interval.method.startswith("bootstrap")
    assert instruction.interval.low <= 3 / 5 <= instruction.interval.high


def test_unanimous_prompts_still_have_an_interval_with_width() -> None:
    raw = row("punctuation:no_comma", "startend:quotation")
    for text, successes in [("", 0), ('"a"', 4)]:
        scored = [(BENCHMARK.sample(raw, 0), judge(raw, text))] * 4
        assert BENCHMARK.aggregate(scored)[1].interval == wilson(successes, 4)


def test_no_scored_samples_give_no_value() -> None:
    assert [(s.value, s.n) for s in BENCHMARK.aggregate([])] == [(None, 0)] * 4


def test_bundled_samples_reach_both_ends_of_the_scale() -> None:
    path = REPO / "resources/samples/ifeval/samples.jsonl"
    answers = REPO / "tests/test_samples_text.py"
    if not path.is_file() or not answers.is_file():
        pytest.skip(f"no bundled samples at {path} or no answers to them in {answers}")
    spec = importlib.util.spec_from_file_location("answers", answers)
    assert spec is not None
    assert spec.loader is not None
    written = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(written)
    for line in path.read_text(encoding="utf-8").splitlines():
        raw = json.loads(line)
        good, bad = written.IFEVAL[raw["key"]]
        assert levels(judge(raw, good)) == (1.0, 1.0, 1.0, 1.0), raw["key"]
        assert levels(judge(raw, bad))[:2] == (0.0, 0.0), raw["key"]
        assert levels(judge(raw, "")) == (0.0, 0.0, 0.0, 0.0)


def test_all_hub_rows_are_usable() -> None:
    path = REPO.parent / "shared/data/hub/google/IFEval/ifeval_input_data.jsonl"
    if not path.is_file():
        pytest.skip(f"no Hub stand-in at {path}")
    for index, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        sample = BENCHMARK.sample(json.loads(line), index)
        verdict = BENCHMARK.score(sample, evidence([], ["Sure: *rain*.\n\nIt rains on the roof."]))
        assert "raised" not in verdict.reason
