"""The texts that both sides score: made from the rows, and given by the model.

Run as: python -m crosscheck.ours_texts MIRROR FOLDER ROWS
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from crosscheck import samples, texts_answers, texts_calls, texts_programs
from crosscheck.cells import GENERATION, SCORED, Cell, spread
from crosscheck.exchange import Exchange, Generated, Text, read, write
from evaluation.benchmarks.bfcl import BENCHMARK as BFCL
from evaluation.benchmarks.gsm8k import BENCHMARK as GSM8K
from evaluation.benchmarks.humaneval import BENCHMARK as HUMANEVAL
from evaluation.benchmarks.ifeval import BENCHMARK as IFEVAL
from evaluation.benchmarks.math import BENCHMARK as MATH
from evaluation.benchmarks.mbpp import BENCHMARK as MBPP
from evaluation.records import Sample

MODEL = "the model's"


def texts(cell: Cell, found: list[Sample], rows: int) -> list[Text]:
    """The texts made from the rows: from all rows what takes little time."""
    usable = [index for index, sample in enumerate(found) if not sample.unscorable]
    # A checked call takes next to no time.
    wanted = 5 * rows if cell.dataset == "bfcl" else rows
    few = {usable[place] for place in spread(len(usable), wanted)}
    return [
        text
        for index in usable
        for text in of_row(cell.dataset, index, found[index], chosen=index in few)
    ]


def of_row(dataset: str, index: int, sample: Sample, *, chosen: bool) -> list[Text]:
    """The texts made from one row; all kinds for the rows that were chosen."""
    name = sample.id
    match dataset:
        case "humaneval":
            return texts_programs.humaneval(index, name, HUMANEVAL.row(sample), changed=chosen)
        case "mbpp":
            return texts_programs.mbpp(index, name, MBPP.row(sample), changed=chosen)
        case "bfcl":
            return plain(index, name, texts_calls.calls(BFCL.row(sample), changed=chosen))
        case "ifeval":
            return plain(index, name, texts_answers.ifeval(IFEVAL.row(sample)))
        case "gsm8k" if chosen:
            return plain(index, name, texts_answers.gsm8k(GSM8K.row(sample)))
        case "math" if chosen:
            return plain(index, name, texts_answers.math(MATH.row(sample)))
    return []


def plain(index: int, name: str, kinds: Mapping[str, str]) -> list[Text]:
    """Texts by their kinds, none of them run."""
    return [Text(index=index, id=name, kind=kind, text=text) for kind, text in kinds.items()]


def main() -> None:
    """Write the texts of every dataset."""
    mirror, exchange, rows = Path(sys.argv[1]), Exchange(Path(sys.argv[2])), int(sys.argv[3])
    for dataset, cell in SCORED.items():
        found = samples.read(cell, mirror).samples
        pool = texts(cell, found, rows)
        if cell in GENERATION:
            given = read(exchange.answered("ours", cell.name), Generated)
            pool += [
                Text(index=one.index, id=found[one.index].id, kind=MODEL, text=one.text)
                for one in given
            ]
        write(exchange.texts(dataset), pool)


if __name__ == "__main__":
    main()
