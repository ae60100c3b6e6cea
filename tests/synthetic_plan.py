"""What a synthetic tier is of: models, datasets, and every number of every sample, without texts.

Models are invented; datasets are the real ones in name, protocol and metric only. Whether an answer
is right comes from a latent scale: a model's ability, less the dataset's and the sample's
difficulty, which all models share, as they do in real results.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Literal

from evaluation.benchmarks.mmlu import GROUP_OF
from evaluation.records import Protocol

Kind = Literal["choices", "code", "number", "boxed", "calls", "steps", "rules", "judged"]
Fate = Literal["scored", "failed", "not scored", "unscorable"]


@dataclass(frozen=True)
class Model:
    """An invented model; rates are tokens per second."""

    name: str
    ability: float
    device: str = "NVIDIA H100 80GB HBM3"
    preset: str = "balanced"
    thinking: bool = False
    prefill_rate: float = 24_000
    decode_rate: float = 1_900
    load_seconds: float = 74.0
    killed: bool = False


@dataclass(frozen=True)
class Dataset:
    """How a dataset is asked; `prompt` and `answer` are typical tokens of a question and answer."""

    name: str
    kind: Kind
    metric: str
    difficulty: float
    prompt: int
    answer: int
    protocol: Protocol = "chat"
    few_shot: int = 0
    categories: tuple[str, ...] = ("",)
    choices: int = 4


MODELS = (
    Model("alder_8b", 1.1),
    Model("birch_14b", 1.5, decode_rate=1_250, load_seconds=118.0),
    Model("cedar_9b", 1.15, thinking=True, preset="throughput"),
    Model("elm_7b", 0.2, killed=True),
    Model("fir_3b", -0.6, decode_rate=3_100, load_seconds=31.0),
    Model("hazel_1b", -1.4, device="cpu", prefill_rate=1_900, decode_rate=160, load_seconds=9.0),
    Model("larch_32b", 1.9, device="endpoint", load_seconds=0.0),
    Model("maple_13b", 0.25, decode_rate=1_300, preset="memory_saver"),
)

MATH = ("Algebra", "Geometry", "Number Theory", "Precalculus", "Counting & Probability")
CALLS = (
    *("simple_python", "multiple", "parallel", "parallel_multiple", "irrelevance"),
    *("live_simple", "live_multiple", "live_parallel", "live_irrelevance", "live_relevance"),
)
STEPS = (
    *("steps/first call", "steps/later call", "steps/finish", "steps/give up"),
    *("queries/g1_instruction", "queries/g1_tool", "queries/g2_category", "queries/g3_instruction"),
)
TOPICS = ("humanities", "coding", "stem", "writing", "roleplay", "math", "extraction", "reasoning")
RULES = ("keywords", "length_constraints", "detectable_format", "punctuation", "several kinds")

DATASETS = (
    Dataset("humaneval", "code", "pass@1", 0.2, 160, 130),
    Dataset("mbpp", "code", "pass@1", 0.3, 110, 90),
    Dataset("gsm8k", "number", "exact_match_strict", -0.4, 130, 170),
    Dataset(
        *("arc_challenge", "choices", "acc_norm", 0.1, 70, 0),
        protocol="harness",
        few_shot=25,
    ),
    Dataset("mt_bench", "judged", "rating", 0.3, 120, 240, categories=TOPICS),
    Dataset(
        *("hellaswag", "choices", "acc_norm", -0.1, 90, 0),
        protocol="harness",
        few_shot=10,
        categories=("activitynet", "wikihow"),
    ),
    Dataset(
        *("math", "boxed", "math_verify", 0.9, 140, 260),
        categories=tuple(f"{subject}/level {level}" for subject in MATH for level in range(1, 6)),
    ),
    Dataset("bfcl", "calls", "ast_accuracy", 0.0, 420, 45, categories=CALLS),
    Dataset("toolllama", "steps", "arg_f1", 0.8, 900, 110, categories=STEPS),
    Dataset(
        *("mmlu", "choices", "acc", 0.2, 80, 0),
        protocol="harness",
        few_shot=5,
        categories=tuple(sorted(GROUP_OF)),
    ),
    Dataset("ifeval", "rules", "prompt_level_strict", 0.1, 90, 210, categories=RULES),
    Dataset(
        *("winogrande", "choices", "acc", -0.1, 40, 0),
        protocol="harness",
        few_shot=5,
        choices=2,
    ),
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The numbers of one sample of a cell.

    `value` is from 0 to 1 and only means something where `fate` is scored; `second` is that of
    another metric or turn. Tokens of prompts leave out the worked examples.
    """

    fate: Fate
    value: float
    second: float
    prompt_tokens: int
    completion_tokens: int
    thinking_tokens: int
    truncated: bool
    cut_prompt: int


def category(dataset: Dataset, place: int) -> str:
    """The category of a sample: categories take turns, as in a tier's order."""
    return dataset.categories[place % len(dataset.categories)]


def draw(model: Model, dataset: Dataset, samples: int, seed: int) -> list[Drawn]:
    """The numbers of a cell; the same arguments give the same numbers, and fewer samples a part."""
    shared = random.Random(f"{seed}/{dataset.name}")
    own = random.Random(f"{seed}/{dataset.name}/{model.name}")
    affinity = own.gauss(0, 0.25)
    return [_sample(model, dataset, affinity, shared, own) for _ in range(samples)]


def _sample(
    model: Model, dataset: Dataset, affinity: float, shared: random.Random, own: random.Random
) -> Drawn:
    # As many numbers are drawn for each sample, so that one sample's fate moves no other.
    hard, row, length = shared.gauss(0, 1.1), shared.random(), shared.lognormvariate(0, 0.35)
    luck, other, lost, spread = own.random(), own.random(), own.random(), own.lognormvariate(0, 0.4)
    chance = {"choices": 1 / dataset.choices}.get(dataset.kind, 0.0)
    latent = 1 / (1 + exp(-1.3 * (model.ability + affinity - dataset.difficulty - hard)))
    likely = chance + (1 - chance) * latent
    answers = dataset.answer > 0
    truncated = answers and lost > 0.985
    fate: Fate = (
        "unscorable"
        if row < 0.008
        else "failed"
        if lost < 0.006
        else "not scored"
        if lost < 0.012
        else "scored"
    )
    asked = fate != "unscorable"
    # A truncated answer has not come to its end.
    right = luck < likely and not truncated
    graded = dataset.kind in ("judged", "steps")
    value = _clip(latent + 0.35 * (luck - 0.5)) if graded else float(right)
    return Drawn(
        fate=fate,
        value=value,
        second=min(1.0, max(0.0, value + 0.3 * (other - 0.55)))
        if graded
        else float(other < likely),
        prompt_tokens=max(12, round(dataset.prompt * length)) if asked else 0,
        completion_tokens=max(1, round(dataset.answer * spread)) if asked and answers else 0,
        thinking_tokens=round(180 * spread) if asked and answers and model.thinking else 0,
        truncated=truncated and asked,
        cut_prompt=120 if asked and dataset.prompt > 500 and lost > 0.99 else 0,
    )


def _clip(value: float) -> float:
    return min(1.0, max(0.0, value))


def spent(model: Model, drawn: Sequence[Drawn], few_shot_tokens: int) -> tuple[float, float]:
    """Engine seconds that a cell's prompts and answers take."""
    prompts = sum(one.prompt_tokens for one in drawn) + few_shot_tokens
    answers = sum(one.completion_tokens for one in drawn)
    return prompts / model.prefill_rate, answers / model.decode_rate
