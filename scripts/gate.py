"""Print the gate of a tier; exits 1 when it is violated."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import job
from evaluation.files import read_record
from evaluation.gate import describe, refuse_violated
from evaluation.records import GateReport


def main() -> None:
    """Read the arguments, print the checks and end as they went."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--gate", type=Path, required=True)
    arguments.add_argument("--tier", required=True)
    arguments.add_argument("--log", required=True)
    given = arguments.parse_args()

    def work() -> None:
        report = read_record(given.gate, GateReport)
        print(describe(report), flush=True)
        refuse_violated(report, str(given.gate))

    job.run("gate", f"tier {given.tier}", given.log, work)


if __name__ == "__main__":
    main()
