"""The HTML report of a tier: pages that open from a file, without a server."""

from __future__ import annotations

from evaluation.reports.inputs import TierReport
from evaluation.reports.render import render_report

__all__ = ["TierReport", "render_report"]
