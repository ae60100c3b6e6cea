"""The presets page: which preset each model ran with, why, and what that was decided from."""

from __future__ import annotations

from evaluation.config import TIERS
from evaluation.reports import links
from evaluation.reports.inputs import TierReport
from evaluation.reports.preset_view import (
    evidence,
    model_presets,
    session_rows,
    settings_rows,
    signs,
)
from evaluation.reports.site import page


def render(report: TierReport) -> str:
    """The presets page of a tier."""
    config = report.settings.config if report.settings is not None else None
    choices = evidence(report.presets)
    return page(
        "presets.html",
        links.PRESETS,
        styles=["presets"],
        report=report,
        quick=report.tier == TIERS[0],
        enabled=config.preset_selection.enabled if config is not None else None,
        models=model_presets(report),
        choices=choices,
        signs=signs(choices),
        presets=settings_rows(config),
        sessions=session_rows(report),
    )
