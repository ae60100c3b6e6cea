"""One generate job: answer its own task, and with the same load the tasks that wait behind it."""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from evaluation.config import EndpointModel, EngineSettings, Preset, Weights
from evaluation.engines.base import Engine
from evaluation.engines.device import check_size, gpu_visible
from evaluation.errors import EvaluationError
from evaluation.files import explained, read_record
from evaluation.progress import Progress
from evaluation.queue import Task, open_tasks, write_responses
from evaluation.records import ModelManifest, Record
from evaluation.requests import identity
from evaluation.run_notes import Load, note
from evaluation.run_queue import run_queue

log = logging.getLogger(__name__)


class GenerateSettings(Record):
    """The settings that decide a generate job's responses.

    `requests` is the digest of the dataset's requests and `engine_revision` the engine's own: both
    are there so that a change in them makes Snakemake run the job again.
    """

    model: str
    preset_name: str
    engine: EngineSettings
    engine_revision: int
    thinking: bool | None
    weights: Weights = "full"
    task: Task
    requests: str
    # Batch sizes decide responses only where their composition is fixed.
    exact_preset: Preset | None = None


class Machine(Record):
    """How this machine runs the model: changing it makes no response invalid.

    `endpoint` is there for a model behind a server.
    """

    engine: EngineSettings
    preset: Preset
    endpoint: EndpointModel | None = None


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait for another process that answers for the same model and preset.

    When Snakemake alone is killed, its generate job runs on; the next run then takes over its
    journals instead of loading the model a second time.
    """
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle = (folder / ".lock").open("w")
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def check_files(manifest: ModelManifest, path: Path) -> None:
    """Raise when the weights a manifest names are no longer where they were."""
    for file in manifest.files:
        found = Path(manifest.directory) / file.name
        if not found.exists() or found.stat().st_size != file.size:
            raise EvaluationError(
                f"The model's file {file.name} is gone or has changed since it was fetched.",
                where=f"model {manifest.model}: {manifest.directory}",
                remedy=f"delete {path} and run again: the model is fetched anew",
            )


def load_model(
    manifest: ModelManifest,
    manifest_path: Path,
    machine: Machine,
    preset_name: str,
    *,
    thinking: bool | None,
    threads: int | None,
) -> Engine:
    """Load or reach a model.

    Raises EvaluationError if its files changed, this machine is too small or a key is missing.
    """
    if machine.endpoint is not None:
        from evaluation.engines.openai_engine import OpenAIEngine

        return OpenAIEngine(
            manifest.model,
            machine.endpoint,
            section=f"models.{manifest.model}",
            preset_name=preset_name,
            thinking=thinking,
        )
    check_files(manifest, manifest_path)
    size = manifest.parameters / 1e9
    check_size(manifest.model, size, machine.engine, gpu=gpu_visible())
    if machine.engine.name == "vllm":
        from evaluation.engines.vllm_engine import VllmEngine

        return VllmEngine(
            manifest, machine.engine, preset_name, machine.preset, thinking=bool(thinking)
        )
    from evaluation.engines.transformers_engine import TransformersEngine

    return TransformersEngine(
        manifest,
        machine.engine,
        preset_name,
        machine.preset,
        thinking=bool(thinking),
        threads=threads,
    )


def generate(
    settings: GenerateSettings,
    machine: Machine,
    queue: Sequence[Task],
    manifest_path: Path,
    output: Path,
    threads: int | None,
) -> None:
    """Write `output`; `queue` lists the other pending tasks of the same model and preset."""
    manifest = read_record(manifest_path, ModelManifest)
    engine_identity = identity(
        manifest.fingerprint,
        settings.preset_name,
        settings.engine,
        settings.engine_revision,
        thinking=settings.thinking,
        weights=settings.weights,
    )
    others = [task for task in queue if task != settings.task]

    def load() -> Engine:
        return load_model(
            manifest,
            manifest_path,
            machine,
            settings.preset_name,
            thinking=settings.thinking,
            threads=threads,
        )

    with one_at_a_time(Path(settings.task.journal).parents[2]):
        states = open_tasks([settings.task, *others], engine_identity)
        engine = run_queue(states, load, Progress(f"{settings.model}, {len(states)} datasets"))
    if engine is not None and machine.endpoint is None:
        session = engine.session
        log.info("model %s was loaded once for %d tasks", settings.model, len(states))
        note(Load(model=settings.model, seconds=session.load_seconds), session.id)
    write_responses(states[0], settings.model, settings.preset_name, output)
