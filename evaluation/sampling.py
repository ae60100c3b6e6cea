"""The order of samples: seeded, stratified, and the same for every tier.

Tiers are prefixes of one order, so quick is part of standard and standard of full. The order
takes one sample of each stratum in turn, so that a prefix holds all strata equally as far as
their counts allow; it depends on nothing but the seed, the dataset and its rows.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from evaluation.records import Sample


def stratified_order(samples: Sequence[Sample], dataset: str, seed: int) -> list[Sample]:
    """All samples, reordered by rounds over the strata (`category`)."""
    strata: dict[str, list[Sample]] = {}
    for sample in samples:
        strata.setdefault(sample.category, []).append(sample)
    for name, members in strata.items():
        random.Random(f"{seed}/{dataset}/{name}").shuffle(members)
    generator = random.Random(f"{seed}/{dataset}")
    order: list[Sample] = []
    turn = 0
    while strata:
        names = sorted(name for name, members in strata.items() if turn < len(members))
        if not names:
            break
        # A new order of strata each round: no stratum is always first to enter a tier.
        generator.shuffle(names)
        order.extend(strata[name][turn] for name in names)
        turn += 1
    return order
