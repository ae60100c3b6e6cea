"""BFCL: questions and accepted answers, joined from their files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation.benchmarks.bfcl_files import AST_CATEGORIES, CATEGORIES, read_rows
from evaluation.errors import EvaluationError
from tests.benchmarks.test_bfcl import make_row


def write_files(directory: Path, version: str = "v4") -> None:
    (directory / "possible_answer").mkdir(parents=True)
    for category in CATEGORIES:
        v3 = version == "v3" and category == "simple_python"
        name = f"BFCL_{version}_{'simple' if v3 else category}.json"
        row = make_row(category)
        question = {k: row[k] for k in ("id", "question", "function")}
        (directory / name).write_text(json.dumps(question) + "\n\n", encoding="utf-8")
        if category in AST_CATEGORIES:
            answer = {"id": row["id"], "ground_truth": row["ground_truth"]}
            (directory / "possible_answer" / name).write_text(json.dumps(answer))


@pytest.mark.parametrize("version", ["v3", "v4"])
def test_files_are_joined(tmp_path: Path, version: str) -> None:
    write_files(tmp_path / "data", version)
    assert read_rows(tmp_path / "data") == [make_row(category) for category in CATEGORIES]


def test_separators_inside_strings_do_not_split_lines(tmp_path: Path) -> None:
    write_files(tmp_path / "data")
    row = make_row("irrelevance")
    question = {"id": "i", "question": "a\u2028b", "function": row["function"]}
    file = tmp_path / "data" / "BFCL_v4_irrelevance.json"
    file.write_text(json.dumps(question, ensure_ascii=False), encoding="utf-8")
    assert "a\u2028b" in [r["question"] for r in read_rows(tmp_path / "data")]


def test_missing_and_broken_files_are_named(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    write_files(directory)
    answers = directory / "possible_answer" / "BFCL_v4_live_simple.json"
    questions = directory / "BFCL_v4_live_irrelevance.json"

    for broken, message in (
        ('{"id": "live_simple_0"', "line 1"),
        ("\n[1]\n", "line 2"),
        ('{"ground_truth": []}', "has no id"),
        ('{"id": "other", "ground_truth": []}', "live_simple_0"),
    ):
        answers.write_text(broken)
        with pytest.raises(EvaluationError) as caught:
            read_rows(directory)
        assert message in str(caught.value) and answers.name in str(caught.value)

    answers.unlink()
    with pytest.raises(EvaluationError, match="cannot be read") as caught:
        read_rows(directory)
    assert str(answers) in str(caught.value)

    questions.unlink()
    write_files(tmp_path / "again")
    (tmp_path / "again" / questions.name).unlink()
    with pytest.raises(EvaluationError, match="'live_irrelevance' is missing"):
        read_rows(tmp_path / "again")


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    write_files(tmp_path / "data")
    (tmp_path / "data" / "BFCL_v4_multiple.json").write_bytes(b'{"id": "\xff\xfe"}')
    with pytest.raises(EvaluationError, match="not valid JSON") as caught:
        read_rows(tmp_path / "data")
    assert "BFCL_v4_multiple.json, line 1" in str(caught.value)
