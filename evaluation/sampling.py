"""The order of samples: seeded, stratified, and the same for every tier.

Tiers are prefixes of one order, so quick is part of standard and standard of full. The order
takes one sample of each stratum in turn, so that a prefix holds all strata equally as far as
their counts allow; it depends on nothing but the seed, the dataset and the set of its samples (a
mirror may list them in another order than the Hub). Nested strata ("Algebra/level 3") take turns
within the turns of the stratum around them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from evaluation.records import Sample


def stratified_order(samples: Sequence[Sample], dataset: str, seed: int) -> list[Sample]:
    """All samples, reordered by rounds over the strata (`category`).

    Unscorable samples belong to no stratum; they stand at random places, so that a tier has its
    share of them.
    """
    by_id = sorted(samples, key=lambda sample: sample.id)
    order = _rounds(
        [(s.category.split("/"), s) for s in by_id if not s.unscorable], f"{seed}/{dataset}"
    )
    generator = random.Random(f"{seed}/{dataset}/unscorable")
    for sample in by_id:
        if sample.unscorable:
            order.insert(generator.randint(0, len(order)), sample)
    return order


def _rounds(members: Sequence[tuple[Sequence[str], Sample]], seed: str) -> list[Sample]:
    """Members, each with the rest of its path, in rounds over the strata at this level."""
    strata: dict[str, list[tuple[Sequence[str], Sample]]] = {}
    for path, sample in members:
        strata.setdefault(path[0] if path else "", []).append((path[1:], sample))
    if len(strata) == 1 and not any(path for path, _ in members):
        order = [sample for _, sample in members]
        random.Random(seed).shuffle(order)
        return order
    orders = {name: _rounds(inner, f"{seed}/{name}") for name, inner in strata.items()}
    generator = random.Random(seed)
    found: list[Sample] = []
    turn = 0
    while names := sorted(name for name, inner in orders.items() if turn < len(inner)):
        # A new order of strata each round: no stratum is always first to enter a tier.
        generator.shuffle(names)
        found.extend(orders[name][turn] for name in names)
        turn += 1
    return found
