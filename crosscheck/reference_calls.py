"""The reference's verdicts on function calls: BFCL's own decoder and checker, entry by entry.

Runs in the reference environment inside a sandbox, because the decoder evaluates parts of the
texts: python -m crosscheck.reference_calls MIRROR FOLDER
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

from crosscheck.exchange import Exchange, Text, Verdict, read, write

MODEL = "crosscheck"


def provide_model() -> None:
    """Put a table of one model in place of the package's, which imports every vendor's client."""
    stub = types.ModuleType("bfcl_eval.constants.model_config")
    stub.MODEL_CONFIG_MAPPING = {MODEL: types.SimpleNamespace(underscore_to_dot=False)}  # type: ignore[attr-defined]
    sys.modules[stub.__name__] = stub


provide_model()
# The package makes folders for its results when it is imported.
PROJECT = tempfile.TemporaryDirectory(prefix="crosscheck-bfcl-")
os.environ["BFCL_PROJECT_ROOT"] = PROJECT.name

from bfcl_eval.constants.enums import Language, ReturnFormat  # noqa: E402
from bfcl_eval.eval_checker import eval_runner  # noqa: E402
from bfcl_eval.model_handler.utils import default_decode_ast_prompting  # noqa: E402


class Handler:
    """What the package asks a model's handler for: how its prompted answers are decoded."""

    def decode_ast(self, result: str, language: Any, has_tool_call_tag: bool) -> Any:
        """The package's decoder of prompted answers."""
        return default_decode_ast_prompting(result, language, has_tool_call_tag)


def entries(mirror: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Questions and accepted answers of the mirror's files, by id."""
    folder = mirror / "gorilla-llm" / "Berkeley-Function-Calling-Leaderboard"
    return lines(folder), lines(folder / "possible_answer")


def lines(folder: Path) -> dict[str, Any]:
    """The entries of a folder's files, by id."""
    found = {}
    for path in sorted(folder.glob("BFCL_v?_*.json")):
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line.strip():
                entry = json.loads(line)
                found[entry["id"]] = entry
    return found


def verdict(text: str, question: dict[str, Any], answer: dict[str, Any] | None) -> Verdict:
    """The package's verdict on one text."""
    category = question["id"].rpartition("_")[0]
    handler = Handler()
    if answer is None:
        result = eval_runner._evaluate_single_relevance_entry(
            handler, question["id"], text, question, MODEL, category
        )
    else:
        result = eval_runner._evaluate_single_ast_entry(
            handler,
            question["id"],
            text,
            answer["ground_truth"],
            question,
            MODEL,
            category,
            Language.PYTHON,
            ReturnFormat.PYTHON,
        )
    return Verdict(extracted=decoded(text), scores={"correct": float(result["valid"])})


def decoded(text: str) -> str | None:
    """The calls of a text, in Python's notation."""
    try:
        calls = default_decode_ast_prompting(text)
        usable = not eval_runner.is_empty_output(calls)
        return repr(calls) if usable else None
    except Exception:
        return None


def main() -> None:
    """Write the verdicts."""
    mirror, exchange = Path(sys.argv[1]), Exchange(Path(sys.argv[2]))
    questions, answers = entries(mirror)
    write(
        exchange.verdicts("reference", "bfcl"),
        (
            verdict(one.text, questions[one.id], answers.get(one.id))
            for one in read(exchange.texts("bfcl"), Text)
        ),
    )


if __name__ == "__main__":
    main()
