"""Datasets and tiers: where rows come from and how they are asked."""

from __future__ import annotations

from typing import Self

from pydantic import (
    Field,
    model_validator,
)

from evaluation.config._fields import (
    TIERS,
    Count,
    Section,
    Temperature,
    Tokens,
    Whole,
)
from evaluation.records import Protocol, SourceKind


class TierSettings(Section):
    """What one tier asks differently; empty values are the dataset's."""

    protocol: Protocol | None = Field(None, description="prompt and extraction rules in this tier")
    few_shot: Count | None = Field(None, description="worked examples in this tier")


class TierOverrides(Section):
    """The tiers of a dataset that are asked differently."""

    quick: TierSettings = Field(
        default_factory=lambda: TierSettings(), description="in the quick tier"
    )
    standard: TierSettings = Field(
        default_factory=lambda: TierSettings(), description="in the standard tier"
    )
    full: TierSettings = Field(
        default_factory=lambda: TierSettings(), description="in the full tier"
    )


class DatasetSettings(Section):
    """How one dataset is read and asked."""

    source: SourceKind | None = Field(
        None, description="where the rows come from; empty: `mirror` if set, else `dataset_source`"
    )
    revision: str | None = Field(None, description="Hub commit; empty: the one this version pins")
    protocol: Protocol = Field(
        description="prompt and extraction rules; each dataset offers some of them"
    )
    few_shot: Whole = Field(0, ge=0, description="worked examples before each question (harness)")
    max_new_tokens: Tokens | None = Field(
        None, description="room for the answer, in tokens; empty: the protocol's own"
    )
    repeats: Whole = Field(
        1, ge=1, description="independent attempts at each sample, for pass@k (code tasks)"
    )
    temperature: Temperature = Field(
        0.0, ge=0, le=2, description="temperature of repeated attempts; 0 decodes greedily"
    )
    tiers: TierOverrides = Field(
        default_factory=lambda: TierOverrides(), description="what single tiers ask differently"
    )


class Tiers(Section):
    """Samples per dataset; each tier extends the one before."""

    quick: Whole = Field(20, ge=1, description="samples of the quick tier")
    standard: Whole = Field(100, ge=1, description="samples of the standard tier")
    full: Whole = Field(200, ge=1, description="samples of the full tier")

    @model_validator(mode="after")
    def _grow(self) -> Self:
        if not self.quick < self.standard < self.full:
            raise ValueError(
                f"sizes must grow: quick < standard < full, found "
                f"{self.quick}, {self.standard}, {self.full}"
            )
        return self


def asked(dataset: DatasetSettings, tier: str) -> tuple[Protocol, int]:
    """Protocol and worked examples of a dataset in a tier."""
    own: TierSettings = getattr(dataset.tiers, tier)
    few_shot = dataset.few_shot if own.few_shot is None else own.few_shot
    return own.protocol or dataset.protocol, few_shot


def wrongly_asked(name: str, dataset: DatasetSettings) -> list[str]:
    """A cell must not be labelled with a protocol or with examples that it was not asked with."""
    from evaluation.benchmarks import benchmark  # which needs the names of this module

    card = benchmark(name).card
    problems = []
    for tier in TIERS:
        own: TierSettings = getattr(dataset.tiers, tier)
        protocol, few_shot = asked(dataset, tier)
        key = f"datasets.{name}" if own == TierSettings() else f"datasets.{name}.tiers.{tier}"
        if protocol not in card.protocols:
            problems.append(
                f"{key}.protocol: found '{protocol}'; allowed: {', '.join(card.protocols)}"
            )
        if protocol != "harness" and few_shot > 0:
            problems.append(
                f"{key}.few_shot: found {few_shot}; allowed: 0, because the {protocol} "
                "protocol has no worked examples"
            )
    if dataset.repeats > 1 and not card.repeatable:
        problems.append(
            f"datasets.{name}.repeats: found {dataset.repeats}; allowed: 1, because only the "
            "answers to code tasks are counted over attempts"
        )
    elif dataset.repeats > 1 and dataset.temperature == 0:
        problems.append(
            f"datasets.{name}.temperature: found 0; allowed: above 0 with {dataset.repeats} "
            "repeats, which would all be the same"
        )
    if dataset.repeats == 1 and dataset.temperature > 0:
        problems.append(
            f"datasets.{name}.temperature: found {dataset.temperature:g}; allowed: 0 unless "
            "`repeats` is above 1"
        )
    return list(dict.fromkeys(problems))
