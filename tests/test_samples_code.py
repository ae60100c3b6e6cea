"""The bundled humaneval and mbpp samples: columns, ids, and tests that tell right from wrong.

Everything executed here is our own reference code, so it runs in a plain exec.
"""

import ast
import doctest
import json
from pathlib import Path
from typing import Any

import pytest

Row = dict[str, Any]
SAMPLES = Path(__file__).resolve().parents[1] / "resources" / "samples"
HUMANEVAL_COLUMNS = ["task_id", "prompt", "canonical_solution", "test", "entry_point"]
MBPP_COLUMNS = ["task_id", "text", "code", "test_list", "test_setup_code", "challenge_test_list"]
HUMANEVAL_STOPS = ["\nclass", "\ndef", "\n#", "\nif", "\nprint"]
STUB_VALUES = ["None", "True", "False", "0", "1", "''", "[]", "{}", "args[0]"]


def load(name: str) -> list[Row]:
    """Read the rows of one bundled file."""
    text = (SAMPLES / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


HUMANEVAL = load("humaneval/samples.jsonl")
MBPP = load("mbpp/samples.jsonl")
FEW_SHOT = load("mbpp/few_shot.jsonl")


def execute(*parts: str) -> dict[str, Any]:
    """Run our own source parts one after the other in one namespace."""
    namespace: dict[str, Any] = {"__name__": "bundled"}
    for part in parts:
        exec(part, namespace)
    return namespace


def humaneval_passes(row: Row, program: str) -> bool:
    """Whether a whole program passes the row's check function."""
    namespace = execute(program, row["test"])
    try:
        namespace["check"](namespace[row["entry_point"]])
    except (AssertionError, TypeError):
        return False
    return True


def assert_passes(namespace: dict[str, Any], statement: str) -> bool:
    """Whether one mbpp assert holds in a namespace."""
    try:
        exec(statement, namespace)
    except (AssertionError, TypeError):
        return False
    return True


def mbpp_name(row: Row) -> str:
    """The function called by the row's asserts: the last one its code defines."""
    tree = ast.parse(row["code"])
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef)][-1]


def test_humaneval_columns() -> None:
    """Columns, types, ids and form of the humaneval rows."""
    assert 24 <= len(HUMANEVAL) <= 30
    for row in HUMANEVAL:
        assert list(row) == HUMANEVAL_COLUMNS
        assert all(isinstance(value, str) and value for value in row.values())
        assert row["prompt"].endswith('    """\n') and "\r" not in row["prompt"]
        assert len(row["prompt"].split()) < 120
        assert row["canonical_solution"].startswith("    ")
        assert not any(stop in row["canonical_solution"] for stop in HUMANEVAL_STOPS)
        assert row["test"].startswith("\n\nMETADATA = {") and "def check(candidate):" in row["test"]
    assert [row["task_id"] for row in HUMANEVAL] == [f"Bundled/{i}" for i in range(len(HUMANEVAL))]
    assert len({row["entry_point"] for row in HUMANEVAL}) == len(HUMANEVAL)


def test_mbpp_columns() -> None:
    """Columns, types, ids and form of the mbpp rows."""
    assert 24 <= len(MBPP) <= 30 and len(FEW_SHOT) == 3
    rows = MBPP + FEW_SHOT
    for row in rows:
        assert list(row) == MBPP_COLUMNS
        assert type(row["task_id"]) is int and row["task_id"] > 900000
        assert all(isinstance(row[key], str) for key in ("text", "code", "test_setup_code"))
        assert len(row["test_list"]) == 3
        for statement in row["test_list"] + row["challenge_test_list"]:
            assert statement.startswith(f"assert {mbpp_name(row)}(")
    for key in ("task_id", "text", "code"):
        assert len({row[key] for row in rows}) == len(rows)
    assert any(row["test_setup_code"] for row in MBPP)
    assert any(row["challenge_test_list"] for row in MBPP)


@pytest.mark.parametrize("row", HUMANEVAL, ids=lambda row: row["entry_point"])
def test_humaneval_row(row: Row) -> None:
    """The reference solution passes, stubs fail, docstring examples hold."""
    program = row["prompt"] + row["canonical_solution"]
    assert humaneval_passes(row, program)
    assert not humaneval_passes(row, row["prompt"] + "    pass\n")
    for value in STUB_VALUES:
        stub = f"\ndef {row['entry_point']}(*args):\n    return {value}\n"
        assert not humaneval_passes(row, row["prompt"] + "    pass\n" + stub), value

    namespace = execute(program)
    docstring = namespace[row["entry_point"]].__doc__
    example = doctest.DocTestParser().get_doctest(docstring, namespace, row["task_id"], None, None)
    result = doctest.DocTestRunner(verbose=False).run(example)
    assert result.attempted >= 2 and result.failed == 0


@pytest.mark.parametrize("row", MBPP + FEW_SHOT, ids=mbpp_name)
def test_mbpp_row(row: Row) -> None:
    """The reference code passes, an empty body fails every assert, stubs fail."""
    code, setup = row["code"], row["test_setup_code"]
    statements = row["test_list"] + row["challenge_test_list"]
    for parts in ((code, setup), (setup, code)):
        assert all(assert_passes(execute(*parts), statement) for statement in statements)
    empty = execute(setup, f"def {mbpp_name(row)}(*args): pass")
    assert not any(assert_passes(empty, statement) for statement in statements)
    for value in STUB_VALUES:
        stub = execute(setup, f"def {mbpp_name(row)}(*args): return {value}")
        assert not all(assert_passes(stub, test) for test in row["test_list"]), value
