"""Sweep batch size and prompt length: what the engine reaches of the machine's ceilings.

Every cell answers fresh prompts for one new token, which is reading the prompts, and for
`--new-tokens`, each twice (the faster counts); the difference is writing. End tokens are ignored,
so that all rows stay.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from time import perf_counter

from benchmarks import synthetic
from benchmarks.ceilings import measure_ceilings
from benchmarks.document import circumstances, load_average, replace_section, table
from benchmarks.roofline import Ceilings, Shape, shape_of
from crosscheck.__main__ import model as embedded_model
from crosscheck.exchange import Record
from evaluation.config import EngineSettings, Preset
from evaluation.engines.transformers_engine import TransformersEngine
from evaluation.errors import EvaluationError
from evaluation.files import read_record
from evaluation.records import ModelManifest, Response


class Point(Record):
    """A cell of the sweep: tokens a second, and the share of what the ceilings allow."""

    rows: int
    length: int
    prefill: float
    prefill_share: float
    decode: float
    decode_share: float
    bound: str


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.sweep", description=__doc__)
    parser.add_argument("--manifest", type=Path, help="a model; by default the embedded one")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--dtype", choices=["bfloat16", "float32"], default="bfloat16")
    parser.add_argument("--rows", nargs="+", type=int, default=[1, 8, 32])
    parser.add_argument("--lengths", nargs="+", type=int, default=[64, 256, 1024])
    parser.add_argument("--new-tokens", type=int, default=33)
    parser.add_argument("--report", type=Path, help="the document to put the table into")
    return parser.parse_args(given)


def point(
    engine: TransformersEngine,
    shape: Shape,
    ceilings: Ceilings,
    rows: int,
    length: int,
    new_tokens: int,
) -> Point:
    """Measure one cell; raises EvaluationError when a request fails."""
    read, reading = fastest(timed(engine, rows, length, 1, seed) for seed in (1, 2))
    written, both = fastest(timed(engine, rows, length, new_tokens, seed) for seed in (3, 4))
    lengths = [one.prompt_tokens for one in read]
    steps = max(one.completion_tokens for one in written) - 1
    writing = max(both - reading, 1e-9)
    prefill = shape.prefill(lengths)
    middle = [one.prompt_tokens + steps // 2 for one in written]
    step = shape.step(middle)
    return Point(
        rows=rows,
        length=round(sum(lengths) / rows),
        prefill=sum(lengths) / reading,
        prefill_share=prefill.seconds(ceilings) / reading,
        decode=rows * steps / writing,
        decode_share=steps * step.seconds(ceilings) / writing,
        bound=step.bound(ceilings),
    )


def fastest(runs: Iterable[tuple[list[Response], float]]) -> tuple[list[Response], float]:
    """The run that took the least time: the first of a size may still prepare kernels."""
    return min(runs, key=lambda one: one[1])


def timed(
    engine: TransformersEngine, rows: int, length: int, new_tokens: int, seed: int
) -> tuple[list[Response], float]:
    """Answer fresh prompts; the responses and the seconds."""
    texts = synthetic.prompts(engine.tokenizer, rows, length, seed * 1_000_003 + rows * length)
    start = perf_counter()
    responses = list(engine.run(synthetic.pool(texts, new_tokens)))
    seconds = perf_counter() - start
    for response in responses:
        if response.error is not None:
            raise EvaluationError(f"A request failed: {response.error}", where="the sweep")
    return responses, seconds


def render(points: Sequence[Point], ceilings: Ceilings, load: float) -> str:
    """The table with the ceilings above it."""
    head = ["rows × prompt tokens", "read, tokens/s", "of the ceiling"]
    head += ["write, tokens/s", "of the ceiling", "bound by"]
    lines = [
        [
            f"{one.rows} × {one.length}",
            f"{one.prefill:,.0f}",
            f"{one.prefill_share:.0%}",
            f"{one.decode:,.0f}",
            f"{one.decode_share:.0%}",
            one.bound,
        ]
        for one in points
    ]
    about = (
        f"Ceilings measured in the same run: memory {ceilings.bandwidth / 1e9:.1f} GB/s, "
        f"{ceilings.dtype} matrix products {ceilings.matrix / 1e12:.2f} TFLOP/s."
    )
    return "\n\n".join([circumstances(load, ceilings.device), about, table(head, lines)])


def run(given: argparse.Namespace) -> None:
    """Sweep and print."""
    load = load_average()
    ceilings = measure_ceilings(given.device, given.dtype)
    engine = TransformersEngine(
        read_record(given.manifest or embedded_model(), ModelManifest),
        EngineSettings(device=given.device, dtype=given.dtype),
        "sweep",
        # Every cell is one batch.
        Preset(batch_tokens=2**22, batch_rows=max(given.rows)),
        thinking=False,
    )
    engine.end_tokens = set()
    shape = shape_of(engine.model)
    timed(engine, 2, 32, 4, seed=0)
    points = []
    for rows, length in product(given.rows, given.lengths):
        points.append(point(engine, shape, ceilings, rows, length, given.new_tokens))
        print(points[-1].model_dump_json(), flush=True)
    body = render(points, ceilings, load)
    print(f"\n{body}")
    if given.report is not None:
        replace_section(given.report, f"sweep-{given.device}", body)


def main() -> int:
    """Run, and say what went wrong."""
    try:
        run(arguments())
    except EvaluationError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
