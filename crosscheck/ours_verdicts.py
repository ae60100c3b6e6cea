"""This project's verdicts on texts: its stops, extraction and scores.

Run as: python -m crosscheck.ours_verdicts MIRROR FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from crosscheck import samples
from crosscheck.cells import SCORED, Cell
from crosscheck.exchange import Exchange, Text, Verdict, read, write
from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import Evidence
from evaluation.benchmarks.bfcl_decoder import decode
from evaluation.benchmarks.ifeval import BENCHMARK as IFEVAL
from evaluation.benchmarks.ifeval import follows
from evaluation.config import SandboxSettings
from evaluation.engines.decoding import cut_at
from evaluation.errors import EvaluationError
from evaluation.records import GenerateRequest, Response, Sample, SampleScore
from evaluation.sandbox import Sandbox, open_sandbox


def verdict(cell: Cell, rows: samples.Rows, text: Text, sandbox: Sandbox) -> Verdict:
    """The verdict on one text as the answer to its row.

    Raises EvaluationError when the row, or the text, could not be scored.
    """
    sample, given = rows.samples[text.index], samples.settings(cell)
    request = samples.request(cell, sample, rows, given)
    assert isinstance(request, GenerateRequest)
    answer = cut_at(text.text, request.stop)
    response = Response(
        key="",
        sample_id=sample.id,
        turn=0,
        session="",
        prompt=request.prompt,
        text=answer,
        finish_reason="stop",
    )
    evidence = Evidence(
        responses=[response],
        answers=[answer],
        settings=given,
        sandbox=sandbox if text.run else None,
    )
    score = benchmark(cell.dataset).score(sample, evidence)
    if not score.scores and (text.run or cell.dataset not in PROGRAMS):
        raise EvaluationError(
            f"A text could not be scored: {score.reason}",
            where=f"{cell.dataset}, row {text.index}, {text.kind}",
        )
    return FORMS.get(cell.dataset, plain)(sample, answer, score)


def plain(sample: Sample, answer: str, score: SampleScore) -> Verdict:
    """A verdict as it is."""
    return Verdict(extracted=score.extracted, scores=score.scores)


def program(sample: Sample, answer: str, score: SampleScore) -> Verdict:
    """No program is the empty program."""
    return Verdict(extracted=score.extracted or "", scores=score.scores)


def ifeval(sample: Sample, answer: str, score: SampleScore) -> Verdict:
    """The verdicts on the prompt, and on each instruction instead of their mean."""
    scores = {k: v for k, v in score.scores.items() if k.startswith("prompt_level")}
    row = IFEVAL.row(sample)
    for place, name in enumerate(row.instruction_id_list):
        followed, _ = follows(name, row.kwargs[place], answer)
        scores |= {f"{place} {name} {kind}": float(value) for kind, value in followed.items()}
    return Verdict(extracted=None, scores=scores)


def bfcl(sample: Sample, answer: str, score: SampleScore) -> Verdict:
    """The calls in Python's notation, and one score for all categories."""
    calls = [{call.name: call.arguments} for call in decode(answer).calls]
    (correct,) = score.scores.values()
    return Verdict(extracted=repr(calls) if calls else None, scores={"correct": correct})


PROGRAMS = ("humaneval", "mbpp")
FORMS: dict[str, Callable[[Sample, str, SampleScore], Verdict]] = {
    "humaneval": program,
    "mbpp": program,
    "ifeval": ifeval,
    "bfcl": bfcl,
}


def main() -> None:
    """Write the verdicts."""
    mirror, exchange = Path(sys.argv[1]), Exchange(Path(sys.argv[2]))
    sandbox = open_sandbox(SandboxSettings())
    for dataset, cell in SCORED.items():
        rows = samples.read(cell, mirror)
        write(
            exchange.verdicts("ours", dataset),
            (verdict(cell, rows, text, sandbox) for text in read(exchange.texts(dataset), Text)),
        )


if __name__ == "__main__":
    main()
