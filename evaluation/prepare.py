"""Prepare a dataset: rows from a source, normalised, ordered, fingerprinted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import Benchmark
from evaluation.errors import EvaluationError
from evaluation.files import write_record, write_records
from evaluation.records import DatasetManifest, Record, Sample, SampleResult, SourceKind
from evaluation.sampling import stratified_order
from evaluation.sources import read_rows

# Above this share of samples that cannot be scored, a dataset or a cell fails.
MOST_UNSCORABLE = 0.05


class PrepareSettings(Record):
    """The settings that decide a prepared dataset; `normaliser` is `requests.normaliser_digest`."""

    dataset: str
    source: SourceKind
    revision: str | None
    mirror: str | None
    few_shot: int
    seed: int
    normaliser: str


def prepare_dataset(settings: PrepareSettings, samples: Path, manifest: Path) -> DatasetManifest:
    """Write the ordered samples (JSON lines) and the manifest; return the manifest.

    Raises EvaluationError that names the dataset, the source or the row.
    """
    task = benchmark(settings.dataset)
    raw = read_rows(
        task,
        settings.source,
        revision=settings.revision,
        mirror=settings.mirror,
        few_shot=settings.few_shot,
    )
    ordered = stratified_order(normalise(task, raw.rows), settings.dataset, settings.seed)
    pool = [sample for sample in normalise(task, raw.few_shot) if not sample.unscorable]
    where = f"dataset {settings.dataset}, source {settings.source}: {raw.location}"
    if not ordered:
        raise EvaluationError(
            "The dataset has no rows.",
            where=where,
            remedy=f"check the source and revision of datasets.{settings.dataset}",
        )
    unusable = [sample for sample in ordered if sample.unscorable]
    refuse_unscorable(unusable, len(ordered), where, task.card.hub_id)
    # Examples may be picked by category (MMLU), so one sample of each is tried.
    for category, sample in {s.category: s for s in ordered if not s.unscorable}.items():
        found = len(task.pick_few_shot(sample, pool, settings.few_shot))
        if found < settings.few_shot:
            of = f" for category {category}" if category else ""
            raise EvaluationError(
                f"{settings.few_shot} worked examples are asked for, the source has {found}{of}.",
                where=where,
                remedy=f"set datasets.{settings.dataset}.few_shot to at most {found}",
            )
    result = DatasetManifest(
        dataset=settings.dataset,
        source=settings.source,
        location=raw.location,
        revision=raw.revision,
        licence=raw.licence,
        fingerprint=fingerprint([*ordered, *pool]),
        rows=len(ordered),
        unscorable=len(unusable),
        seed=settings.seed,
        few_shot=pool,
    )
    write_records(samples, ordered)
    write_record(manifest, result)
    return result


def refuse_unscorable(
    unscorable: Sequence[Sample | SampleResult], of: int, where: str, hub_id: str
) -> None:
    """Raise when more than 5% of the samples cannot be scored: the rest would be a selection."""
    if len(unscorable) > MOST_UNSCORABLE * of:
        first = unscorable[0]
        reason = first.unscorable if isinstance(first, Sample) else first.reason
        named = reason if reason.startswith(f"{first.id}: ") else f"{first.id}: {reason}"
        raise EvaluationError(
            f"{len(unscorable)} of {of} samples cannot be scored, more than "
            f"{MOST_UNSCORABLE:.0%}; the first: {named}",
            where=where,
            remedy=f"check that the rows have the columns and values of {hub_id}, and the source "
            "and revision of the dataset in the configuration",
        )


def normalise(task: Benchmark[Any], rows: Iterable[dict[str, object]]) -> list[Sample]:
    """All rows as samples; a repeated id is made unique by its occurrence."""
    samples: dict[str, Sample] = {}
    counts: dict[str, int] = {}
    for index, row in enumerate(rows):
        sample = task.sample(row, index)
        name = sample.id
        while name in samples:
            counts[sample.id] = counts.get(sample.id, 1) + 1
            name = f"{sample.id}#{counts[sample.id]}"
        samples[name] = sample.model_copy(update={"id": name})
    return list(samples.values())


def fingerprint(samples: Iterable[Sample]) -> str:
    """sha256 over the samples in order."""
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(sample.model_dump_json().encode("utf-8"))
    return digest.hexdigest()
