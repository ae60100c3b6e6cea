"""The files of BFCL: questions and accepted answers lie in two JSON Lines files a category.

They are read line by line: `datasets` infers one type per column over all function docs and
thereby changes values or fails.
"""

from __future__ import annotations

import json
from pathlib import Path

from evaluation.errors import EvaluationError

AST_CATEGORIES = (
    "simple_python",
    "multiple",
    "parallel",
    "parallel_multiple",
    "live_simple",
    "live_multiple",
    "live_parallel",
    "live_parallel_multiple",
)
CATEGORIES = (*AST_CATEGORIES, "irrelevance", "live_irrelevance", "live_relevance")

# Names in the files of v4, and of v3 where it has another one.
FILE_NAMES = {c: (c, "simple") if c == "simple_python" else (c,) for c in CATEGORIES}
QUESTION_FILES = tuple(f"BFCL_v?_{n}.json" for names in FILE_NAMES.values() for n in names)
ANSWER_FILES = tuple(
    f"possible_answer/BFCL_v?_{n}.json" for c in AST_CATEGORIES for n in FILE_NAMES[c]
)
REMEDY = "download the dataset again, or check the source of datasets.bfcl in the configuration"


def read_rows(directory: Path) -> list[dict[str, object]]:
    """The questions of all single-turn Python categories, joined with their accepted answers.

    Raises EvaluationError that names the file, and the line if there is one, for files that are
    missing or broken.
    """
    rows: list[dict[str, object]] = []
    for category in CATEGORIES:
        questions = question_file(directory, category)
        answers: dict[object, object] = {}
        if category in AST_CATEGORIES:
            file = directory / "possible_answer" / questions.name
            for where, answer in read_lines(file):
                answers[identifier(answer, where)] = answer.get("ground_truth")
        for where, question in read_lines(questions):
            key = identifier(question, where)
            if category in AST_CATEGORIES and key not in answers:
                raise EvaluationError(
                    f"No accepted answer has the id '{key}' of this question.",
                    where=f"{where}, answers in {directory / 'possible_answer' / questions.name}",
                    remedy=REMEDY,
                )
            rows.append(
                {
                    "id": key,
                    "category": category,
                    "question": question.get("question"),
                    "function": question.get("function"),
                    "ground_truth": answers.get(key, []),
                }
            )
    return rows


def question_file(directory: Path, category: str) -> Path:
    """The question file of a category, of the newest version that there is."""
    found = [p for n in FILE_NAMES[category] for p in directory.glob(f"BFCL_v?_{n}.json")]
    if not found:
        raise EvaluationError(
            f"The question file of the category '{category}' is missing.",
            where=str(directory / f"BFCL_v*_{category}.json"),
            remedy=REMEDY,
        )
    return max(found)


def read_lines(file: Path) -> list[tuple[str, dict[str, object]]]:
    """The objects of a JSON Lines file, each with its place for messages."""
    try:
        # Not str.splitlines: it also splits at separators that JSON allows inside of strings.
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise EvaluationError(
            f"A file of BFCL cannot be read: {reason}.", where=str(file), remedy=REMEDY
        ) from None
    found: list[tuple[str, dict[str, object]]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{file}, line {number}"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise EvaluationError(
                f"A line of a BFCL file is not valid JSON: {error}", where=where, remedy=REMEDY
            ) from None
        if not isinstance(value, dict):
            raise EvaluationError(
                "A line of a BFCL file is not a JSON object.", where=where, remedy=REMEDY
            )
        found.append((where, value))
    return found


def identifier(record: dict[str, object], where: str) -> str:
    """The id by which questions and answers are joined."""
    key = record.get("id")
    if not isinstance(key, str) or not key:
        raise EvaluationError("A line of a BFCL file has no id.", where=where, remedy=REMEDY)
    return key
