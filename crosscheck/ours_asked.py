"""This project's requests: every prompt of every cell.

Run as: python -m crosscheck.ours_asked MIRROR FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from crosscheck import samples
from crosscheck.cells import PROMPTS, Cell
from crosscheck.exchange import Asked, Exchange, versions, write
from evaluation.benchmarks.base import AnyRequest
from evaluation.records import GenerateRequest

PACKAGES = ("torch", "transformers", "tokenizers", "math-verify", "if-verifiable", "sympy")


def asked(cell: Cell, mirror: Path) -> list[Asked]:
    """The requests of a cell in the order of its rows; a row that cannot be used has none."""
    rows, given = samples.read(cell, mirror), samples.settings(cell)
    return [
        plain(index, samples.request(cell, sample, rows, given))
        for index, sample in enumerate(rows.samples)
        if not sample.unscorable
    ]


def plain(index: int, request: AnyRequest) -> Asked:
    """A request in the form both sides exchange."""
    if isinstance(request, GenerateRequest):
        # A lone user message is compared by its content: the chat template is the model's.
        (prompt,) = [message.content for message in request.messages] or [request.prompt]
        return Asked(
            index=index,
            contexts=[prompt],
            stop=list(request.stop),
            max_tokens=request.max_new_tokens,
        )
    contexts = [one.context for one in request.continuations]
    return Asked(
        index=index,
        contexts=contexts if len(set(contexts)) > 1 else contexts[:1],
        continuations=[one.text for one in request.continuations],
    )


def main() -> None:
    """Write the requests of every cell."""
    mirror, exchange = Path(sys.argv[1]), Exchange(Path(sys.argv[2]))
    write(exchange.versions("ours"), [versions(PACKAGES)])
    for cell in PROMPTS:
        write(exchange.asked("ours", cell.name), asked(cell, mirror))


if __name__ == "__main__":
    main()
