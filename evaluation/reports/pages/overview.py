"""The overview: who leads and what of it is decided, every score, and what is missing."""

from __future__ import annotations

from evaluation.reports import heat, links, score_tables, versus
from evaluation.reports.absences import absences
from evaluation.reports.headline import headline
from evaluation.reports.inputs import TierReport
from evaluation.reports.matrix import matrix
from evaluation.reports.run_facts import run_facts
from evaluation.reports.site import page

# With more models than this the heat table scrolls even on a wide screen.
FITS = 8


def render(report: TierReport) -> str:
    """The overview of a tier."""
    aggregate = report.aggregate
    there = {key: links.cell_samples(*key) for key in report.digests}
    rows = heat.heat_rows(aggregate, there)
    found = headline(report)
    compared = matrix(report)
    return page(
        "overview.html",
        links.OVERVIEW,
        styles=["overview"],
        scripts=["overview"],
        aggregate=aggregate,
        headline=found,
        rows=rows,
        averages=heat.averages(report),
        fits=len(aggregate.models) <= FITS,
        absences=absences(rows),
        empty=sum(bool(cell.word) for row in rows for cell in row.cells),
        bundled=[row.title for row in rows if "bundled" in row.sources],
        mirrored=[row.title for row in rows if "mirror" in row.sources],
        # Of two models the table of the headline says all.
        matrix=compared if len(compared) > 2 or not found.against else [],
        symbols=versus.SYMBOLS,
        comparisons=report.comparisons,
        groups=score_tables.groups(aggregate),
        methods=score_tables.methods(aggregate),
        facts=run_facts(report),
    )
