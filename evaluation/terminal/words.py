"""Tables and lines of plain text; all text passes here, so that none of it acts on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evaluation.reports import format as fmt


def say(console: Console, text: str, style: str = "") -> None:
    """Print a line."""
    console.print(Text(fmt.visible(text), style=style))


def table(
    console: Console, headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: bool = False
) -> None:
    """Print a table; `right`: all columns but the first hold numbers.

    Without rows there is no table.
    """
    rows = list(rows)
    if not rows:
        return
    found = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, heading in enumerate(headings):
        justify: Literal["left", "right"] = "right" if right and index else "left"
        found.add_column(Text(fmt.visible(heading)), justify=justify, overflow="fold")
    for row in rows:
        found.add_row(*(Text(fmt.one_line(fmt.visible(cell), 200)) for cell in row))
    console.print(found)


def points(console: Console, heading: str, found: Sequence[str]) -> None:
    """Print a list under a heading; nothing if it is empty."""
    if found:
        say(console, f"{heading}:")
        for point in found:
            say(console, f"- {fmt.one_line(point, 600)}")
        console.print()


def moment(time: str) -> str:
    """A moment to the minute; whatever else stands there stays as it is."""
    return time[:16].replace("T", " ")


def duration(seconds: float | None) -> str:
    """Seconds in the units a reader would choose."""
    return fmt.NONE if seconds is None else fmt.duration(seconds)


def money(amount: float | None, currency: str) -> str:
    """An amount of money; small ones with four digits."""
    if amount is None:
        return fmt.NONE
    return f"{amount:,.2f} {currency}" if amount >= 1 else f"{amount:.4f} {currency}"
