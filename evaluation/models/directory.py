"""Describe a directory of weights without loading it: files, size, context, template, licence."""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Literal

import yaml

from evaluation.errors import EvaluationError, first_line
from evaluation.records import ModelFile, ModelManifest

CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "max_seq_len")


def describe(
    name: str,
    source: Literal["hub", "pypi", "path"],
    model_id: str,
    revision: str,
    directory: Path,
    *,
    hash_files: bool,
    patterns: Sequence[str] = ("*",),
) -> ModelManifest:
    """The manifest of a model directory.

    `hash_files` hashes the contents; a Hub commit already stands for them. `patterns` leaves out
    what other programs put into the same Hub cache. Raises EvaluationError for a directory without
    config, complete safetensors or tokenizer.
    """
    where = f"model {name}: {directory}"
    config = _read_config(directory, where)
    weights = _weights(directory, where)
    if not weights:
        pickled = any(directory.glob("*.bin")) or any(directory.glob("*.pth"))
        raise EvaluationError(
            "The model has no weights in safetensors format"
            + (" (only pickled ones, which are never loaded)." if pickled else "."),
            where=where,
            remedy="use a directory or revision with *.safetensors files, or convert the weights "
            "with save_pretrained()",
        )
    if not any(directory.glob("tokenizer*")):
        raise EvaluationError(
            "The model has no tokenizer files.",
            where=where,
            remedy="put tokenizer.json and tokenizer_config.json beside the weights",
        )
    files = [
        ModelFile(
            name=str(path.relative_to(directory)),
            size=path.stat().st_size,
            sha256=_sha256(path) if hash_files else None,
        )
        for path in sorted(directory.rglob("*"))
        if path.is_file()
        and any(fnmatch(path.relative_to(directory).as_posix(), p) for p in patterns)
    ]
    text = config.get("text_config") or config
    return ModelManifest(
        model=name,
        source=source,
        id=model_id,
        revision=revision,
        licence=_licence(directory),
        directory=str(directory),
        files=files,
        fingerprint=_fingerprint(model_id if source == "hub" else "", revision, files),
        architecture=str((config.get("architectures") or [config.get("model_type")])[0]),
        parameters=sum(count_parameters(path, where) for path in weights),
        context_length=next((int(text[key]) for key in CONTEXT_KEYS if text.get(key)), 2048),
        chat_template=_has_template(directory),
    )


def _read_config(directory: Path, where: str) -> dict[str, Any]:
    try:
        return _read_object(directory / "config.json")
    except FileNotFoundError:
        raise EvaluationError(
            "The model has no config.json.",
            where=where,
            remedy="point to the directory that save_pretrained() wrote",
        ) from None
    except ValueError as error:
        raise EvaluationError(
            f"config.json is not valid JSON: {error}", where=where, remedy="fetch the model again"
        ) from None


def _read_object(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text("utf-8"))
    if not isinstance(found, dict):
        raise ValueError("it is not an object")
    return found


def _weights(directory: Path, where: str) -> list[Path]:
    """The files that transformers loads: model.safetensors, or else those that the index names.

    Other safetensors files are not counted: consolidated.safetensors is a second copy.
    """
    single, index = directory / "model.safetensors", directory / "model.safetensors.index.json"
    if single.exists() or not index.exists():
        return [single] if single.exists() else sorted(directory.glob("model*.safetensors"))
    try:
        names = sorted({str(file) for file in dict(_read_object(index)["weight_map"]).values()})
    except (ValueError, KeyError, TypeError) as error:
        raise EvaluationError(
            f"{index.name} is no index of weights: {first_line(error)}",
            where=where,
            remedy="fetch the model again",
        ) from None
    if missing := [name for name in names if not (directory / name).exists()]:
        raise EvaluationError(
            f"The weights are not complete: {', '.join(missing)} is missing.",
            where=where,
            remedy="fetch or copy the model again",
        )
    return [directory / name for name in names]


def count_parameters(path: Path, where: str) -> int:
    """Number of weights in a safetensors file, from its header."""
    try:
        size = path.stat().st_size
        with path.open("rb") as handle:
            (length,) = struct.unpack("<Q", handle.read(8))
            if length > size - 8:
                raise ValueError(f"its header says {length} bytes, the file has {size}")
            header = json.loads(handle.read(length))
        tensors = [tensor for key, tensor in header.items() if key != "__metadata__"]
        end = 8 + length + max((tensor["data_offsets"][1] for tensor in tensors), default=0)
        if end != size:
            raise ValueError(f"{end} bytes are expected, the file has {size}")
        return sum(math.prod(tensor["shape"]) for tensor in tensors)
    except (OSError, ValueError, struct.error, LookupError, TypeError, AttributeError) as error:
        raise EvaluationError(
            f"{path.name} is cut off or is no safetensors file: {error}",
            where=where,
            remedy="fetch the file again",
        ) from None


def _has_template(directory: Path) -> bool:
    if any(directory.glob("chat_template*")):
        return True
    try:
        return bool(_read_object(directory / "tokenizer_config.json").get("chat_template"))
    except (OSError, ValueError):
        return False


def _licence(directory: Path) -> str:
    """The licence that the model's card names; its own name where the card says `other`."""
    try:
        text = (directory / "README.md").read_text("utf-8-sig")
        head = re.match(r"^---\n(.*?)\n---", text, re.DOTALL)
        card: Any = yaml.safe_load(head.group(1)) if head else None
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return "not stated"
    found = (card.get("license_name") or card.get("license")) if isinstance(card, dict) else None
    named = ", ".join(map(str, found)) if isinstance(found, list) else str(found or "")
    return named or "not stated"


def _fingerprint(model_id: str, revision: str, files: list[ModelFile]) -> str:
    lines = [model_id, revision if model_id else ""]
    lines += [f"{f.name} {f.size} {f.sha256}" for f in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
