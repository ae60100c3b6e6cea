"""Rows that cannot be used: whatever a row holds, it costs itself and nothing else."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import PromptSettings, Row
from evaluation.benchmarks.gsm8k import Gsm8k
from evaluation.config import DATASETS, EngineSettings
from evaluation.prepare import normalise
from evaluation.records import Sample
from evaluation.requests import exchanges, first_requests, identity
from evaluation.sources import read_rows

Raw = dict[str, object]
# Text may hold half a character, as JSON can spell it.
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


@cache
def bundled(dataset: str) -> tuple[list[Raw], list[Sample]]:
    """The bundled rows, and the samples that worked examples are picked from."""
    task = benchmark(dataset)
    raw = read_rows(task, "bundled", revision=None, mirror=None)
    return list(raw.rows), normalise(task, raw.few_shot)


def columns(dataset: str) -> list[str]:
    """The columns that a row must have."""
    fields = benchmark(dataset).row_type.model_fields
    return [name for name, field in fields.items() if field.is_required()]


def requests_of(dataset: str, sample: Sample) -> int:
    """How many requests all protocols make of a sample."""
    pool = bundled(dataset)[1]
    return sum(
        len(first_requests(dataset, [sample], pool, PromptSettings(protocol=protocol)))
        for protocol in benchmark(dataset).card.protocols
    )


@pytest.mark.parametrize("dataset", DATASETS)
def test_each_missing_column_is_named(dataset: str) -> None:
    task = benchmark(dataset)
    assert columns(dataset)
    for name in columns(dataset):
        raw = {key: value for key, value in bundled(dataset)[0][0].items() if key != name}
        sample = task.sample(raw, 12)
        assert sample.unscorable == f"row 12: wrong columns: {name}: Field required"
        assert (sample.id, sample.row) == ("row 12", raw)
        assert requests_of(dataset, sample) == 0


@pytest.mark.parametrize("dataset", DATASETS)
def test_further_columns_are_ignored_and_not_kept(dataset: str) -> None:
    task = benchmark(dataset)
    for index, raw in enumerate(bundled(dataset)[0]):
        sample = task.sample(raw, index)
        assert not sample.unscorable and requests_of(dataset, sample) >= 1
        further: Raw = {**raw, "url": "x", "difficulty": 3.5, "meta": {"a": [None]}}
        assert task.sample(further, index) == sample


@pytest.mark.parametrize("dataset", DATASETS)
@given(data=st.data())
def test_a_row_of_any_form_is_a_sample_that_can_be_written_and_asked_or_named(
    dataset: str, data: st.DataObject
) -> None:
    """A good row with some columns exchanged for anything or left out."""
    raw = dict(data.draw(st.sampled_from(bundled(dataset)[0])))
    for name in data.draw(st.lists(st.sampled_from(sorted(raw)), min_size=1, max_size=2)):
        raw[name] = data.draw(damaged(raw[name]))
    sample = benchmark(dataset).sample(raw, 3)
    # What is read back is the same but for NaN, which JSON has not.
    again = Sample.model_validate_json(sample.model_dump_json())
    assert again.model_copy(update={"row": {}}) == sample.model_copy(update={"row": {}})
    if again.unscorable:
        assert again.unscorable.startswith("row 3: ") and again.id == "row 3"
        assert requests_of(dataset, again) == 0
    else:
        assert requests_of(dataset, again) >= 1


def damaged(value: object) -> st.SearchStrategy[object]:
    """Anything at all, or a value like this one with something inside of it exchanged."""
    if isinstance(value, dict) and value:
        return st.one_of(JSON, st.sampled_from(sorted(value)).flatmap(lambda k: _put(value, k)))
    if isinstance(value, list) and value:
        return st.one_of(
            JSON,
            st.integers(0, len(value) - 1).flatmap(lambda i: _put(value, i)),
            st.just(value[:-1]),
            st.just([*value, *value]),
        )
    if isinstance(value, str) and value:
        return st.one_of(JSON, st.just(""), st.just(" \n"), st.just(value + "\ud800"))
    return JSON


def _put(value: Any, place: Any) -> st.SearchStrategy[object]:
    def put(inner: object) -> object:
        found = value.copy()
        found[place] = inner
        return found

    return damaged(value[place]).map(put)


@pytest.mark.parametrize("dataset", DATASETS)
def test_rows_with_nothing_of_the_dataset_are_named(dataset: str) -> None:
    for raw in ({}, {"unrelated": "?"}):
        sample = benchmark(dataset).sample(dict(raw), 0)
        assert sample.unscorable.startswith("row 0: wrong columns: ")
        for name in columns(dataset):
            assert f"{name}: Field required" in sample.unscorable
    empty = benchmark(dataset).sample(dict.fromkeys(columns(dataset)), 0)
    assert empty.unscorable.startswith("row 0: ")


def test_a_check_that_raises_is_the_rows_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Gsm8k, row: Row) -> str:
        raise IndexError("no such thing\nin detail")

    monkeypatch.setattr(Gsm8k, "check", broken)
    sample = benchmark("gsm8k").sample(bundled("gsm8k")[0][0], 4)
    assert sample.unscorable == "row 4: it cannot be read: IndexError: no such thing"


def test_a_name_of_a_row_that_raises_is_the_rows_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Gsm8k, row: Row, index: int) -> str:
        raise KeyError("subject")

    monkeypatch.setattr(Gsm8k, "identify", broken)
    sample = benchmark("gsm8k").sample(bundled("gsm8k")[0][0], 4)
    assert sample.unscorable.startswith("row 4: it cannot be read: KeyError")


def test_bad_rows_keep_their_numbers_when_good_rows_go_by_the_same_name() -> None:
    raw = bundled("arc_challenge")[0][0]
    names = ["row 1", "x", "y", "row 1"]
    rows = [{**raw, "id": name} for name in names]
    rows[1] = {"id": "x"}
    samples = normalise(benchmark("arc_challenge"), rows)
    assert [sample.id for sample in samples] == ["row 1", "row 1#2", "y", "row 1#3"]
    assert [bool(sample.unscorable) for sample in samples] == [False, True, False, False]


def test_an_unscorable_sample_has_no_exchanges() -> None:
    sample = benchmark("gsm8k").sample({"question": "?"}, 0)
    engine = identity("weights", "balanced", EngineSettings(), 1, thinking=False)
    found = exchanges("gsm8k", sample, [], PromptSettings(protocol="chat"), engine, {})
    assert list(found) == []
