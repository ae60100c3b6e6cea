"""The quick run's pooled requests on models of full size: tokens a second against the roofline.

Builds the model with random weights on the device, answers the first requests of all twelve
datasets with each preset in turn, and prints what the machine's measured ceilings would allow.
The random model never ends an answer early, so every answer is as long as its limit: more than a
real model writes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.ceilings import measure_ceilings
from benchmarks.document import GIB, circumstances, load_average, replace_section, table
from benchmarks.our_side import preset
from benchmarks.quick_requests import quick_requests
from benchmarks.random_model import SHAPES, build, in_place_of_files
from benchmarks.roofline import Ceilings, Shape, decode_seconds, distinct_tokens, shape_of
from crosscheck.exchange import Record
from evaluation.engines.base import Pool
from evaluation.engines.loading import Loaded
from evaluation.engines.transformers_engine import TransformersEngine
from evaluation.errors import EvaluationError
from evaluation.records import LoglikelihoodRequest, Response

PRESETS = ("memory_saver", "balanced", "throughput")


class Row(Record):
    """One model with one preset; seconds, and what the ceilings allow at best.

    `writing` is the phase of text generation, `scoring` that of log-likelihoods. Both bounds count
    tokens that prompts share from their start once, and all answers in one batch.
    """

    shape: str
    preset: str
    texts: int
    likelihoods: int
    tokens: int
    writing: float
    writing_bound: float
    scoring: float
    scoring_bound: float
    peak_memory: int
    backoffs: int


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.gpu", description=__doc__)
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=["qwen3_8b"])
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=list(PRESETS))
    parser.add_argument("--tokenizer", type=Path, required=True, help="a folder with a tokenizer")
    parser.add_argument("--mirror", type=Path, help="data sets; else the bundled samples")
    parser.add_argument("--rows", type=int, default=20, help="samples of each dataset")
    parser.add_argument("--new-tokens", type=int, help="instead of each dataset's own limit")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    parser.add_argument("--dtype", choices=["bfloat16", "float32"], default="bfloat16")
    parser.add_argument("--report", type=Path, help="the document to put the table into")
    return parser.parse_args(given)


def run_preset(
    name: str, chosen: str, loaded: Loaded, shape: Shape, ceilings: Ceilings, pool: Pool
) -> Row:
    """Answer the pool with a preset; raises EvaluationError when a request fails."""
    if ceilings.device != "cpu":
        import torch

        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    scored = {one.key for one in pool if isinstance(one.request, LoglikelihoodRequest)}
    texts = _texts(pool)
    with in_place_of_files(loaded) as (manifest, settings):
        engine = TransformersEngine(manifest, settings, chosen, preset(chosen), thinking=False)
    engine.end_tokens = set()
    written: list[Response] = []
    writing, start = 0.0, perf_counter()
    peak = backoffs = 0
    for response in engine.run(pool):
        if response.error is not None:
            raise EvaluationError(f"A request failed: {response.error}", where=response.key)
        peak = max(peak, response.peak_memory)
        backoffs = max(backoffs, response.backoffs)
        if response.key not in scored:
            written.append(response)
            # Texts come first: the last of them ends the phase.
            writing = perf_counter() - start
    scoring = perf_counter() - start - writing
    lengths = [(one.prompt_tokens, one.completion_tokens) for one in written]
    prompts = [engine.tokenizer(one.prompt)["input_ids"] for one in written]
    choices = [engine.tokenizer(text)["input_ids"] for text in texts]
    return Row(
        shape=name,
        preset=chosen,
        texts=len(written),
        likelihoods=len(texts),
        tokens=sum(answer for _, answer in lengths),
        writing=writing,
        writing_bound=shape.prefill([distinct_tokens(prompts)]).seconds(ceilings)
        + decode_seconds(shape, lengths, ceilings),
        scoring=scoring,
        scoring_bound=shape.prefill([distinct_tokens(choices)]).seconds(ceilings),
        peak_memory=peak,
        backoffs=backoffs,
    )


def _texts(pool: Pool) -> list[str]:
    """What log-likelihood requests put through the model, a text for each continuation."""
    return [
        one.context + one.text
        for pooled in pool
        if isinstance(pooled.request, LoglikelihoodRequest)
        for one in pooled.request.continuations
    ]


def render(rows: Sequence[Row], ceilings: Ceilings, load: float, asked: str) -> str:
    """The table with the ceilings above it."""
    head = ["model, preset", "texts", "writing s", "tokens/s", "of the ceiling"]
    head += ["log-likelihoods", "scoring s", "requests/s", "of the ceiling"]
    head += ["memory GiB", "halvings"]
    lines = [
        [
            f"{one.shape}, {one.preset}",
            str(one.texts),
            f"{one.writing:.1f}",
            f"{_rate(one.tokens, one.writing):,.0f}",
            f"{_rate(one.writing_bound, one.writing):.0%}",
            str(one.likelihoods),
            f"{one.scoring:.1f}",
            f"{_rate(one.likelihoods, one.scoring):,.1f}",
            f"{_rate(one.scoring_bound, one.scoring):.0%}",
            f"{one.peak_memory / GIB:.1f}",
            str(one.backoffs),
        ]
        for one in rows
    ]
    about = (
        f"{asked} Ceilings measured in the same run: memory {ceilings.bandwidth / 1e9:,.0f} GB/s, "
        f"{ceilings.dtype} matrix products {ceilings.matrix / 1e12:.2f} TFLOP/s."
    )
    return "\n\n".join([circumstances(load, ceilings.device), about, table(head, lines)])


def _rate(amount: float, seconds: float) -> float:
    return amount / seconds if seconds > 0 else 0.0


def run(given: argparse.Namespace) -> None:
    """Run every shape with every preset and print."""
    load, ceilings = load_average(), measure_ceilings(given.device, given.dtype)
    rows: list[Row] = []
    for name in given.shapes:
        loaded = build(name, given.device, given.dtype, given.tokenizer)
        shape = shape_of(loaded.model)
        print(f"{name}: built in {loaded.seconds:.1f} s, {shape.model_dump_json()}", flush=True)
        for chosen in given.presets:
            pool = quick_requests(given.mirror, given.rows, given.new_tokens)
            rows.append(run_preset(name, chosen, loaded, shape, ceilings, pool))
            print(rows[-1].model_dump_json(), flush=True)
        _forget(loaded)
    limit = "their own limits" if given.new_tokens is None else f"{given.new_tokens} new tokens"
    source = "the data sets" if given.mirror else "the bundled samples"
    body = render(rows, ceilings, load, f"{given.rows} rows of each of {source}, {limit}.")
    print(f"\n{body}")
    if given.report is not None:
        replace_section(given.report, f"gpu-{given.device}", body)


def _forget(loaded: Any) -> None:
    """Leave the device's memory to the next model."""
    import gc

    import torch

    loaded.model.to("meta")
    gc.collect()
    if loaded.device == "cuda":
        torch.cuda.empty_cache()


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
