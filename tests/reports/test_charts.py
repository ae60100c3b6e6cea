"""Drawings are inert, themed and the same each time; the forest plot shows what it is given."""

from __future__ import annotations

import re
from math import nan
from xml.etree import ElementTree

import pytest

from evaluation.reports.charts import palette
from evaluation.reports.charts.drawing import drawing, label, svg
from evaluation.reports.charts.forest import MARKS, Row, forest
from tests.reports.builders import HOSTILE


def row(name: str = "GSM8K", value: float = 5.0, **changes: object) -> Row:
    given = {
        "low": value - 8,
        "high": value + 8,
        "detectable": 20.0,
        "verdict": "not enough samples",
    }
    return Row(name, value, **(given | changes))  # type: ignore[arg-type]


def plot(*rows: Row, total: Row | None = None, title: str = "Differences", b: str = "two") -> str:
    return forest(rows, total, ("one", b), 2.0, title, "Differences in points.")


def simple(name: str, title: str) -> str:
    with drawing(3, 2) as figure:
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=palette.GOOD, marker="o")
        axes.set_title(name)
        return svg(figure, title, "A line.")


def texts(source: str) -> list[str]:
    return ["".join(e.itertext()) for e in ElementTree.fromstring(source).iter("text")]


def places(source: str, colour: str) -> list[float]:
    """Where the marks of a colour are, from left to right in points of the page."""
    found = ElementTree.fromstring(source).iter("use")
    variable = palette.VARIABLES[colour]
    return [float(use.attrib["x"]) for use in found if use.attrib.get("stroke") == variable]


def bars(source: str) -> list[float]:
    """The widths of the bars behind the rows, from the top."""
    found = []
    for path in ElementTree.fromstring(source).iter("path"):
        if path.attrib.get("fill") == palette.VARIABLES[palette.BAND]:
            numbers = [float(x) for x, _ in re.findall(r"([\d.-]+) ([\d.-]+)", path.attrib["d"])]
            found.append(max(numbers) - min(numbers))
    return found


# ---- what every drawing is --------------------------------------------------------------------


@pytest.mark.parametrize(
    "hostile",
    [
        HOSTILE,
        "</svg><script>alert(1)</script>",
        "$\\frac{1}{0}$",
        "$x$ ${",
        "a&b<c>\"'",
        "_hidden",
    ],
)
def test_texts_from_outside_are_text(hostile: str) -> None:
    source = plot(row(hostile), title=hostile, b=hostile)
    tree = ElementTree.fromstring(source)  # well-formed
    assert {e.tag for e in tree.iter()} <= {
        *("svg", "g", "path", "use", "defs", "text", "tspan", "title", "desc", "clipPath", "rect")
    }
    assert not [k for e in tree.iter() for k in e.attrib if k.startswith("on")]
    assert not re.search("[\x00-\x08\u202e\ud800]", source)
    assert any(label(hostile, 30) in text for text in texts(source))


def test_nothing_is_styled_or_loaded() -> None:
    source = plot(row(), total=row("Mean"))
    assert "style=" not in source
    assert "<style" not in source
    assert "<metadata" not in source
    for element in ElementTree.fromstring(source).iter():
        assert element.attrib.get("href", "#").startswith("#")
    assert "http" not in source


def test_colours_are_the_page_s() -> None:
    rows = [row(verdict=verdict) for verdict in MARKS]
    source = plot(*rows)
    used = {
        value
        for element in ElementTree.fromstring(source).iter()
        for name, value in element.attrib.items()
        if name in ("fill", "stroke")
    }
    assert used <= {"none", *palette.VARIABLES.values()}
    assert {"var(--c1)", "var(--c2)"} <= used


def test_equal_drawings_are_equal_text() -> None:
    assert simple("a", "One") == simple("a", "One")


def test_ids_of_two_drawings_in_a_page_differ() -> None:
    found = [re.findall(r' id="([^"]+)"', simple("a", title)) for title in ("One", "Two")]
    assert all(ids and len(ids) == len(set(ids)) for ids in found)
    assert not set(found[0]) & set(found[1])


def test_references_lead_to_ids_of_the_drawing() -> None:
    source = plot(row(), row("MMLU", verdict="better"), total=row("Mean"))
    ids = set(re.findall(r' id="([^"]+)"', source))
    used = re.findall(r'(?:url\(#|href="#)([^")]+)', source)
    assert used
    assert set(used) <= ids


def test_it_says_what_it_is() -> None:
    tree = ElementTree.fromstring(simple("a", "The <title>"))
    assert tree.attrib["role"] == "img"
    told = {e.attrib["id"]: e.text for e in tree if e.tag in ("title", "desc")}
    named = [told[name] for name in tree.attrib["aria-labelledby"].split()]
    assert named == ["The <title>", "A line."]


def test_labels_are_short_lines() -> None:
    assert label("a\n b" + "c" * 99, 10) == "a bcccccc…"


def test_series_repeat_after_the_last() -> None:
    assert palette.series(8) == palette.series(0) != palette.series(1)
    assert palette.marker(8) == palette.marker(0)
    assert len(set(palette.SERIES)) == len(palette.SERIES) == len(palette.MARKERS)


# ---- the forest plot --------------------------------------------------------------------------


def test_each_row_has_its_name_number_and_verdict() -> None:
    found = set(texts(plot(row("MMLU", 5.2), total=row("Mean", -1.0, verdict="worse"))))
    assert {"MMLU", "+5.2", "not enough samples"} <= found
    assert {"Mean", "\N{MINUS SIGN}1.0", "worse"} <= found


def test_marks_are_told_apart_by_shape_and_not_by_colour_alone() -> None:
    shapes = [(shape, filled) for shape, _, filled in MARKS.values()]
    assert len(set(shapes)) == len(shapes)


def test_right_of_the_middle_speaks_for_the_first() -> None:
    source = plot(
        row("A", 10.0, verdict="better"),
        row("B", 0.0, verdict="equal"),
        row("C", -10.0, verdict="worse"),
    )
    (right,), (middle,), (left,) = (
        places(source, colour) for colour in (palette.GOOD, palette.INK, palette.BAD)
    )
    assert left < middle < right
    assert right - middle == pytest.approx(middle - left, abs=0.1)
    assert any("for two" in t and t.index("for two") < t.index("for one") for t in texts(source))


def test_the_bar_is_as_wide_as_what_shows() -> None:
    narrow, wide, whole = bars(
        plot(row("A", detectable=10.0), row("B", detectable=20.0), row("C", detectable=None))
    )
    assert wide == pytest.approx(2 * narrow, rel=0.01)
    assert whole > 3 * narrow


@pytest.mark.parametrize("missing", [None, nan])
def test_a_row_without_interval_has_its_mark(missing: float | None) -> None:
    source = plot(row("A", 1.0, low=missing, high=missing, detectable=missing, verdict="better"))
    assert len(places(source, palette.GOOD)) == 1


def test_the_largest_differences_fit() -> None:
    source = plot(row("A", 100.0, low=90.0, high=100.0, detectable=2e6, verdict="better"))
    width = float(ElementTree.fromstring(source).attrib["viewBox"].split()[2])
    assert 0 < places(source, palette.GOOD)[0] < width


def test_without_rows_there_is_no_plot() -> None:
    with pytest.raises(ValueError, match="needs rows"):
        plot()
    with pytest.raises(ValueError, match="needs rows"):
        plot(row(value=nan, low=None, high=None))


def test_the_total_alone_is_a_plot() -> None:
    assert "Mean" in texts(plot(total=row("Mean")))
