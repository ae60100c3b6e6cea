"""Compare with lm-eval: same model, rows, examples and limits, run in turns on this machine.

Writes a table into docs/performance.md and all results as JSON. Ends with 1 if a promised ratio
is missed, 2 if a run failed or the two sides were not asked the same.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from pydantic import TypeAdapter

from benchmarks import our_command
from benchmarks.cases import CASES, Case
from benchmarks.comparison import MOST_MEMORY, Result, Run, compare
from benchmarks.document import GIB, circumstances, load_average, replace_section, table
from benchmarks.exchange import Job, Outcome, Rows
from benchmarks.measured import measure
from crosscheck import samples
from crosscheck.__main__ import model
from crosscheck.cells import Cell
from evaluation.errors import EvaluationError
from evaluation.files import read_record, write_text
from evaluation.machine import ROOT
from evaluation.records import ModelManifest
from evaluation.sampling import stratified_order

OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TQDM_DISABLE": "1"}


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.against_lm_eval", description=__doc__)
    parser.add_argument("--mirror", type=Path, required=True, help="data sets in the Hub's layout")
    parser.add_argument("--python", type=Path, required=True, help="that of lm-eval's environment")
    parser.add_argument("--rows", type=int, default=20, help="rows of each task")
    parser.add_argument("--only", nargs="+", choices=[case.name for case in CASES], default=[])
    parser.add_argument(
        "--batch-sizes",
        nargs="+",
        type=int,
        default=[],
        help="lm-eval's, of which its fastest counts, in place of those of each case",
    )
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=1, help="runs of each batch size")
    parser.add_argument("--folder", type=Path, default=ROOT / "benchmarks" / "out")
    parser.add_argument("--report", type=Path, help="the document to put the table into")
    return parser.parse_args(given)


class Bench:
    """Where and on what the two sides run."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.mirror, self.folder = given.mirror.resolve(), given.folder.resolve()
        # Logs, answers and a copy of the project: for the curious, not for version control.
        write_text(self.folder / ".gitignore", "*\n")
        self.python, self.rows = given.python.absolute(), given.rows
        self.manifest = model()
        self.directory = read_record(self.manifest, ModelManifest).directory
        self.threads = given.threads
        if not self.mirror.is_dir():
            raise EvaluationError(
                "There is no mirror of the data sets.",
                where=str(self.mirror),
                remedy="name a folder in the Hub's layout: make bench MIRROR=folder",
            )

    def job(self, case: Case, batch_size: int = 0) -> Job:
        """The case with its rows."""
        return Job(
            rows=[
                Rows(
                    dataset=cell.dataset,
                    few_shot=cell.few_shot,
                    task=cell.task,
                    places=places(cell, self.mirror, self.rows),
                )
                for cell in case.cells
            ],
            mirror=str(self.mirror),
            model=str(Path(self.directory).absolute()),
            threads=self.threads,
            batch_size=batch_size,
        )

    def ours(self, case: Case) -> Run:
        """Run our side once."""
        job = self.job(case)
        if case.whole:
            folder, log = self.folder / "project", self.folder / f"{case.name}.ours.log"
            measured, outcome = our_command.run(job, folder, log)
            return Run(measured=measured, outcome=outcome)
        return self._process(Path(sys.executable), "our_side", case, job, str(self.manifest))

    def lm_eval(self, case: Case, batch_size: int) -> Run:
        """Run lm-eval once."""
        job = self.job(case, batch_size)
        return self._process(self.python, "lm_eval_side", case, job)

    def _process(self, python: Path, module: str, case: Case, job: Job, *more: str) -> Run:
        given = self.folder / f"{case.name}.{module}.job.json"
        found = given.with_suffix("").with_suffix(".outcome.json")
        write_text(given, job.model_dump_json())
        command = [str(python), "-m", f"benchmarks.{module}", str(given), str(found), *more]
        log = self.folder / f"{case.name}.{module}.log"
        threads = {"OMP_NUM_THREADS": str(job.threads)}
        measured = measure(command, ROOT, OFFLINE | threads, log)
        outcome = Outcome.model_validate_json(found.read_text(encoding="utf-8"))
        return Run(measured=measured, outcome=outcome, batch_size=job.batch_size)


def places(cell: Cell, mirror: Path, rows: int) -> list[int]:
    """The places of the first rows of a tier in their split, in the order of the split."""
    found = samples.read(cell, mirror).samples
    place = {sample.id: index for index, sample in enumerate(found)}
    ordered = stratified_order(found, cell.dataset, our_command.SEED)
    return sorted(place[sample.id] for sample in ordered[:rows])


def run_case(bench: Bench, case: Case, sizes: Sequence[int], rounds: int) -> Result:
    """Run both sides in turns, beginning and ending with ours."""
    ours, theirs = [], []
    for _ in range(rounds):
        for size in sizes:
            ours.append(said(f"{case.name}: ours", bench.ours(case)))
            run = bench.lm_eval(case, size)
            theirs.append(said(f"{case.name}: lm-eval, batch size {size}", run))
    ours.append(said(f"{case.name}: ours", bench.ours(case)))
    return compare(case, ours, theirs)


def said(what: str, run: Run) -> Run:
    """The same run, reported."""
    print(
        f"{what}: requests {run.outcome.requests_seconds:.1f} s, command "
        f"{run.measured.seconds:.1f} s, {run.measured.peak_memory / GIB:.2f} GiB",
        flush=True,
    )
    return run


def render(results: Sequence[Result], rows: int, threads: int, load: float) -> str:
    """The table with the words that say what was compared."""
    head = ["tasks", "clock", "lm-eval s", "ours s", "ratio", "promised", "memory, GiB", "share"]
    head += ["rows", "other answers", "tokens"]
    lines = [
        [
            one.title,
            "command" if one.whole else "requests",
            f"{one.lm_eval.seconds:.1f} ({_range(one.lm_eval.each)}, batch {one.batch_size})",
            f"{one.ours.seconds:.1f} ({_range(one.ours.each)})",
            f"**{one.ratio:.1f}**",
            f"{one.wanted:g}",
            f"{one.lm_eval.peak_memory / GIB:.2f} / {one.ours.peak_memory / GIB:.2f}",
            f"{one.memory:.2f}",
            str(one.requests),
            f"{one.answers_differ}" + (f" (gap {one.largest_gap:.2f})" if one.largest_gap else ""),
            f"{one.lm_eval.tokens} / {one.ours.tokens}" if one.ours.tokens else "-",
        ]
        for one in results
    ]
    return "\n\n".join(
        [circumstances(load), f"{rows} rows a task, {threads} threads.", table(head, lines)]
    )


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.1f}-{max(values):.1f}" if len(values) > 1 else "1 run"


def run(given: argparse.Namespace) -> int:
    """Run the cases; raises EvaluationError when one cannot be compared."""
    start, load, bench = monotonic(), load_average(), Bench(given)
    results = []
    for case in CASES:
        if not given.only or case.name in given.only:
            sizes = given.batch_sizes or case.batch_sizes
            results.append(run_case(bench, case, sizes, given.rounds))
    body = render(results, given.rows, given.threads, load)
    print(f"\n{body}\n")
    write_text(
        given.folder / "against_lm_eval.json",
        TypeAdapter(list[Result]).dump_json(results, indent=1).decode(),
    )
    if given.report is not None:
        replace_section(given.report, "against-lm-eval", body)
    missed = [one.name for one in results if not one.kept]
    print(f"{monotonic() - start:.0f} s in all")
    if missed:
        print(f"missed (ratio, or memory above {MOST_MEMORY}): {', '.join(missed)}")
    return 1 if missed else 0


def main() -> int:
    """Run, and say what went wrong."""
    try:
        return run(arguments())
    except EvaluationError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
