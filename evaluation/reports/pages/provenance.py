"""The provenance page: where the numbers come from, what changed, and how to run it again."""

from __future__ import annotations

from evaluation.reports import links
from evaluation.reports.changes_view import changes_view
from evaluation.reports.inputs import TierReport
from evaluation.reports.origins import origins
from evaluation.reports.reproduce import CONFIGURATION, reproduction
from evaluation.reports.site import page


def render(report: TierReport) -> str:
    """The provenance page of a tier."""
    return page(
        "provenance.html",
        links.PROVENANCE,
        styles=["provenance"],
        report=report,
        origins=origins(report),
        changes=changes_view(report.history),
        again=reproduction(report),
        configuration_file=CONFIGURATION,
    )
