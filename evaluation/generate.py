"""One generate job: answer its own task, and with the same load the tasks that wait behind it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from evaluation.config import EngineSettings, Preset
from evaluation.engines.base import Engine
from evaluation.engines.device import check_size, gpu_visible
from evaluation.files import read_record
from evaluation.progress import Progress
from evaluation.queue import Task, open_tasks, run_queue, write_responses
from evaluation.records import ModelManifest, Record
from evaluation.requests import identity
from evaluation.run_notes import Load, note

log = logging.getLogger(__name__)


class GenerateSettings(Record):
    """The settings that decide a generate job's responses.

    `requests` is the digest of the dataset's requests and `engine_revision` the engine's own: both
    are there so that a change in them makes Snakemake run the job again.
    """

    model: str
    preset_name: str
    preset: Preset
    engine: EngineSettings
    engine_revision: int
    thinking: bool
    task: Task
    requests: str


def generate(
    settings: GenerateSettings,
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
    )
    others = [task for task in queue if task != settings.task]
    states = open_tasks([settings.task, *others], engine_identity)

    def load() -> Engine:
        size = manifest.parameters / 1e9
        check_size(manifest.model, size, settings.engine, gpu=gpu_visible())
        from evaluation.engines.transformers_engine import TransformersEngine

        return TransformersEngine(
            manifest,
            settings.engine,
            settings.preset_name,
            settings.preset,
            thinking=settings.thinking,
            threads=threads,
        )

    engine = run_queue(states, load, Progress(f"{settings.model}, {len(states)} datasets"))
    if engine is not None:
        session = engine.session
        log.info("model %s was loaded once for %d tasks", settings.model, len(states))
        note(Load(model=settings.model, seconds=session.load_seconds), session.id)
    write_responses(states[0], settings.model, settings.preset_name, output)
