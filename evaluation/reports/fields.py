"""Tables of numbers as templates take them: each field has a text and what it is sorted by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isfinite

from evaluation.reports import format as fmt


@dataclass(frozen=True)
class Field:
    """One field; `sort` is its number where its text does not say it, `href` a page it leads to."""

    text: str
    sort: float | None = None
    href: str = ""


@dataclass(frozen=True)
class Table:
    """A table; the first `words` columns are texts, the others numbers.

    `caption` explains its columns; `title` is empty where the heading above says what it is.
    """

    id: str
    title: str
    caption: str
    heads: tuple[str, ...]
    rows: list[tuple[Field, ...]]
    words: int = 1


NOTHING = Field(fmt.NONE)


def known(table: Table) -> Table:
    """The table without columns that have no number in any row; its caption names them."""
    empty = {
        place
        for place in range(table.words, len(table.heads))
        if table.rows and all(row[place] == NOTHING for row in table.rows)
    }
    if not empty:
        return table
    names = ", ".join(dict.fromkeys(table.heads[place].lower() for place in sorted(empty)))
    kept = [place for place in range(len(table.heads)) if place not in empty]
    return replace(
        table,
        caption=f"{table.caption} Not known in any row: {names}.",
        heads=tuple(table.heads[place] for place in kept),
        rows=[tuple(row[place] for place in kept) for row in table.rows],
    )


def words(text: str, href: str = "") -> Field:
    """A text, or a dash in its place."""
    return Field(text or fmt.NONE, href=href)


def seconds(value: float | None) -> Field:
    """A duration in the unit that fits, from milliseconds to hours."""
    if value is None or not isfinite(value):
        return NOTHING
    if 0 < value < 1:
        return Field(f"{1000 * value:.3g} ms", value)
    return Field(fmt.duration(value) if value else "0 s", value)


def count(value: int | None) -> Field:
    """A count with thousands separators."""
    return _field(value, lambda number: fmt.count(round(number)))


def rate(value: float | None) -> Field:
    """Something a second."""
    return _field(value, fmt.rate)


def size(value: int | None) -> Field:
    """Bytes; 0 means that nothing was measured."""
    return _field(value or None, lambda number: fmt.size(round(number)))


def share(value: float | None) -> Field:
    """A share in percent."""
    return _field(value, fmt.share)


def energy(value: float | None) -> Field:
    """Energy, given in joules."""
    return _field(value, fmt.energy)


def power(value: float | None) -> Field:
    """Power in watts."""
    return _field(value, lambda number: f"{number:.0f} W")


def points(value: float | None) -> Field:
    """A score from 0 to 1 in points of 100."""
    return _field(value, lambda number: f"{100 * number:.1f}")


def money(value: float | None, currency: str) -> Field:
    """An amount of money; small ones with two figures that count."""

    def text(number: float) -> str:
        plain = number >= 0.1 or number == 0
        return f"{number:.2f} {currency}" if plain else f"{number:.2g} {currency}"

    return _field(value, text)


def decimal(value: float | None) -> Field:
    """A number with one decimal."""
    return _field(value, lambda number: f"{number:,.1f}")


def _field(value: float | None, text: Callable[[float], str]) -> Field:
    """A number as text; a dash where there is none, or one that is no number."""
    return NOTHING if value is None or not isfinite(value) else Field(text(value), value)
