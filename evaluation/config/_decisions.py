"""How numbers become decisions: comparisons, choice of presets, the gate, and what things cost."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from evaluation.config._fields import Name, Section, Whole, no_switch

Share = Annotated[float, Field(ge=0, le=1), BeforeValidator(no_switch)]
Amount = Annotated[float, Field(ge=0), BeforeValidator(no_switch)]


class ComparisonSettings(Section):
    """How pairs of models, and of presets, are compared."""

    confidence: Share = Field(
        0.95,
        gt=0.5,
        lt=1,
        description="confidence of intervals; errors of a family of tests stay "
        "at or under 1 less this",
    )
    power: Share = Field(
        0.8,
        gt=0.5,
        lt=1,
        description="power that detectable differences and needed samples mean",
    )
    margin: Share = Field(
        0.02,
        gt=0,
        description="smallest difference of scores that matters: within it, two models "
        "count as equal",
    )
    draws: Whole = Field(10_000, ge=1000, description="draws of bootstrap and permutation tests")
    allow_mismatch: bool = Field(
        False,
        description="compare results of other samples, protocols or judges than each other's; the "
        "samples they share are compared, and the comparison says so",
    )


class PresetSelection(Section):
    """When a preset is healthy, and how another one is chosen. Shares are of the quick run."""

    enabled: bool = Field(
        True,
        description="let standard and full use the preset that quick runs show to be right; "
        "otherwise `default_preset`, and `optimal_presets` where a model has one",
    )
    candidates: list[Name] = Field(
        default_factory=lambda: ["memory_saver", "throughput"],
        description="presets to try, in this order, when `default_preset` is not healthy",
    )
    backoffs: Share = Field(0.05, description="most responses that had to start again")
    failed: Share = Field(0.02, description="most failed samples")
    truncated: Share = Field(0.5, description="most answers cut off at their longest length")
    unstable: Share = Field(0.2, description="most answers that end in repeating themselves")
    headroom: Share = Field(0.03, description="least share of the device's memory left free")
    tokens_per_second: Amount | None = Field(
        None, description="fewest tokens generated a second; empty: any speed will do"
    )
    margin: Share = Field(
        0.05,
        gt=0,
        description="most that a candidate's mean score may be lower than the "
        "default's, with `comparison.confidence`",
    )


class GateRule(Section):
    """A candidate that may not be worse than a baseline."""

    candidate: Name = Field(description="model, by its name in `models`")
    baseline: Name = Field(description="model it is compared with")
    datasets: list[Name] = Field(
        default_factory=list, description="datasets, each by itself; none: the macro average"
    )
    max_loss: Share = Field(description="most that the candidate may be worse, in score")
    confidence: Share = Field(
        0.95, gt=0.5, lt=1, description="confidence with which that must be shown"
    )


class GateSettings(Section):
    """Rules for CI: `results/TIER/gate.json`, and a non-zero exit when one is violated."""

    rules: list[GateRule] = Field(
        default_factory=list, description="candidates that may not be worse than baselines"
    )
    min_scores: dict[Name, Share] = Field(
        default_factory=dict, description="least primary score of every model, by dataset"
    )
    max_truncated: Share | None = Field(
        None, description="most truncated answers of any result; empty: no limit"
    )
    max_failed: Share | None = Field(
        None, description="most failed samples of any result; empty: no limit"
    )


class TokenPrice(Section):
    """What a model behind a server charges."""

    prompt: Amount = Field(description="price of a million prompt tokens")
    completion: Amount = Field(description="price of a million generated tokens")


class CostSettings(Section):
    """Prices; what has none is counted in hours, kWh and tokens only."""

    currency: str = Field("USD", min_length=1, max_length=8, description="currency of the prices")
    gpu_hour: Amount | None = Field(None, description="price of an hour of a GPU")
    cpu_hour: Amount | None = Field(None, description="price of an hour of a machine without one")
    kwh: Amount | None = Field(None, description="price of a kWh of the GPU's energy")
    tokens: dict[Name, TokenPrice] = Field(
        default_factory=dict,
        description="token prices of models behind servers, by model; `endpoint`: the judge's",
    )


class AdaptiveSettings(Section):
    """`snakemake adaptive`: samples are added only where a comparison is undecided."""

    spending: Literal["obrien_fleming", "pocock"] = Field(
        "obrien_fleming",
        description="how the error is shared out over the looks: strict early and nearly the whole "
        "at the end, or evenly",
    )
    futility: Share = Field(
        0.1,
        description="stop a comparison that would show a difference with less than this "
        "probability, were all samples of `full` to go on as before; 0: never",
    )
