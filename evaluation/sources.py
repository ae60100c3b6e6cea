"""Where dataset rows come from: the Hub, a mirror in Hub layout, or the bundled samples.

All three end in the same rows with the Hub's columns, so that one normaliser serves them. The Hub
is read as a snapshot of a pinned revision, that is as a directory just like a mirror: nothing
can fall back to another cached copy of the same name. Worked examples that a harness keeps in its
own code come from its package (see packaged_rows.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evaluation.benchmarks.base import Benchmark, Card
from evaluation.errors import EvaluationError, first_line
from evaluation.hub import snapshot
from evaluation.hub_layout import RawRow, read_json_lines, read_split
from evaluation.packaged_rows import read_packaged
from evaluation.records import Record, SourceKind

FEW_SHOT_POOL = 300
BUNDLED = Path(__file__).resolve().parents[1] / "resources" / "samples"


class RawRows(Record):
    """Raw rows of a dataset and where they were found."""

    location: str
    revision: str
    licence: str
    rows: list[dict[str, Any]]
    few_shot: list[dict[str, Any]]


def read_rows(
    benchmark: Benchmark[Any],
    source: SourceKind,
    *,
    revision: str | None,
    mirror: str | None,
    few_shot: int = 0,
) -> RawRows:
    """Read all evaluation rows and up to 300 few-shot rows.

    Worked examples that are not in the dataset's repository are fetched only if `few_shot` asks
    for some; the location then names their package.

    Raises EvaluationError that names the dataset, the source and the remedy.
    """
    card = benchmark.card
    if source == "bundled":
        return _bundled(card)
    wanted = revision or card.revision
    if source == "mirror":
        directory = Path(mirror or "").expanduser() / card.hub_id
        if not directory.is_dir():
            raise EvaluationError(
                f"The mirror has no folder for dataset {card.name}.",
                where=f"dataset {card.name}, source mirror: {directory}",
                remedy=f"put {card.hub_id} there in the Hub's layout, correct `mirror` in the "
                f"configuration, or set datasets.{card.name}.source",
            )
        location, resolved = str(directory), "local mirror"
    else:
        found = snapshot(card.hub_id, wanted, kind="dataset", patterns=card.files.patterns)
        directory, location, resolved = found.directory, card.hub_id, found.revision
    where = f"dataset {card.name}, source {source}: {location} ({resolved})"
    again = f"; a fresh copy is fetched once {directory.parents[1]} is deleted"
    try:
        rows, examples = read_directory(benchmark, directory)
    except EvaluationError as error:
        raise EvaluationError(
            error.what,
            where=f"{where}, {error.where}",
            remedy=error.remedy + (again if source == "hub" else ""),
        ) from error
    except Exception as error:
        # Whatever a data library says about a broken file, the user needs to know which one.
        raise EvaluationError(
            f"The rows of dataset {card.name} cannot be read: {first_line(error)}",
            where=where,
            remedy="check that the files have the Hub's layout and are complete, or set "
            f"datasets.{card.name}.source to another source",
        ) from error
    if card.packaged_few_shot is not None and few_shot > 0:
        packaged = read_packaged(card.packaged_few_shot, card.name)
        examples = [benchmark.packaged_row(raw, index) for index, raw in enumerate(packaged)]
        location += f" (worked examples: {card.packaged_few_shot.requirement})"
    return RawRows(
        location=location,
        revision=resolved,
        licence=card.licence,
        rows=rows,
        few_shot=examples,
    )


def read_directory(benchmark: Benchmark[Any], directory: Path) -> tuple[list[RawRow], list[RawRow]]:
    """Evaluation and few-shot rows of a directory in Hub layout."""
    files = benchmark.card.files
    rows = benchmark.read_rows(directory)
    few_shot = (
        read_split(directory, files.config, files.few_shot_split) if files.few_shot_split else []
    )
    return rows, few_shot[:FEW_SHOT_POOL]


def _bundled(card: Card) -> RawRows:
    folder = BUNDLED / card.name
    return RawRows(
        location=f"resources/samples/{card.name}",
        revision="bundled",
        licence="our own writing",
        rows=_bundled_rows(folder / "samples.jsonl"),
        few_shot=read_json_lines(folder / "few_shot.jsonl")
        if (folder / "few_shot.jsonl").exists()
        else [],
    )


def _bundled_rows(path: Path) -> list[RawRow]:
    if not path.exists():
        raise EvaluationError(
            "The bundled samples are not there.",
            where=str(path),
            remedy="restore the folder resources/ from version control",
        )
    return read_json_lines(path)
