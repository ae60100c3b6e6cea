"""Find and read the files of a split in a directory with the Hub's layout.

A dataset's card (README.md) names the files of each config and split; without a card the usual
names are tried. Only the named files are read, so a snapshot may leave other splits out.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import yaml

from evaluation.errors import EvaluationError

RawRow = dict[str, object]


def read_split(directory: Path, config: str | None, split: str) -> list[RawRow]:
    """All rows of a split. Raises EvaluationError when it has no files."""
    files = split_files(directory, config, split)
    if not files:
        raise EvaluationError(
            f"There are no files of split '{split}'"
            + (f" of config '{config}'." if config else "."),
            where=str(directory),
            remedy="check that the directory is complete and has the Hub's layout",
        )
    rows: list[RawRow] = []
    for path in files:
        rows += read_parquet(path) if path.suffix == ".parquet" else read_json_lines(path)
    return rows


def split_files(directory: Path, config: str | None, split: str) -> list[Path]:
    """The files of a split, in name order."""
    usual = [f"{config}/{split}-*.parquet"] if config else []
    usual += [f"data/{split}-*.parquet", f"{split}-*.parquet", f"{split}.jsonl"]
    for pattern in [*_card_patterns(directory, config, split), *usual]:
        found = sorted(p for p in directory.glob(pattern) if p.is_file())
        if found:
            return found
    return []


def _card_patterns(directory: Path, config: str | None, split: str) -> list[str]:
    try:
        text = (directory / "README.md").read_text(encoding="utf-8")
        head = re.match(r"^---\n(.*?)\n---", text, re.DOTALL)
        card: Any = yaml.safe_load(head.group(1)) if head else {}
        return [
            str(entry["path"])
            for section in card.get("configs", [])
            if section.get("config_name") == (config or "default")
            for entry in section.get("data_files", [])
            if entry.get("split") == split and isinstance(entry.get("path"), str)
        ]
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        return []


def read_parquet(path: Path) -> list[RawRow]:
    """Rows of a Parquet file as plain Python values."""
    import datasets

    datasets.disable_progress_bars()
    # A cache of its own: `datasets` may otherwise return an older copy of the same name.
    with tempfile.TemporaryDirectory(prefix="evaluation-datasets-") as cache:
        loaded = datasets.load_dataset(
            "parquet", data_files=str(path), split="train", cache_dir=cache
        )
        return [dict(row) for row in loaded]


def read_json_lines(path: Path) -> list[RawRow]:
    """Rows of a JSON-lines file; `datasets` would change values by giving rows one schema."""
    rows: list[RawRow] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise EvaluationError(
                f"A line is not JSON: {error.msg}.",
                where=f"{path}, line {number}",
                remedy="fetch the file again: it is damaged or cut off",
            ) from None
        if not isinstance(row, dict):
            raise EvaluationError(
                "A line is not a JSON object.",
                where=f"{path}, line {number}",
                remedy="fetch the file again: it is not the dataset's",
            )
        rows.append(row)
    return rows
