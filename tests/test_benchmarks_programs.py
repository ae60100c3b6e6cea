"""The programs in benchmarks/: what they compute from times, not the times."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import against_lm_eval, gpu, measured, our_command, quick_requests, synthetic
from benchmarks.cases import CASES, Case
from benchmarks.comparison import Result, Run, compare
from benchmarks.document import replace_section, table
from benchmarks.exchange import Answer, Job, Outcome, Rows
from benchmarks.measured import Measured, measure
from benchmarks.random_model import build
from benchmarks.roofline import Ceilings, Shape, decode_seconds, distinct_tokens, shape_of
from crosscheck.cells import Cell
from evaluation.config import Config
from evaluation.errors import EvaluationError
from evaluation.records import GenerateRequest, LoglikelihoodRequest
from tests import tiny_models

MIRROR = Path(__file__).resolve().parents[2] / "shared" / "data" / "hub"
CASE = Case("case", "a case", (Cell("arc_challenge", 0, "arc_challenge"),), 4.0, (1, 8))
SHAPE = Shape(body=1000, head=100, layers=2, heads=4, kv_heads=2, head_dim=8, value=2)
CEILINGS = Ceilings(device="cpu", dtype="bfloat16", bandwidth=1e3, matrix=1e4)


def likelihood(*values: float, prompt: str = "a b") -> Answer:
    return Answer(dataset="arc_challenge", place=7, prompts=[prompt], values=values)


def run(
    requests: float, *answers: Answer, command: float = 50, memory: int = 100, batch_size: int = 0
) -> Run:
    outcome = Outcome(load_seconds=1, requests_seconds=requests, answers=list(answers))
    measured = Measured(seconds=command, peak_memory=memory)
    return Run(measured=measured, outcome=outcome, batch_size=batch_size)


def compared(case: Case = CASE) -> Result:
    answer = likelihood(-1, -2)
    ours = [run(2, answer, command=5), run(4, answer, command=9), run(2, answer, command=6)]
    return compare(case, ours, [run(12, answer, batch_size=1), run(10, answer, batch_size=8)])


def test_the_ratio_is_of_medians_against_the_fastest_batch_size() -> None:
    result = compared()
    assert (result.batch_size, result.tried) == (8, {1: 12, 8: 10})
    assert result.ratio == pytest.approx(5)
    assert result.kept


def test_a_whole_command_is_compared_by_its_wall_time() -> None:
    whole = Case("case", "a case", CASE.cells, 4.0, (1, 8), whole=True)
    assert compared(whole).ratio == pytest.approx(50 / 6)


def test_a_missed_ratio_and_too_much_memory_each_break_the_promise() -> None:
    answer = likelihood(-1, -2)
    slow = compare(CASE, [run(3, answer)], [run(10, answer)])
    fat = compare(CASE, [run(1, answer, memory=131)], [run(10, answer)])
    fair = compare(CASE, [run(1, answer, memory=130)], [run(10, answer)])
    assert (slow.kept, fat.kept, fair.kept) == (False, False, True)


def test_sides_that_were_asked_different_things_are_not_compared() -> None:
    with pytest.raises(EvaluationError, match="asked different things"):
        compare(CASE, [run(1, likelihood(-1))], [run(2, likelihood(-1, prompt="a c"))])
    with pytest.raises(EvaluationError, match="other rows"):
        compare(CASE, [run(1, likelihood(-1))], [run(2)])


def test_other_choices_and_gaps_between_log_probabilities_are_counted() -> None:
    same = compare(CASE, [run(1, likelihood(-1, -2))], [run(2, likelihood(-1.25, -2))])
    other = compare(CASE, [run(1, likelihood(-1, -2))], [run(2, likelihood(-2.5, -2))])
    assert (same.answers_differ, same.largest_gap) == (0, 0.25)
    assert (other.answers_differ, other.largest_gap) == (1, 1.5)


def test_other_texts_are_counted() -> None:
    def text(words: str) -> Answer:
        return Answer(dataset="gsm8k", place=1, prompts=["q"], text=words, tokens=3)

    result = compare(CASE, [run(1, text("4"))], [run(2, text("5"))])
    assert (result.answers_differ, result.ours.tokens) == (1, 3)


def test_the_table_says_what_was_compared_and_how_it_came_out() -> None:
    text = against_lm_eval.render([compared()], rows=20, threads=2, load=0.5)
    assert "load average before the run 0.5" in text
    (line,) = [line for line in text.splitlines() if line.startswith("| a case")]
    columns = [column.strip() for column in line.strip("|").split("|")]
    assert columns[:6] == [
        "a case",
        "requests",
        "10.0 (1 run, batch 8)",
        "2.0 (2.0-4.0)",
        "**5.0**",
        "4",
    ]


def test_a_table_has_as_many_columns_in_every_line() -> None:
    lines = table(["a", "b", "c"], [["1", "2", "3"]]).splitlines()
    assert {line.count("|") for line in lines} == {4}


def test_a_section_is_replaced_and_the_words_around_it_stay(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- begin x -->\nold\n<!-- end x -->\nafter\n")
    replace_section(page, "x", "new")
    replace_section(page, "x", "newer")
    assert page.read_text() == "before\n<!-- begin x -->\n\nnewer\n\n<!-- end x -->\nafter\n"
    with pytest.raises(EvaluationError, match="no section 'y'"):
        replace_section(page, "y", "new")


def test_the_page_has_a_place_for_every_table() -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "performance.md").read_text()
    for name in ("against-lm-eval", "sweep-cpu", "gpu-cuda"):
        assert page.count(f"<!-- begin {name} -->") == page.count(f"<!-- end {name} -->") == 1


def test_memory_of_children_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The child ends once it was looked at, however long that takes.
    inner = (
        "import pathlib, time; data = bytearray(150_000_000)\n"
        "while not pathlib.Path('seen').exists(): time.sleep(0.01)"
    )
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    watch = measured._watch

    def watch_and_tell(pid: int, done: Event, peaks: list[int]) -> None:
        class Told(Event):
            def wait(self, timeout: float | None = None) -> bool:
                if peaks[0] > 150_000_000:
                    (tmp_path / "seen").touch()
                return done.wait(timeout)

        watch(pid, Told(), peaks)

    monkeypatch.setattr(measured, "_watch", watch_and_tell)
    found = measure([sys.executable, "-c", outer], tmp_path, {}, tmp_path / "log")
    assert 150_000_000 < found.peak_memory < 400_000_000
    assert found.seconds > measured.EVERY


def test_a_command_that_fails_names_its_log(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="code 3") as caught:
        measure([sys.executable, "-c", "raise SystemExit(3)"], tmp_path, {}, tmp_path / "log")
    assert str(tmp_path / "log") in str(caught.value)


def test_a_step_is_bound_by_memory_with_one_row_and_by_products_with_many() -> None:
    one, many = SHAPE.step([1]), SHAPE.step([1] * 1000)
    assert (one.bound(CEILINGS), many.bound(CEILINGS)) == ("memory", "matrix")
    # 1,100 weights of 2 bytes, and 128 bytes of keys and values.
    assert one.seconds(CEILINGS) == pytest.approx((2200 + 128) / 1e3)
    assert many.flops == pytest.approx(1000 * (2 * 1100 + 4 * 2 * 4 * 8))


def test_rows_leave_the_bound_of_decoding_when_they_end() -> None:
    long = decode_seconds(SHAPE, [(10, 5)], CEILINGS)
    both = decode_seconds(SHAPE, [(10, 5), (10, 2)], CEILINGS)
    steps = [SHAPE.step([10 + step]).seconds(CEILINGS) for step in range(1, 5)]
    assert long == pytest.approx(sum(steps))
    # The second row costs its share of one step: its first token came with the prompt.
    assert both - long == pytest.approx(SHAPE.cache * 11 / 1e3)
    assert decode_seconds(SHAPE, [(10, 1)], CEILINGS) == 0


@given(st.lists(st.lists(st.integers(0, 2), max_size=6), max_size=8))
def test_distinct_tokens_are_the_nodes_of_the_tree_of_prefixes(texts: list[list[int]]) -> None:
    nodes = {tuple(text[:end]) for text in texts for end in range(1, len(text) + 1)}
    assert distinct_tokens(texts) == len(nodes)


def test_synthetic_prompts_share_no_prefix_and_have_about_the_wanted_length() -> None:
    class Words:
        words = [f" {chr(97 + a)}{chr(97 + b)}" for a in range(26) for b in range(26)]

        def __len__(self) -> int:
            return len(self.words)

        def decode(self, ids: list[int]) -> str:
            return self.words[ids[0]]

    found = synthetic.prompts(Words(), rows=5, length=40)
    assert [len(text.split()) for text in found] == [40] * 5
    assert len({text.split()[0] for text in found}) > 1
    assert found != synthetic.prompts(Words(), rows=5, length=40, seed=1)


@pytest.mark.parametrize("case", [case for case in CASES if case.whole])
def test_the_configuration_of_a_whole_command_asks_what_lm_eval_asks(case: Case) -> None:
    rows = [
        Rows(dataset=one.dataset, few_shot=one.few_shot, task=one.task, places=[0, 1])
        for one in case.cells
    ]
    job = Job(rows=rows, mirror="/mirror", model="/model", threads=2, batch_size=0)
    config = Config.model_validate(our_command.config(job))
    asked = {name: config.asked(name, "quick") for name in config.run.datasets}
    assert asked["gsm8k"] == ("harness", 5)
    assert asked["math"] == ("harness", 4)
    assert asked["ifeval"] == ("chat", 0)
    assert config.datasets["ifeval"].max_new_tokens == 1280
    assert config.tiers.quick == 2


@pytest.mark.skipif(not MIRROR.is_dir(), reason=f"there is no mirror at {MIRROR}")
def test_both_sides_get_the_rows_a_tier_starts_with() -> None:
    cell = Cell("winogrande", 0, "winogrande")
    few, more = (against_lm_eval.places(cell, MIRROR, rows) for rows in (5, 20))
    assert set(few) < set(more)
    assert more == sorted(set(more))


def test_the_quick_pool_holds_all_twelve_datasets() -> None:
    pool = quick_requests.quick_requests(None, rows=2, new_tokens=4)
    assert len({one.group for one in pool}) == 12
    limits = {one.request.max_new_tokens for one in pool if one.request.kind == "generate"}
    assert limits == {4}
    assert any(isinstance(one.request, LoglikelihoodRequest) for one in pool)


def test_a_model_with_random_weights_answers_through_the_engine(tmp_path: Path) -> None:
    folder = tiny_models.build("qwen3", tmp_path / "tiny")
    loaded = build("tiny", "cpu", "float32", folder)
    pool = synthetic.pool(["the user", "a question and the rest"], 3)
    assert all(isinstance(one.request, GenerateRequest) for one in pool)
    row = gpu.run_preset("tiny", "balanced", loaded, shape_of(loaded.model), CEILINGS, pool)
    assert (row.texts, row.tokens, row.likelihoods) == (2, 6, 0)
    text = gpu.render([row], CEILINGS, load=0.1, asked="Two texts.")
    assert "| tiny, balanced | 2 |" in text
