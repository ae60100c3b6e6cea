"""Colours of charts: stand-ins that the drawing uses, and the page's variables they become.

Charts follow the page's theme, so no colour is fixed when they are drawn. The series are those of
Okabe and Ito (Color Universal Design, 2008), which colour-blind readers can tell apart, darkened
for light pages and lightened for dark ones in styles/base.css.
"""

from __future__ import annotations

INK = "#000101"
MUTED = "#000102"
LINE = "#000103"
SURFACE = "#000104"
BAND = "#000105"
GOOD = "#000106"
BAD = "#000107"
UNSURE = "#000108"
SERIES = tuple(f"#0002{number:02x}" for number in range(1, 9))

VARIABLES = {
    INK: "var(--fg)",
    MUTED: "var(--muted)",
    LINE: "var(--line-2)",
    SURFACE: "var(--surface)",
    BAND: "var(--grey-bg)",
    GOOD: "var(--c1)",
    BAD: "var(--c2)",
    UNSURE: "var(--muted)",
    **{colour: f"var(--c{number})" for number, colour in enumerate(SERIES, 1)},
}
# Marks tell series apart where colours do not.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def series(number: int) -> str:
    """The colour of the n-th series, from 0; they repeat after eight."""
    return SERIES[number % len(SERIES)]


def marker(number: int) -> str:
    """The mark of the n-th series, from 0; they repeat after eight."""
    return MARKERS[number % len(MARKERS)]
