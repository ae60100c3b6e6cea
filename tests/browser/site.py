"""Sites to look at: rendered from synthetic tiers, as the job that makes reports renders them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.config import Config
from evaluation.history import History
from evaluation.records import Result
from evaluation.report_plan import report_settings
from evaluation.reports import TierReport, render_report
from tests.synthetic_tier import (
    aggregate_of,
    comparisons_of,
    cost_of,
    presets_of,
    runs_of,
)


@dataclass(frozen=True)
class Site:
    """A rendered report: its folder, and what it is of."""

    folder: Path
    report: TierReport

    @property
    def pages(self) -> list[str]:
        """The paths of all pages, relative to the folder."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*.html"))

    def url(self, page: str) -> str:
        """The address of a page; what stands behind a # stays as it is."""
        path, mark, rest = page.partition("#")
        return f"{(self.folder / path).as_uri()}{mark}{rest}"


def render(
    folder: Path,
    results: Iterable[Result],
    models: Sequence[str],
    datasets: Sequence[str],
    *,
    tier: str = "full",
    compared: bool = True,
    config: Config | None = None,
) -> Site:
    """Render the site of some results, of which there may be fewer than models and datasets."""
    found = list(results)
    aggregate = aggregate_of(found, models, datasets, tier)
    comparisons = comparisons_of(found, models, datasets, tier) if compared else None
    report = TierReport(
        aggregate=aggregate,
        comparisons=comparisons,
        cost=cost_of(aggregate, comparisons),
        presets=presets_of(models),
        settings=report_settings(config, tier, ["config.yaml"]) if config else None,
        history=History(runs_of(aggregate)),
    )
    render_report(report, found, folder)
    return Site(folder, report)
