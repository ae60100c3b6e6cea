"""Preparing a dataset: what is written, and how bad rows and sources are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation import prepare
from evaluation.benchmarks import benchmark
from evaluation.config import DATASETS
from evaluation.errors import EvaluationError
from evaluation.files import read_lines, read_record
from evaluation.prepare import PrepareSettings, fingerprint, normalise, prepare_dataset
from evaluation.records import DatasetManifest, Sample
from evaluation.sampling import stratified_order
from evaluation.sources import RawRows, read_rows

Rows = list[dict[str, Any]]


def settings(dataset: str, **changes: Any) -> PrepareSettings:
    given_settings: dict[str, Any] = {
        "dataset": dataset,
        "source": "bundled",
        "revision": None,
        "mirror": None,
        "few_shot": 0,
        "seed": 1234,
        "normaliser": "n",
    }
    return PrepareSettings(**(given_settings | changes))


def run(folder: Path, dataset: str, **changes: Any) -> tuple[DatasetManifest, list[Sample]]:
    """Prepare and read back what was written."""
    samples, manifest = folder / "samples.jsonl", folder / "manifest.json"
    returned = prepare_dataset(settings(dataset, **changes), samples, manifest)
    assert read_record(manifest, DatasetManifest) == returned
    return returned, read_lines(samples, Sample)


def failing(folder: Path, dataset: str, **changes: Any) -> EvaluationError:
    """The error of a preparation that writes nothing."""
    with pytest.raises(EvaluationError) as caught:
        run(folder, dataset, **changes)
    assert list(folder.iterdir()) == []
    return caught.value


def math_row(number: int, **changes: Any) -> dict[str, Any]:
    row = {"question": f"What is {number} plus 1?", "answer": f"It is.\n#### {number + 1}"}
    return row | changes


def subject_row(subject: str, number: int = 0) -> dict[str, Any]:
    return {
        "question": f"{subject} {number}?",
        "subject": subject,
        "choices": ["a", "b", "c", "d"],
        "answer": 0,
    }


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets preparations read these rows instead of any source."""

    def put(rows: Rows, few_shot: Rows | None = None) -> None:
        raw = RawRows(
            location="/mirror/x", revision="r", licence="l", rows=rows, few_shot=few_shot or []
        )
        monkeypatch.setattr(prepare, "read_rows", lambda *_, **__: raw)

    return put


# ---- what is written -----------------------------------------------------------------------


@pytest.mark.parametrize("dataset", DATASETS)
def test_bundled_rows_are_prepared(tmp_path: Path, dataset: str) -> None:
    manifest, samples = run(tmp_path, dataset)
    assert (manifest.dataset, manifest.source, manifest.seed) == (dataset, "bundled", 1234)
    assert manifest.location == f"resources/samples/{dataset}"
    assert manifest.rows == len(samples) >= 24
    assert manifest.unscorable == 0 and not any(sample.unscorable for sample in samples)
    assert len({sample.id for sample in samples}) == len(samples)
    assert manifest.fingerprint == fingerprint([*samples, *manifest.few_shot])
    assert samples == stratified_order(samples_in_order(dataset), dataset, 1234)


def samples_in_order(dataset: str) -> list[Sample]:
    raw = read_rows(benchmark(dataset), "bundled", revision=None, mirror=None)
    return normalise(benchmark(dataset), raw.rows)


def test_the_same_settings_write_the_same_files(tmp_path: Path) -> None:
    run(tmp_path, "mmlu")
    first = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    run(tmp_path, "mmlu")
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == first


def test_another_seed_is_another_order_of_the_same_samples(tmp_path: Path) -> None:
    one, first = run(tmp_path, "gsm8k")
    two, second = run(tmp_path, "gsm8k", seed=5)
    assert first != second
    assert sorted(s.id for s in first) == sorted(s.id for s in second)
    assert one.fingerprint != two.fingerprint


def test_manifest_has_the_source_and_the_pool(tmp_path: Path, source: Callable[..., None]) -> None:
    source([math_row(1), math_row(2)], [math_row(7)])
    manifest, samples = run(tmp_path, "gsm8k", source="mirror", mirror="/mirror", few_shot=1)
    assert (manifest.source, manifest.location, manifest.revision, manifest.licence) == (
        "mirror",
        "/mirror/x",
        "r",
        "l",
    )
    assert len(samples) == 2
    assert [sample.row["question"] for sample in manifest.few_shot] == ["What is 7 plus 1?"]


def test_changed_row_or_example_changes_the_fingerprint(
    tmp_path: Path, source: Callable[..., None]
) -> None:
    def found(rows: Rows, pool: Rows) -> str:
        source(rows, pool)
        return run(tmp_path, "gsm8k")[0].fingerprint

    one = found([math_row(1)], [math_row(7)])
    assert one == found([math_row(1)], [math_row(7)])
    assert len({one, found([math_row(2)], [math_row(7)]), found([math_row(1)], [math_row(8)])}) == 3


def test_further_columns_are_ignored(tmp_path: Path, source: Callable[..., None]) -> None:
    source([math_row(1, url="x", level=3)])
    assert run(tmp_path, "gsm8k")[1][0].row == math_row(1)


# ---- repeated ids --------------------------------------------------------------------------


def arc_row(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "question": "?",
        "choices": {"text": ["a", "b"], "label": ["A", "B"]},
        "answerKey": "A",
    }


def arc_ids(names: list[str]) -> list[str]:
    return [s.id for s in normalise(benchmark("arc_challenge"), map(arc_row, names))]


def test_repeated_ids_are_made_unique_by_their_occurrence() -> None:
    assert arc_ids(["a", "b", "a", "a", "b"]) == ["a", "b", "a#2", "a#3", "b#2"]


@given(st.lists(st.sampled_from(["a", "a#2", "a#3", "a#2#2", "b"]), max_size=8))
def test_ids_are_unique_whatever_the_source_calls_its_rows(names: list[str]) -> None:
    found = arc_ids(names)
    assert len(set(found)) == len(names)
    assert all(
        new == old or new.startswith(f"{old}#") for new, old in zip(found, names, strict=True)
    )


# ---- what is refused -----------------------------------------------------------------------


GOOD = [math_row(number) for number in range(19)]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"question": "?"}, "wrong columns: answer: Field required"),
        ({}, "wrong columns: question: Field required; answer: Field required"),
        (math_row(1, question=None), "wrong columns: question: Input should be a valid string"),
        (math_row(1, answer=5), "wrong columns: answer: Input should be a valid string"),
        (math_row(1, question=" \n"), "the question is empty"),
        (math_row(1, answer="two"), "the answer has no line '#### number'"),
        # JSON can spell half a character; no file can hold it.
        (math_row(1, question="half \ud83d of one"), "it cannot be read: "),
        ({"question": "\ud83d", "answer": None}, "wrong columns: answer: "),
    ],
)
def test_a_bad_row_is_kept_named_and_counted(
    tmp_path: Path, source: Callable[..., None], row: dict[str, Any], problem: str
) -> None:
    source([*GOOD[:7], row, *GOOD[7:]])
    manifest, samples = run(tmp_path, "gsm8k", source="hub")
    assert (manifest.rows, manifest.unscorable) == (20, 1)
    (bad,) = [sample for sample in samples if sample.unscorable]
    assert bad.unscorable.startswith(f"row 7: {problem}")
    assert (bad.id, bad.category) == ("row 7", "")
    assert set(bad.row) == set(row), "the row is kept, to be looked at"
    assert len({sample.id for sample in samples}) == 20


def test_more_than_one_bad_row_in_twenty_is_refused_with_the_first(
    tmp_path: Path, source: Callable[..., None]
) -> None:
    source([*GOOD[:18], {"question": "?"}, math_row(3, answer="two")])
    error = failing(tmp_path, "gsm8k", source="hub")
    assert error.what.startswith("2 of 20 samples cannot be scored, more than 5%; the first: row 1")
    assert "answer: Field required" in error.what or "no line '#### number'" in error.what
    assert error.where == "dataset gsm8k, source hub: /mirror/x"
    assert "columns and values of openai/gsm8k" in error.remedy
    assert "source and revision of the dataset in the configuration" in error.remedy


@pytest.mark.parametrize(
    ("bad", "rows", "refused"),
    [(0, 7, False), (1, 19, True), (1, 20, False), (5, 100, False), (6, 100, True), (3, 3, True)],
)
def test_five_percent_of_bad_rows_is_the_most(
    tmp_path: Path, source: Callable[..., None], bad: int, rows: int, refused: bool
) -> None:
    source([{"unrelated": i} if i < bad else math_row(i) for i in range(rows)])
    if refused:
        assert failing(tmp_path, "gsm8k").what.startswith(f"{bad} of {rows} samples cannot")
    else:
        manifest, _ = run(tmp_path, "gsm8k")
        assert (manifest.rows, manifest.unscorable) == (rows, bad)


def test_a_corrected_row_changes_the_fingerprint(
    tmp_path: Path, source: Callable[..., None]
) -> None:
    source([*GOOD, {"question": "What is 19 plus 1?"}])
    before, _ = run(tmp_path, "gsm8k")
    source([*GOOD, math_row(19)])
    after, samples = run(tmp_path, "gsm8k")
    assert before.fingerprint != after.fingerprint
    assert after.unscorable == 0 and not any(sample.unscorable for sample in samples)


def test_a_bad_example_leaves_the_pool(tmp_path: Path, source: Callable[..., None]) -> None:
    source(GOOD, [{"question": "?"}, math_row(1), math_row(2, answer="two"), math_row(3)])
    manifest, _ = run(tmp_path, "gsm8k", few_shot=2)
    questions = [shot.row["question"] for shot in manifest.few_shot]
    assert questions == ["What is 1 plus 1?", "What is 3 plus 1?"]
    assert manifest.unscorable == 0, "no sample is lost with an example"


def test_bad_examples_are_missed_when_there_are_too_few_others(
    tmp_path: Path, source: Callable[..., None]
) -> None:
    source(GOOD, [{"question": "?"}, math_row(1), math_row(3)])
    error = failing(tmp_path, "gsm8k", few_shot=3)
    assert error.what == "3 worked examples are asked for, the source has 2."
    assert error.remedy == "set datasets.gsm8k.few_shot to at most 2"


def test_a_bad_row_needs_no_examples_of_its_category(
    tmp_path: Path, source: Callable[..., None]
) -> None:
    source(
        [*(subject_row("anatomy", i) for i in range(19)), {"subject": "virology"}],
        [subject_row("anatomy", 99)],
    )
    manifest, _ = run(tmp_path, "mmlu", few_shot=1)
    assert manifest.unscorable == 1


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_dataset_names_a_row_without_columns(
    tmp_path: Path, source: Callable[..., None], dataset: str
) -> None:
    source([{"unrelated": 1}])
    error = failing(tmp_path, dataset)
    assert "1 of 1 samples cannot be scored" in error.what
    assert "row 0: wrong columns: " in error.what and "Field required" in error.what
    assert error.where == f"dataset {dataset}, source bundled: /mirror/x"
    assert benchmark(dataset).card.hub_id in error.remedy


def test_an_empty_source_is_named(tmp_path: Path, source: Callable[..., None]) -> None:
    source([])
    error = failing(tmp_path, "gsm8k", source="mirror", mirror="/mirror")
    assert error.what == "The dataset has no rows."
    assert error.where == "dataset gsm8k, source mirror: /mirror/x"
    assert error.remedy == "check the source and revision of datasets.gsm8k"


def test_too_many_examples_are_refused_with_the_number_there_is(tmp_path: Path) -> None:
    error = failing(tmp_path, "arc_challenge", few_shot=25)
    assert error.what == "25 worked examples are asked for, the source has 5."
    assert error.where.startswith("dataset arc_challenge, source bundled: ")
    assert error.remedy == "set datasets.arc_challenge.few_shot to at most 5"
    run(tmp_path, "arc_challenge", few_shot=5)


def test_a_category_without_enough_examples_is_named(
    tmp_path: Path, source: Callable[..., None]
) -> None:
    subjects = ["anatomy", "virology", "astronomy"]
    pool = [subject_row(s, i) for s in subjects for i in range(3)]
    source([subject_row(s) for s in subjects], pool[:-1])
    error = failing(tmp_path, "mmlu", few_shot=3)
    assert error.what == "3 worked examples are asked for, the source has 2 for category astronomy."
    assert error.remedy == "set datasets.mmlu.few_shot to at most 2"
    source([subject_row(s) for s in subjects], pool)
    run(tmp_path, "mmlu", few_shot=3)


def test_unknown_dataset_is_named(tmp_path: Path) -> None:
    error = failing(tmp_path, "squad")
    assert error.what == "There is no benchmark 'squad'." and "gsm8k" in error.remedy


def test_rows_may_hold_any_text(tmp_path: Path, source: Callable[..., None]) -> None:
    source([math_row(1, question="one\u2028two\x85\r\n☃ \x00?")])
    _, samples = run(tmp_path, "gsm8k")
    assert samples[0].row["question"] == "one\u2028two\x85\r\n☃ \x00?"
    assert json.loads((tmp_path / "manifest.json").read_text())["rows"] == 1
