"""The code files that decide a file's content, for rules to depend on."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from evaluation.benchmarks import benchmark

ROOT = Path(__file__).resolve().parents[1]
MODULE = re.compile(r"evaluation\.benchmarks\.[\w.]+")
SANDBOX = "evaluation/sandbox"
JUDGING_CODE = ("evaluation/judging.py", "evaluation/judgments.py")
SCORING_CODE = tuple(
    f"evaluation/{name}.py"
    for name in ("flags", "performance", "scoring", "statistics/intervals", "thinking")
)


@cache
def scoring_code(dataset: str) -> tuple[str, ...]:
    """The code files that decide a dataset's scores: its module and what that builds on.

    Found from the imports within evaluation/benchmarks and the names of workers' modules
    ("evaluation.benchmarks.x:function"), so that editing one scorer rescores one dataset.
    """
    found: dict[str, None] = {}
    waiting = [f"evaluation/benchmarks/{dataset}.py"]
    while waiting:
        path = waiting.pop()
        if path in found or not (ROOT / path).exists():
            continue
        found[path] = None
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names = [node.value.partition(":")[0]]
            waiting += [name.replace(".", "/") + ".py" for name in names if MODULE.fullmatch(name)]
    card = benchmark(dataset).card
    if card.runs_code:
        found |= dict.fromkeys(folder_code(SANDBOX))
    if card.judged:
        found |= dict.fromkeys(JUDGING_CODE)
    return (*sorted(found), *SCORING_CODE)


def folder_code(*folders: str) -> list[str]:
    """The Python files that lie in folders of the project."""
    found = [path for folder in folders for path in (ROOT / folder).glob("*.py")]
    return sorted(str(path.relative_to(ROOT)) for path in found)


def report_code() -> list[str]:
    """Templates and code that decide what a report looks like."""
    folder = "evaluation/reports"
    templates = (p for p in (ROOT / folder / "templates").rglob("*") if p.is_file())
    code = folder_code(folder, f"{folder}/pages", f"{folder}/charts")
    return sorted([*code, *(str(path.relative_to(ROOT)) for path in templates)])
