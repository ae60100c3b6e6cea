"""Stamps: renewed when a cell below a finished aggregate is gone, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.stamps import refresh_sandbox_stamp, refresh_stamp, sandbox_stamp, stamp_path

CELLS = ["results/quick/m/gsm8k.json", "results/quick/m/mmlu.json"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workflow folder with an aggregate and its cells."""
    monkeypatch.chdir(tmp_path)
    for name in [*CELLS, "results/quick/all.json"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    return tmp_path


def text() -> str:
    return Path(stamp_path("quick")).read_text()


def test_first_run_makes_a_stamp_per_tier() -> None:
    assert stamp_path("quick") != stamp_path("full")
    assert refresh_stamp("quick", CELLS)
    assert Path(stamp_path("quick")).exists()
    assert not Path(stamp_path("full")).exists()


def test_stamp_stays_while_nothing_is_missing() -> None:
    refresh_stamp("quick", CELLS)
    before, time = text(), Path(stamp_path("quick")).stat().st_mtime_ns
    assert not refresh_stamp("quick", CELLS)
    assert (text(), Path(stamp_path("quick")).stat().st_mtime_ns) == (before, time)


def test_missing_cell_renews_the_stamp_and_is_named() -> None:
    refresh_stamp("quick", CELLS)
    before = text()
    Path(CELLS[1]).unlink()
    assert refresh_stamp("quick", iter(CELLS))
    assert text() != before
    assert CELLS[1] in text() and CELLS[0] not in text()


def test_same_cell_missing_again_is_new_again() -> None:
    Path(CELLS[1]).unlink()
    refresh_stamp("quick", CELLS)
    before = text()
    assert refresh_stamp("quick", CELLS)
    assert text() != before


def test_missing_cells_below_no_aggregate_renew_nothing() -> None:
    refresh_stamp("quick", CELLS)
    Path("results/quick/all.json").unlink()
    Path(CELLS[0]).unlink()
    assert not refresh_stamp("quick", CELLS)


@pytest.mark.parametrize("whole", ["comparisons", "gate", "cost"])
def test_whatever_is_made_of_all_cells_misses_one(whole: str) -> None:
    refresh_stamp("quick", CELLS)
    Path("results/quick/all.json").rename(f"results/quick/{whole}.json")
    Path(CELLS[0]).unlink()
    assert refresh_stamp("quick", CELLS)


@pytest.mark.parametrize("works", [False, True])
def test_stamp_of_the_sandbox_is_written_only_when_it_changes(works: bool) -> None:
    stamp = Path(sandbox_stamp())
    refresh_sandbox_stamp(works=works)
    before = stamp.read_text(), stamp.stat().st_mtime_ns
    refresh_sandbox_stamp(works=works)
    assert (stamp.read_text(), stamp.stat().st_mtime_ns) == before
    refresh_sandbox_stamp(works=not works)
    assert stamp.read_text() != before[0]
    refresh_sandbox_stamp(works=works)
    assert stamp.read_text() == before[0], "it is back as it was: nothing to score again"
