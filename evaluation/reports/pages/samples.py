"""The samples page: it loads what `sample_data` wrote, a cell at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite

from evaluation.records import Cell, Record, SourceKind
from evaluation.reports import format as fmt
from evaluation.reports import links, notes
from evaluation.reports.inputs import Key, TierReport
from evaluation.reports.sample_data import Text, link_name
from evaluation.reports.samples import VERDICTS
from evaluation.reports.site import page

# Scripts that this page's own scripts add, and only from addresses that a policy has checked.
TRUST = "'strict-dynamic'; require-trusted-types-for 'script'; trusted-types samples"


# What a sample can be besides its verdict: a row's `marks` and `error`.
OTHERS = (("truncated", "", "truncated"), ("error", "", "with an error"))


class ShownCell(Record):
    """A cell as the page's lists have it; without `files` there are no samples to show.

    `score` is its score in few words (as in the list of datasets), `about` the rest in words.
    """

    model: int
    dataset: int
    folder: str
    files: int | None
    samples: int
    score: Text
    about: tuple[Text, ...]
    source: SourceKind
    note: Text
    flags: tuple[Text, ...]


class Named(Record):
    """A model or dataset: its name as shown, as links have it, and its page if it has one."""

    name: Text
    key: str
    page: str = ""


class Tier(Record):
    """What the page knows before it loads any samples."""

    tier: Text
    models: tuple[Named, ...]
    datasets: tuple[Named, ...]
    cells: tuple[ShownCell, ...]


def render(report: TierReport, files: Mapping[Key, int]) -> str:
    """The samples page of a tier; `files` says how many files with samples each cell has."""
    known = tier(report, files)
    return page(
        "samples.html",
        links.SAMPLES,
        styles=["samples"],
        scripts=["sample_files", "sample_search", "sample_view", "sample_cell", "samples"],
        trust=TRUST,
        tier=known,
        # Escaped like any text: the page's script reads it as JSON from a hidden element.
        data=json.dumps(known.model_dump(mode="json", exclude_defaults=True)),
        kinds=[("all", "", "all"), *((name, *shown) for name, shown in VERDICTS.items()), *OTHERS],
    )


def tier(report: TierReport, files: Mapping[Key, int]) -> Tier:
    """The models, datasets and cells of a report."""
    aggregate = report.aggregate
    models = {name: place for place, name in enumerate(aggregate.models)}
    datasets = {name: place for place, name in enumerate(aggregate.datasets)}
    return Tier(
        tier=report.tier,
        models=tuple(
            Named(name=name, key=link_name(name), page=links.model_page(name)) for name in models
        ),
        datasets=tuple(
            Named(name=notes.plain_title(report.title(name)), key=link_name(name))
            for name in datasets
        ),
        cells=tuple(
            _cell(cell, models[cell.model], datasets[cell.dataset], files)
            for cell in aggregate.cells
        ),
    )


def _cell(cell: Cell, model: int, dataset: int, files: Mapping[Key, int]) -> ShownCell:
    score = fmt.primary(cell.scores)
    if score is None or score.value is None or not isfinite(score.value):
        word, reason = notes.not_scored(cell, score)
        about = [f"{word}: {reason}"]
    else:
        word = fmt.number(score.metric, score.value)
        about = [f"{word} {score.metric}"]
        if score.interval is not None:
            between = fmt.interval(score.metric, score.interval)
            about.append(f"{between} ({fmt.method(score.interval)})")
    about += [
        fmt.setup(cell.protocol, cell.few_shot, cell.repeats),
        fmt.plural(cell.counts.samples, "sample"),
        f"{cell.counts.scored:,} scored",
    ]
    source = cell.provenance.dataset_source
    note = notes.source_note(source, cell.title)
    return ShownCell(
        model=model,
        dataset=dataset,
        folder=links.cell_data(cell.model, cell.dataset),
        files=files.get((cell.model, cell.dataset)),
        samples=cell.counts.samples,
        score=word,
        about=tuple(about),
        source=source,
        note=f"The rows are {'a ' if source == 'mirror' else ''}{note}." if note else "",
        flags=notes.flags(cell),
    )
