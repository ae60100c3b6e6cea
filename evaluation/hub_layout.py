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

from evaluation.errors import EvaluationError, first_line

RawRow = dict[str, object]
OTHER_SPLITS = re.compile(
    r"(?<![a-z])(test|testing|eval|evaluation|valid|validation|val|dev)(?![a-z])"
)


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
    if missing := _missing_shards(files):
        raise EvaluationError(
            f"Split '{split}' is not complete: {', '.join(missing[:3])}"
            + (f" and {len(missing) - 3} more are missing." if missing[3:] else " is missing."),
            where=str(files[0].parent),
            remedy="fetch the dataset again: the directory lacks files",
        )
    rows: list[RawRow] = []
    for path in files:
        rows += read_parquet(path) if path.suffix == ".parquet" else read_json_lines(path)
    return rows


def split_files(directory: Path, config: str | None, split: str) -> list[Path]:
    """The files of a split, in name order."""
    usual = [f"{config}/{split}-*.parquet"] if config else []
    usual += [f"data/{split}-*.parquet", f"{split}-*.parquet", f"{split}.jsonl"]
    for patterns in [_card_patterns(directory, config, split), *([u] for u in usual)]:
        found = {path for pattern in patterns for path in _matching(directory, pattern)}
        if found:
            return sorted(found)
    if split == "train" and not config:
        # A lone file whose name tells no split is `train` on the Hub, as in google/IFEval.
        data = [*_matching(directory, "*.jsonl"), *_matching(directory, "*.parquet")]
        return data if len(data) == 1 and not OTHER_SPLITS.search(data[0].name) else []
    return []


def _matching(directory: Path, pattern: str) -> list[Path]:
    """The files inside the directory that a card's pattern names; none if it is no pattern."""
    if ".." in pattern.split("/"):
        return []
    try:
        return [path for path in directory.glob(pattern) if path.is_file()]
    except (ValueError, NotImplementedError):
        return []


def _card_patterns(directory: Path, config: str | None, split: str) -> list[str]:
    """What the card says a split's files are; nothing if there is no card that says so."""
    try:
        text = (directory / "README.md").read_text(encoding="utf-8-sig")
        head = re.match(r"^---\n(.*?)\n---", text, re.DOTALL)
        card: Any = yaml.safe_load(head.group(1)) if head else None
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return []
    patterns: list[str] = []
    for section in _mappings(card.get("configs")) if isinstance(card, dict) else []:
        if section.get("config_name") == (config or "default"):
            for entry in _mappings(section.get("data_files")):
                if entry.get("split") == split:
                    path = entry.get("path")
                    paths = path if isinstance(path, list) else [path]
                    patterns += [p for p in paths if isinstance(p, str)]
    return patterns


def _mappings(value: Any) -> list[dict[Any, Any]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def _missing_shards(files: list[Path]) -> list[str]:
    """Names of files that `name-00000-of-00002.parquet` says there are, and that are not there."""
    names = {path.name for path in files}
    missing = set()
    for name in names:
        if shard := re.fullmatch(r"(.*-)\d{5}-of-(\d{5})(.*)", name):
            before, total, after = shard.groups()
            missing |= {f"{before}{i:05}-of-{total}{after}" for i in range(int(total))} - names
    return sorted(missing)


def read_parquet(path: Path) -> list[RawRow]:
    """Rows of a Parquet file as plain Python values.

    Raises EvaluationError that names the file when it is damaged.
    """
    import datasets
    from pyarrow import parquet  # type: ignore[import-untyped]

    datasets.disable_progress_bars()
    try:
        if parquet.read_metadata(path).num_rows == 0:
            return []  # `datasets` fails for a file without rows
        # A cache of its own: `datasets` may otherwise return an older copy of the same name.
        with tempfile.TemporaryDirectory(prefix="evaluation-datasets-") as cache:
            loaded = datasets.load_dataset(
                "parquet", data_files=str(path), split="train", cache_dir=cache
            )
            return [dict(row) for row in loaded]
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        cause = error.__cause__ or error
        if isinstance(cause, OSError) and cause.errno:
            raise cause from None  # the disk's fault, not the file's
        raise EvaluationError(
            f"A Parquet file cannot be read: {first_line(cause)}",
            where=str(path),
            remedy="fetch the file again: it is damaged or cut off",
        ) from error


def read_json_lines(path: Path) -> list[RawRow]:
    """Rows of a JSON-lines file; `datasets` would change values by giving rows one schema.

    Raises EvaluationError that names the line when one is damaged.
    """
    rows: list[RawRow] = []
    # Not splitlines(): it also splits at separators that JSON allows inside strings.
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else first_line(error)
            raise EvaluationError(
                f"A line is not JSON: {reason}.",
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
