"""A tier's history: what is recorded, what survives damage, and what differs between two runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluation.errors import EvaluationError
from evaluation.history import AskedSettings, HistorySettings, read, record, run_record
from evaluation.records import Aggregate, RunRecord
from evaluation.reports.run_changes import changes
from tests.reports.builders import aggregate, result, session
from tests.synthetic_results import judge

SETTINGS = HistorySettings(
    tier="quick",
    datasets=dict.fromkeys(("gsm8k", "math"), AskedSettings(max_new_tokens=512, temperature=0.0)),
    thinking={"m_one": False, "m_two": None},
)
FIRST, SECOND = "2026-01-01T10:00:00+00:00", "2026-01-02T10:00:00+00:00"


def made(*names: tuple[str, str], **changes: Any) -> Aggregate:
    chosen = names or (("m_one", "gsm8k"), ("m_one", "math"))
    found = [result(model, dataset, **changes) for model, dataset in chosen]
    return aggregate(found, ["m_one", "m_two"], ["gsm8k", "math"])


def run(found: Aggregate | None = None, recorded: str = FIRST) -> RunRecord:
    return run_record(found or made(), SETTINGS, recorded)


def with_provenance(**fields: Any) -> Aggregate:
    return made(provenance=result().provenance.model_copy(update=fields))


# ---- the file ------------------------------------------------------------------------------


def test_a_record_has_the_score_and_what_could_move_it() -> None:
    made_by = judge(id="org/judge", revision="r1", name="judge")
    (cell, _) = run(made(judge=made_by)).cells
    assert (cell.metric, cell.value, cell.n, cell.low, cell.high) == ("acc", 0.7, 60, 0.583, 0.795)
    assert (cell.max_new_tokens, cell.temperature, cell.thinking) == (512, 0.0, False)
    assert cell.engines == ["transformers revision 3, bfloat16"]
    assert (cell.devices, cell.judge) == (["cpu"], "org/judge @ r1")
    found = run()
    assert [found.packages[name] for name in cell.running] == [{"torch": "2.9.0"}]
    assert found.packages[cell.scoring] == {"jinja2": "3.1.6"}
    assert RunRecord.model_validate_json(found.model_dump_json()) == found


def test_a_cell_without_scores_is_recorded() -> None:
    empty = result(scores=[]).model_copy(update={"scores": []})
    (cell,) = run(aggregate([empty], ["m_one"], ["gsm8k"])).cells
    assert (cell.metric, cell.value, cell.n, cell.low) == ("", None, 0, None)


def test_only_a_run_that_differs_adds_a_line(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    assert read(path).runs == []
    assert record(path, run())
    written = path.read_bytes()
    assert not record(path, run(recorded=SECOND))
    assert path.read_bytes() == written
    assert record(path, run(with_provenance(preset="throughput"), SECOND))
    assert [one.recorded for one in read(path).runs] == [FIRST, SECOND]
    # Going back to what was before is a change too.
    assert record(path, run(recorded="2026-01-03T10:00:00+00:00"))
    assert len(read(path).runs) == 3


def test_a_run_that_changes_nothing_renews_the_file(tmp_path: Path) -> None:
    """Else it would be older than the aggregate for ever, and the job would run each time."""
    path = tmp_path / "history.jsonl"
    record(path, run())
    before = path.stat().st_ino
    record(path, run())
    assert path.stat().st_ino != before
    assert [one.name for one in tmp_path.iterdir()] == ["history.jsonl"]


@pytest.mark.parametrize(
    "damaged",
    [
        '{"schema_version":1,"recorded":"2026-01-0',
        '{"schema_version":99,"recorded":"x","runs":3}',
        '{"recorded":"older","tier":"quick"}',
        "[]",
        "\x00\x00",
    ],
)
def test_lines_that_cannot_be_read_stay_and_are_counted(tmp_path: Path, damaged: str) -> None:
    path = tmp_path / "history.jsonl"
    record(path, run())
    whole = path.read_text()
    path.write_text(whole + damaged)
    assert (len(read(path).runs), read(path).unreadable) == (1, [2])
    # Nothing differs from the last line that can be read, and the next run stands on its own line.
    assert not record(path, run(recorded=SECOND))
    assert record(path, run(with_provenance(seed=5), SECOND))
    assert path.read_text().splitlines()[:2] == [whole.strip(), damaged]
    assert (len(read(path).runs), read(path).unreadable) == (2, [2])


def test_a_line_separator_within_a_name_ends_no_line(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    record(path, run(with_provenance(model_id="odd\u2028name\x85x")))
    (one,) = read(path).runs
    assert one.cells[0].model_id == "odd\u2028name\x85x"


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(EvaluationError, match=r"not text(?s:.*)history\.jsonl"):
        record(path, run())


# ---- two runs ------------------------------------------------------------------------------


def changed(before: Aggregate, after: Aggregate) -> Any:
    return changes(run(before), run(after, SECOND))


def test_equal_runs_differ_in_nothing() -> None:
    found = changed(made(), made())
    assert (found.cells, found.shared, found.new, found.gone, found.unchanged) == (
        (),
        (),
        (),
        (),
        2,
    )


def test_cells_come_and_go() -> None:
    found = changed(made(("m_one", "gsm8k")), made(("m_one", "math"), ("m_two", "gsm8k")))
    assert [(c.model, c.dataset) for c in found.new] == [("m_one", "math"), ("m_two", "gsm8k")]
    assert [(c.model, c.dataset) for c in found.gone] == [("m_one", "gsm8k")]
    assert found.unchanged == 0


def test_a_score_stands_beside_the_inputs_that_changed_with_it() -> None:
    other = result().provenance.model_copy(update={"model_revision": "new", "seed": 7})
    score = result().scores[0].model_copy(update={"value": 0.75})
    after = aggregate(
        [result(provenance=other, scores=[score]), result(dataset="math")],
        ["m_one", "m_two"],
        ["gsm8k", "math"],
    )
    (cell,) = changed(made(), after).cells
    assert cell.difference == pytest.approx(0.05)
    assert cell.score_differs
    assert [(one.name, one.after) for one in cell.inputs] == [
        ("seed", "7"),
        ("model revision", "new"),
    ]


def test_what_changed_everywhere_is_said_once() -> None:
    found = changed(made(), with_provenance(git_commit="f" * 40, git_dirty=False))
    assert [(one.name, one.after) for one in found.shared] == [("scoring code", "f" * 40)]
    assert (found.cells, found.unchanged) == ((), 2)
    # In the only cell it is that cell's.
    alone = changed(
        made(("m_one", "gsm8k")),
        made(("m_one", "gsm8k"), provenance=result().provenance.model_copy(update={"seed": 7})),
    )
    assert alone.shared == ()
    assert [one.name for one in alone.cells[0].inputs] == ["seed"]


def test_packages_are_compared_one_by_one() -> None:
    newer = session("m_one", "s2").model_copy(
        update={"packages": {"torch": "2.10.0", "triton": "3.5"}}
    )
    found = changed(made(), with_provenance(sessions=[newer], packages={}))
    assert [(one.name, one.before, one.after) for one in found.shared] == [
        ("torch of the engine", "2.9.0", "2.10.0"),
        ("triton of the engine", "none", "3.5"),
        ("jinja2 of the scorer", "3.1.6", "none"),
    ]


def test_a_score_that_moved_alone_has_no_inputs() -> None:
    score = result().scores[0].model_copy(update={"value": 0.68})
    found = changed(made(), made(scores=[score]))
    assert [(round(c.difference, 3), c.inputs) for c in found.cells] == [(-0.02, ())] * 2
    assert found.shared == ()


def test_other_metrics_and_missing_scores_have_no_difference() -> None:
    base = result().scores[0]
    for score in (
        base.model_copy(update={"metric": "rating", "value": 7.0}),
        base.model_copy(update={"value": None, "interval": None}),
    ):
        found = changed(made(), made(scores=[score]))
        assert [(cell.difference, cell.score_differs) for cell in found.cells] == [(None, True)] * 2
    more = changed(made(), made(scores=[base.model_copy(update={"n": 100})]))
    assert [(cell.difference, cell.score_differs) for cell in more.cells] == [(0.0, True)] * 2
