"""The page that compares two models."""

from __future__ import annotations

from evaluation.records import Comparison
from evaluation.reports import differences, disagreements, links, pair_categories, pair_view
from evaluation.reports.inputs import TierReport
from evaluation.reports.site import page
from evaluation.reports.versus import SYMBOLS


def render(report: TierReport, found: Comparison) -> str:
    """The page of a pair of models; `found` is one of the report's comparisons."""
    assert report.comparisons is not None
    settings = report.comparisons
    lines = pair_view.lines(report, found)
    differing = disagreements.disagreements(report, found)
    return page(
        "pair.html",
        links.pair_page(found.a, found.b),
        styles=["pair"],
        tier=report.tier,
        found=found,
        settings=settings,
        diff=differences,
        symbols=SYMBOLS,
        lines=lines,
        overall=pair_view.overall(found),
        averaged=pair_view.averaged(found),
        groups=pair_view.groups(lines),
        nearest=pair_view.nearest(lines),
        reach=pair_view.reach(lines),
        chart=pair_view.chart(lines, found, settings.margin),
        agreements=pair_view.agreements(found),
        categories=pair_categories.categories(found),
        warnings=pair_view.warnings(found),
        left_out=pair_view.left_out(report, found),
        disagreements=differing,
        differing={one.dataset: number for number, one in enumerate(differing, 1)},
    )
