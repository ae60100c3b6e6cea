"""Model directories of a few numbers, and the wheels that GGUF files travel in."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "max_position_embeddings": 512,
}
CARD = "---\nlanguage: [en]\nlicense: apache-2.0\n---\n\n# Tiny\n"
PARAMETERS = 3 * 5 + 7


def write_weights(path: Path, parameters: dict[str, tuple[int, ...]] | None = None) -> Path:
    """A safetensors file of zeros with tensors of these shapes."""
    shapes = parameters or {"embed": (3, 5), "norm": (7,)}
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: np.zeros(shape, np.float16) for name, shape in shapes.items()}
    save_file(tensors, path, metadata={"format": "pt"})
    return path


def write_model(directory: Path, **config: Any) -> Path:
    """A directory as save_pretrained() leaves it."""
    write_weights(directory / "model.safetensors")
    (directory / "config.json").write_text(json.dumps(CONFIG | config))
    (directory / "tokenizer.json").write_text("{}")
    (directory / "tokenizer_config.json").write_text(
        json.dumps({"chat_template": "{{ messages }}"})
    )
    (directory / "README.md").write_text(CARD)
    return directory


def write_wheel(folder: Path, package: str, version: str, files: dict[str, bytes]) -> Path:
    """A wheel with these files, good enough for pip to download; `package` as in its file name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{package}-{version}-py3-none-any.whl"
    info = f"{package}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in files.items():
            archive.writestr(member, data)
        archive.writestr(f"{info}/METADATA", metadata + "Requires-Dist: not-to-be-fetched\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def sha256(data: bytes) -> str:
    """Checksum as configurations have it."""
    return hashlib.sha256(data).hexdigest()
