"""Write the report of a tier: its pages, and the data that the samples page loads.

Results are taken one at a time; what pages need of their samples is kept in short.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.files import write_text
from evaluation.records import Aggregate, Result
from evaluation.reports import links, sample_data
from evaluation.reports.digest import digests
from evaluation.reports.inputs import Key, SampleDigest, TierReport
from evaluation.reports.pages import (
    model,
    overview,
    pair,
    performance,
    presets,
    provenance,
    samples,
)
from evaluation.reports.samples import views


def render_report(report: TierReport, results: Iterable[Result], folder: Path) -> Path:
    """Write the report into `folder` and return the path of its overview.

    `results` are the aggregate's cells with their samples, in any order; they are taken one at a
    time, so an iterator that reads them from disk keeps memory small. A cell whose result is not
    given has no samples to show. Raises EvaluationError when the aggregate and the results do not
    belong together.
    """
    _check(report.aggregate)
    known = {(c.model, c.dataset) for c in report.aggregate.cells}
    found: dict[Key, tuple[SampleDigest, ...]] = {}
    files: dict[Key, int] = {}
    for result in results:
        key = (result.model, result.dataset)
        where = f"model {result.model}, dataset {result.dataset}, tier {result.tier}"
        if key not in known or result.tier != report.tier:
            raise EvaluationError(
                f"A result is not a cell of the aggregate of tier {report.tier}.",
                where=where,
                remedy="make the aggregate again from the results the report is made from",
            )
        if key in found:
            raise EvaluationError("A result was given twice.", where=where)
        shown = views(result)
        found[key] = digests(shown)
        files[key] = sample_data.write(result, shown, found[key], folder)
    report = replace(report, digests=found)
    pages = {
        links.SAMPLES: samples.render(report, files),
        links.PERFORMANCE: performance.render(report),
        links.PRESETS: presets.render(report),
        links.PROVENANCE: provenance.render(report),
        **{links.model_page(name): model.render(report, name) for name in report.aggregate.models},
        **{links.pair_page(one.a, one.b): pair.render(report, one) for one in report.pairs()},
        links.OVERVIEW: overview.render(report),
    }
    for path, text in pages.items():
        # The hashes hold for the bytes as they are; `write_text` translates no line ends.
        write_text(folder / path, text)
    return folder / links.OVERVIEW


def _check(aggregate: Aggregate) -> None:
    seen: set[Key] = set()
    for cell in aggregate.cells:
        key = (cell.model, cell.dataset)
        listed = cell.model in aggregate.models and cell.dataset in aggregate.datasets
        if key in seen or not listed:
            raise EvaluationError(
                f"A cell of the aggregate is {'there twice' if key in seen else 'not listed'}.",
                where=f"model {cell.model}, dataset {cell.dataset}, tier {aggregate.tier}",
                remedy="make the aggregate again",
            )
        seen.add(key)
