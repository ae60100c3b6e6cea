"""Simulate what the statistics promise, and write the tables of docs/statistics.md.

`python -m benchmarks.statistics` takes a few minutes; `--draws` makes it quicker and coarser.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import simulated_bootstraps as bootstraps
from benchmarks import simulated_groups as groups
from benchmarks import simulations as simulate
from benchmarks.document import replace_section, table

SIZES = (20, 100, 200)
SECTION = "simulation"
DRAWS = 10_000
# What is slow has so many times fewer draws.
FEWER = 5
SEED = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all simulations and put their tables into the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=DRAWS, help="data sets drawn for each number")
    parser.add_argument("--document", type=Path, default=Path("docs/statistics.md"))
    options = parser.parse_args(arguments)
    parts = [
        f"{options.draws:,} draws for each number; one of 5.0% is then known to about "
        f"{196 * np.sqrt(0.05 * 0.95 / options.draws):.1f} points.",
        *(
            f"**{title}**\n\n{part(options.draws)}"
            for title, part in (
                ("Intervals of proportions", proportions),
                ("Paired tests and intervals, scores of 0 and 1", paired),
                ("Paired tests and intervals, graded scores", graded),
                ("Power at the detectable difference", powers),
                ("Clusters of four samples", clusters),
                ("Macro averages over five datasets", macros),
                ("Looks after 20, 100 and 200 samples", looks),
            )
        ),
    ]
    replace_section(options.document, SECTION, "\n\n".join(parts))
    return 0


def proportions(draws: int) -> str:
    """Coverage over p from 0.02 to 0.98."""
    rows = []
    for n in SIZES:
        drawn = simulate.drawn_coverage(n, draws, SEED)
        rows.append(_coverage_row("Wilson, drawn", n, drawn))
        rows.append(
            _coverage_row("Wilson", n, simulate.computed_coverage(*simulate.wilson_ends(n)))
        )
        for name, ends in simulate.other_intervals(n).items():
            rows.append(_coverage_row(name, n, simulate.computed_coverage(*ends)))
        rows.append(_coverage_row("nearest of any interval", n, simulate.closest_coverage(n)))
    return table(
        ["interval", "n", "mean", "mean distance from 95%", "least", "at p", "within 1 point"], rows
    )


def _coverage_row(name: str, n: int, coverage: simulate.Floats) -> list[str]:
    off = np.abs(coverage - simulate.CONFIDENCE)
    inside = int(np.sum(off <= 0.01 + 1e-9))
    return [
        name,
        str(n),
        percent(coverage.mean()),
        f"{100 * off.mean():.1f}",
        percent(coverage.min()),
        f"{simulate.PROPORTIONS[coverage.argmin()]:.2f}",
        f"{inside} of {coverage.size}",
    ]


def paired(draws: int) -> str:
    """False differences, and coverage where there are none and some."""
    rows = []
    for n in SIZES:
        for discordance in (0.02, 0.1, 0.3, 0.6):
            coverages = [
                simulate.paired_coverage(n, discordance, share * discordance, draws, SEED)
                for share in (0, 0.3, 0.6)
            ]
            rows.append(
                [
                    f"{discordance:.2f}",
                    str(n),
                    percent(simulate.paired_shown(n, discordance, 0, draws, SEED)),
                    *map(percent, coverages),
                ]
            )
    head = ["discordance", "n", "false differences", "coverage, difference 0"]
    return table([*head, "0.3 of discordance", "0.6 of discordance"], rows)


def graded(draws: int) -> str:
    """False differences and coverage of graded scores, and the coverage of other intervals."""
    fewer = max(1, draws // FEWER)
    rows = [
        [
            kind,
            str(n),
            percent(simulate.graded_shown(kind, n, draws, SEED)),
            percent(simulate.graded_coverage(kind, n, draws, SEED)),
            *map(percent, bootstraps.coverages(kind, n, fewer, SEED).values()),
        ]
        for kind in simulate.GRADED
        for n in SIZES
    ]
    head = ["scores", "n", "false differences", "coverage, t", "percentile", "BCa", "studentised"]
    return f"{table(head, rows)}\n\nThe bootstraps: {fewer:,} draws."


def powers(draws: int) -> str:
    """How often the difference is shown that `detectable` promises to show in 80 of 100."""
    rows = []
    for n in SIZES:
        for discordance in (0.1, 0.3, 0.6):
            found, shown = simulate.paired_power(n, discordance, draws, SEED)
            rows.append(
                [f"0 and 1, discordance {discordance}", str(n), amount(found), percent(shown)]
            )
        for kind in ("shares of instructions", "ratings"):
            found, shown = simulate.graded_power(kind, n, draws, SEED)
            rows.append([kind, str(n), amount(found), percent(shown)])
    return table(["scores", "n", "detectable", "shown"], rows)


def clusters(draws: int) -> str:
    """Coverage and false differences with and without regard to clusters."""
    rows = []
    for count in (5, 25, 50):
        covers = groups.cluster_coverage(count, draws, SEED)
        shown = groups.cluster_shown(count, draws, SEED)
        rows.append([str(4 * count), *map(percent, (*covers, *shown))])
    head = ["n", "coverage", "clusters ignored", "false differences", "clusters ignored"]
    return table(head, rows)


def macros(draws: int) -> str:
    """Coverage of macro averages and their differences."""
    fewer = max(1, draws // FEWER)
    rows = [[str(n), *map(percent, groups.macro(n, fewer, SEED))] for n in SIZES]
    head = [
        f"n of each, {fewer:,} draws",
        "coverage, average",
        "coverage, difference",
        "false differences",
    ]
    return table(head, rows)


def looks(draws: int) -> str:
    """False differences of repeated looks."""
    rows = []
    for name, spending in (
        ("none (each look at 5%)", None),
        ("obrien_fleming", groups.OBRIEN_FLEMING),
        ("pocock", groups.POCOCK),
    ):
        shares = [
            groups.looks_shown(spending, discordance, 0, draws, SEED)
            for discordance in (0.1, 0.3, 0.6)
        ]
        rest = ["", ""]
        if spending is not None:
            rest = [
                percent(groups.normal_looks_shown(spending, draws, SEED)),
                percent(groups.family_errors(spending, 10, 10, draws, SEED)),
            ]
        rows.append([name, *map(percent, shares), *rest])
    head = ["spending", *(f"discordance {share}" for share in (0.1, 0.3, 0.6))]
    return table([*head, "normal scores", "any of a family of 20"], rows)


def percent(share: float) -> str:
    """A share in percent, to a tenth."""
    return f"{100 * share:.1f}%"


def amount(value: float | None) -> str:
    """A difference of scores, or a dash."""
    return "-" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    raise SystemExit(main())
