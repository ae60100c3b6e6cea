"""Charts drawn by Matplotlib, as SVG within a page.

The page's policy forbids style attributes, and its theme changes: what Matplotlib writes as styles
becomes attributes, and stand-in colours become the page's variables. Texts stay texts.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup

from evaluation.reports import format as fmt
from evaluation.reports.charts import palette

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
SETTINGS: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "font.size": 9,
    "text.color": palette.INK,
    "axes.edgecolor": palette.LINE,
    "axes.facecolor": "none",
    "axes.labelcolor": palette.MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": palette.LINE,
    "ytick.color": palette.LINE,
    "xtick.labelcolor": palette.MUTED,
    "ytick.labelcolor": palette.INK,
    "grid.color": palette.LINE,
    "grid.linewidth": 0.5,
    "grid.alpha": 0.6,
    "figure.facecolor": "none",
    "legend.frameon": False,
}


@contextmanager
def drawing(width: float = 7.2, height: float = 3.0) -> Iterator[Any]:
    """A Matplotlib figure of so many inches (72 points each) with the project's look."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # Glyphs that the measuring font lacks are drawn by the reader's browser.
    with mpl.rc_context(SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing")
        yield Figure(figsize=(width, height), layout="constrained")


def label(text: str, limit: int = 40) -> str:
    """A text from outside as a label: one line, cut, nothing hidden in it."""
    return fmt.visible(fmt.one_line(text, limit))


def svg(figure: Any, title: str, description: str) -> Markup:
    """The figure as an element of a page, with a title and a description for who cannot see it.

    Call it within `drawing`. Equal figures give equal text. The description says what the chart
    shows; its numbers stand in a table beside it.
    """
    told = f"{title}\n{description}".encode(errors="replace")
    name = f"chart-{sha256(told).hexdigest()[:10]}"
    found = BytesIO()
    figure.savefig(found, format="svg", metadata={"Date": None, "Creator": None, "Format": None})
    root = ElementTree.fromstring(found.getvalue())  # noqa: S314 - Matplotlib's own
    for parent in list(root.iter()):
        for child in [c for c in parent if c.tag.rpartition("}")[2] in ("metadata", "style")]:
            parent.remove(child)
    ids = {e.attrib["id"]: f"{name}-{n}" for n, e in enumerate(root.iter(), 1) if "id" in e.attrib}
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG)
        _restyle(element, ids)
    box = root.attrib["viewBox"]
    root.attrib.clear()
    root.attrib |= {
        "viewBox": box,
        "class": "drawing",
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-text",
    }
    for tag, identifier, text in [
        ("desc", f"{name}-text", description),
        ("title", f"{name}-title", title),
    ]:
        element = ElementTree.Element(tag, {"id": identifier})
        element.text = fmt.visible(text)
        root.insert(0, element)
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704 - escaped by it


def _restyle(element: ElementTree.Element, ids: dict[str, str]) -> None:
    attributes = dict(element.attrib)
    declared = attributes.pop("style", "")
    for declaration in filter(None, (part.strip() for part in declared.split(";"))):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name == "font":
            size = re.search(r"([\d.]+)px", value)
            attributes["font-size"] = size[1] if size else "9"
            if "bold" in value.split():
                attributes["font-weight"] = "600"
        elif not name.startswith("font-family"):
            attributes[name] = value
    element.attrib.clear()
    for name, value in attributes.items():
        key = "href" if name == LINK else name
        element.attrib[key] = _refer(palette.VARIABLES.get(value, value), key, ids)


def _refer(value: str, name: str, ids: dict[str, str]) -> str:
    if name == "id":
        return ids[value]
    if name == "href":
        return f"#{ids[value[1:]]}"
    return re.sub(r"url\(#([^)]+)\)", lambda found: f"url(#{ids[found[1]]})", value)
