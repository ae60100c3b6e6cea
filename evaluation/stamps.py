"""Stamps: small files whose content tells Snakemake what file times do not.

Missing cells: Snakemake does not rebuild a deleted cell below an aggregate that is up to date. So
the aggregate, and what else is made of all cells of a tier, also depends on a small stamp file,
whose content changes whenever an expected cell is missing beside one of them; while nothing is
missing the stamp stays as it is.

The sandbox: a cell whose programs could not be run must be scored once they can.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from evaluation.files import write_text
from evaluation.targets import WHOLES

FOLDER = Path(".snakemake/evaluation")


def stamp_path(tier: str) -> str:
    """The stamp of a tier."""
    return str(FOLDER / f"cells-{tier}.txt")


def refresh_stamp(tier: str, cells: Iterable[str]) -> bool:
    """Renew the stamp when something made of all cells stands and one of the cells does not.

    Returns whether it was renewed.
    """
    stamp = Path(stamp_path(tier))
    missing = []
    if any(Path(f"results/{tier}/{whole}.json").exists() for whole in WHOLES):
        missing = [cell for cell in cells if not Path(cell).exists()]
    if stamp.exists() and not missing:
        return False
    # The time makes the content new even when the same cell goes missing again.
    write_text(stamp, f"{time.time_ns()}\n" + "".join(f"{cell}\n" for cell in missing))
    return True


def sandbox_stamp() -> str:
    """The stamp of whether programs can be run."""
    return str(FOLDER / "sandbox.txt")


def refresh_sandbox_stamp(*, works: bool) -> None:
    """Bring the stamp up to date; it is written only when it changes."""
    stamp = Path(sandbox_stamp())
    text = f"programs can {'' if works else 'not '}be run\n"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != text:
        write_text(stamp, text)
