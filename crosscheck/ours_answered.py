"""This project's answers of a model: log-likelihoods with their scores, and generated texts.

Run as: python -m crosscheck.ours_answered MIRROR FOLDER MANIFEST ROWS
"""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path

from crosscheck import samples
from crosscheck.cells import ANSWER_TOKENS, ANSWERED, Cell, rows_of
from crosscheck.exchange import Exchange, Generated, Likelihoods, write
from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import Evidence
from evaluation.config import EngineSettings, Preset
from evaluation.engines.base import PooledRequest
from evaluation.engines.transformers_engine import TransformersEngine
from evaluation.errors import EvaluationError
from evaluation.files import read_record
from evaluation.records import ModelManifest


def answered(
    cell: Cell, mirror: Path, engine: TransformersEngine, rows: int
) -> list[Likelihoods | Generated]:
    """The model's answers to the chosen rows of a cell, in the order of the rows.

    Raises EvaluationError for a request that failed.
    """
    task, found = benchmark(cell.dataset), samples.read(cell, mirror)
    given = samples.settings(cell).model_copy(update={"max_new_tokens": ANSWER_TOKENS})
    chosen = [
        index
        for index in rows_of(cell, len(found.samples), rows)
        if not found.samples[index].unscorable
    ]
    pool = deque(
        PooledRequest(
            key=str(index),
            group=cell.name,
            request=samples.request(cell, found.samples[index], found, given),
        )
        for index in chosen
    )
    records: list[Likelihoods | Generated] = []
    for response in engine.run(pool):
        index = int(response.key)
        if response.error is not None:
            raise EvaluationError(
                f"A request failed: {response.error}", where=f"{cell.name}, row {index}"
            )
        if not response.continuations:
            records.append(Generated(index=index, text=response.text))
            continue
        evidence = Evidence(responses=[response], answers=[response.text], settings=given)
        records.append(
            Likelihoods(
                index=index,
                values=[one.logprob for one in response.continuations],
                scores=task.score(found.samples[index], evidence).scores,
            )
        )
    return sorted(records, key=lambda one: one.index)


def main() -> None:
    """Write the answers to every cell."""
    mirror, exchange, rows = Path(sys.argv[1]), Exchange(Path(sys.argv[2])), int(sys.argv[4])
    engine = TransformersEngine(
        read_record(Path(sys.argv[3]), ModelManifest),
        EngineSettings(device="cpu", dtype="float32"),
        "crosscheck",
        # One answer at a time, as the reference does.
        Preset(batch_tokens=16384, batch_rows=1),
        thinking=False,
    )
    for cell in ANSWERED:
        write(exchange.answered("ours", cell.name), answered(cell, mirror, engine, rows))


if __name__ == "__main__":
    main()
