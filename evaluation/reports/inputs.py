"""What the pages of a tier's report are made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from evaluation.history import History
from evaluation.records import (
    Aggregate,
    Cell,
    Comparison,
    Comparisons,
    PresetChoice,
    TierCost,
)
from evaluation.report_plan import ReportSettings

Key = tuple[str, str]
Verdict = Literal["right", "wrong", "partial", "scored", "unscored", "unscorable", "failed"]


@dataclass(frozen=True, slots=True)
class SampleDigest:
    """One sample as tables and charts need it; texts are single lines, cut.

    `value` is the sample's score in the metric that its verdict is made from, `word` the verdict in
    words. Tokens and seconds are sums over its turns.
    """

    id: str
    category: str
    verdict: Verdict
    word: str
    value: float | None
    answer: str | None
    gold: str
    reason: str
    finish_reasons: tuple[str, ...]
    truncated_answer: bool
    truncated_prompt: bool
    prompt_tokens: int
    completion_tokens: int
    thinking_tokens: int
    latency_seconds: float


@dataclass(frozen=True)
class TierReport:
    """A tier: its aggregate, what was decided from it, and the samples of each cell in short.

    `digests` has the cells whose results were given; the others have no samples to show.
    """

    aggregate: Aggregate
    comparisons: Comparisons | None = None
    cost: TierCost | None = None
    presets: Sequence[PresetChoice] = ()
    settings: ReportSettings | None = None
    history: History | None = None
    digests: Mapping[Key, Sequence[SampleDigest]] = field(default_factory=dict)

    @property
    def tier(self) -> str:
        """The tier's name."""
        return self.aggregate.tier

    def cell(self, model: str, dataset: str) -> Cell | None:
        """A cell; None where it is missing."""
        cells = self.aggregate.cells
        return next((c for c in cells if (c.model, c.dataset) == (model, dataset)), None)

    def cells_of(self, model: str) -> list[Cell]:
        """The cells of a model, in the order of the datasets."""
        found = (self.cell(model, dataset) for dataset in self.aggregate.datasets)
        return [cell for cell in found if cell is not None]

    def title(self, dataset: str) -> str:
        """A dataset's title as its cells have it, or its name."""
        return next((c.title for c in self.aggregate.cells if c.dataset == dataset), dataset)

    def bundled(self, datasets: Iterable[str]) -> int:
        """How many of the datasets are bundled samples."""
        sources = {c.dataset: c.provenance.dataset_source for c in self.aggregate.cells}
        return sum(sources.get(dataset) == "bundled" for dataset in datasets)

    def pairs(self) -> list[Comparison]:
        """The comparisons of two models."""
        found = self.comparisons.comparisons if self.comparisons is not None else []
        return [one for one in found if one.kind == "models"]
