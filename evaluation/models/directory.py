"""Describe a directory of weights without loading it: files, size, context, template, licence."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from pathlib import Path
from typing import Any, Literal

from evaluation.errors import EvaluationError
from evaluation.records import ModelFile, ModelManifest


def describe(
    name: str,
    source: Literal["hub", "pypi", "path"],
    model_id: str,
    revision: str,
    directory: Path,
    *,
    hash_files: bool,
) -> ModelManifest:
    """The manifest of a model directory.

    `hash_files` hashes the contents; a Hub commit already stands for them. Raises EvaluationError
    for a directory without config, safetensors or tokenizer.
    """
    where = f"model {name}: {directory}"
    config = _read_config(directory, where)
    weights = sorted(directory.glob("*.safetensors"))
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
    ]
    text = config.get("text_config", config)
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
        context_length=int(text.get("max_position_embeddings") or 2048),
        chat_template=_has_template(directory),
    )


def _read_config(directory: Path, where: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((directory / "config.json").read_text("utf-8"))
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
    return found


def count_parameters(path: Path, where: str) -> int:
    """Number of weights in a safetensors file, from its header."""
    try:
        with path.open("rb") as handle:
            (length,) = struct.unpack("<Q", handle.read(8))
            header = json.loads(handle.read(length))
    except (OSError, ValueError, struct.error) as error:
        raise EvaluationError(
            f"{path.name} is cut off or is no safetensors file: {error}",
            where=where,
            remedy="fetch the file again",
        ) from None
    total = 0
    for key, tensor in header.items():
        if key != "__metadata__":
            size = 1
            for dimension in tensor["shape"]:
                size *= dimension
            total += size
    return total


def _has_template(directory: Path) -> bool:
    if any(directory.glob("chat_template*")):
        return True
    try:
        config = json.loads((directory / "tokenizer_config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(config.get("chat_template"))


def _licence(directory: Path) -> str:
    try:
        card = (directory / "README.md").read_text("utf-8")
    except OSError:
        return "not stated"
    head = re.match(r"^---\n(.*?)\n---", card, re.DOTALL)
    named = re.search(r"^license(?:_name)?:\s*(\S+)", head.group(1), re.MULTILINE) if head else None
    return named.group(1) if named else "not stated"


def _fingerprint(model_id: str, revision: str, files: list[ModelFile]) -> str:
    lines = [model_id, revision if model_id else ""]
    lines += [f"{f.name} {f.size} {f.sha256}" for f in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
