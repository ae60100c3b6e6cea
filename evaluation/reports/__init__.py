"""The HTML report: one page of scores and one page of samples per cell."""

from __future__ import annotations

from evaluation.reports.render import render_report

__all__ = ["render_report"]
