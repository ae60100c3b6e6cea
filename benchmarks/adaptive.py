"""Simulation of the adaptive tier: its errors, its power, and the samples it saves.

`python -m benchmarks.adaptive` writes its tables into docs/adaptive.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.adaptive_draws import (
    ALPHA,
    SHOWN,
    SIZES,
    SPENDINGS,
    Looks,
    Numbers,
    Outcome,
    binary,
    holm,
    ratings,
    take_looks,
)
from benchmarks.document import replace_section, table
from evaluation.config import AdaptiveSettings

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "adaptive.md"
DRAWS = 10_000
FAMILY = 12
FUTILITY = AdaptiveSettings().futility
# True differences of the twelve datasets: three of none at all, most of a few points, two large.
MIX = (0.0, 0.0, 0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.10, 0.15)
# Shares of samples that only one of two equal models gets right.
RATES = (0.05, 0.1, 0.2, 0.4, 0.8)


def false_rate(outcome: Outcome, truth: Sequence[float]) -> float:
    """How often a family shows any difference where there is none."""
    return float(((outcome.status == SHOWN) & (np.array(truth) == 0)).any(axis=1).mean())


def shown(outcome: Outcome) -> Numbers:
    """How often each dataset's difference is shown, for the right model."""
    found: Numbers = ((outcome.status == SHOWN) & (outcome.sign > 0)).mean(axis=0)
    return found


def shown_at(looks: Looks, look: int) -> Numbers:
    """The same for one look at a fixed number of samples."""
    found: Numbers = ((holm(looks.p[..., look]) <= ALPHA) & (looks.difference[..., look] > 0)).mean(
        axis=0
    )
    return found


def saved(outcome: Outcome) -> float:
    """The share of the samples of full that were not asked."""
    return 1 - float(outcome.samples.mean()) / SIZES[-1]


def errors(draws: int) -> str:
    """The table of false differences, in single comparisons and in families without any."""
    rows = []
    for family in (1, FAMILY):
        truth = (0.0,) * family
        drawn = {f"right or wrong, {d:.0%} discordant": binary(truth, draws, 1, d) for d in RATES}
        drawn["ratings"] = ratings(truth, draws, 2)
        for kind, looks in drawn.items():
            rates = [
                f"{false_rate(take_looks(looks, spending, futility), truth):.1%}"
                for spending in SPENDINGS
                for futility in (FUTILITY, 0.0)
            ]
            rows.append([f"{family} × {kind}", *rates])
    names = [name.format(s) for s in SPENDINGS for name in ("`{}`", "`{}`, never stopped")]
    return table(["comparisons of equal models", *names], rows)


def savings(drawn: Mapping[str, Looks]) -> str:
    """The table of samples saved, by mix of true differences and by spending."""
    rows = []
    for mix, looks in drawn.items():
        full = shown_at(looks, -1).sum()
        row = [mix]
        for spending in SPENDINGS:
            outcome = take_looks(looks, spending, FUTILITY)
            power = f"{shown(outcome).sum() / full:.0%}" if full > 0.5 else "–"
            row += [f"{saved(outcome):.0%}", power]
        half = f"{shown_at(looks, 1).sum() / full:.0%}" if full > 0.5 else "–"
        rows.append([*row, half])
    names = [name.format(s) for s in SPENDINGS for name in ("`{}`: saved", "shown")]
    return table(["12 datasets", *names, f"shown by {SIZES[1]} for all"], rows)


def by_difference(looks: Looks) -> str:
    """The table of the mix, by true difference."""
    outcome = take_looks(looks, "obrien_fleming", FUTILITY)
    columns = (shown(outcome), shown_at(looks, -1), shown_at(looks, 1))
    rows = []
    for truth in dict.fromkeys(MIX):
        own = np.array(MIX) == truth
        rates = [f"{column[own].mean():.1%}" for column in columns]
        rows.append([f"{100 * truth:g}", f"{outcome.samples[:, own].mean():.0f}", *rates])
    heads = ["shown", f"shown by {SIZES[-1]} for all", f"shown by {SIZES[1]} for all"]
    return table(["true difference, points", "samples asked", *heads], rows)


def by_futility(looks: Looks) -> str:
    """The table of the mix, by the setting `adaptive.futility`."""
    full = shown_at(looks, -1).sum()
    rows = []
    for futility in (0.0, 0.02, 0.05, 0.1, 0.2, 0.3):
        outcome = take_looks(looks, "obrien_fleming", futility)
        rows.append(
            [f"{futility:g}", f"{saved(outcome):.0%}", f"{shown(outcome).sum() / full:.0%}"]
        )
    return table(["`futility`", "saved", "shown"], rows)


def report(draws: int) -> str:
    """All tables, with what they show."""
    mixes = {
        "the mix, right or wrong": binary(MIX, draws, 3),
        "the mix, ratings": ratings(MIX, draws, 4),
        "0 to 15 points, evenly": binary(np.linspace(0, 0.15, FAMILY).tolist(), draws, 5),
        "six of 15 points, six of none": binary((0.0, 0.15) * (FAMILY // 2), draws, 6),
        "no difference at all": binary((0.0,) * FAMILY, draws, 7),
    }
    looks = next(iter(mixes.values()))
    return "\n\n".join(
        [
            f"{draws:,} draws; looks at {', '.join(map(str, SIZES))} samples; confidence "
            f"{1 - ALPHA:.0%}, futility {FUTILITY:g}. Each rate is known to about "
            f"{1.96 * (ALPHA * (1 - ALPHA) / draws) ** 0.5:.1%}.",
            "How often any difference is shown where there is none:",
            errors(draws),
            "Samples saved against full, and differences shown, as a share of those that full "
            "would show with one look and Holm's correction:",
            savings(mixes),
            "The mix, right or wrong, by true difference (`obrien_fleming`):",
            by_difference(looks),
            "And by `adaptive.futility`:",
            by_futility(looks),
        ]
    )


def main() -> None:
    """Simulate and write the tables."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--draws", type=int, default=DRAWS)
    arguments.add_argument("--document", type=Path, default=DOCUMENT)
    given = arguments.parse_args()
    replace_section(given.document, "simulation", report(given.draws))


if __name__ == "__main__":
    main()
