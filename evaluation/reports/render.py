"""Write the report: `index.html` and one samples page per cell.

The pages are static and self-contained. Text of models and datasets is only ever autoescaped
text; every string is also passed through `visible`, so that nothing in it can hide or reorder
what stands around it, and a Content-Security-Policy allows the inlined style and nothing else.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from evaluation.errors import EvaluationError
from evaluation.files import write_text
from evaluation.records import Aggregate, Comparisons, Result
from evaluation.reports import compared, facts, index, notes, samples
from evaluation.reports import format as fmt

TEMPLATES = Path(__file__).parent / "templates"
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def render_report(
    aggregate: Aggregate,
    results: Iterable[Result],
    folder: Path,
    comparisons: Comparisons | None = None,
) -> Path:
    """Write the report of an aggregate into `folder` and return the path of its index.

    `results` are the aggregate's cells with their samples, in any order; they are taken one at a
    time, so an iterator that reads them from disk keeps memory small. A cell whose result is not
    given has no samples page. Without `comparisons` the index compares nothing. Raises
    EvaluationError when the aggregate and the results do not belong together or a name cannot be a
    file name.
    """
    _check(aggregate)
    known = {(c.model, c.dataset) for c in aggregate.cells}
    links: dict[index.Key, str] = {}
    for result in results:
        key = (result.model, result.dataset)
        where = f"model {result.model}, dataset {result.dataset}, tier {result.tier}"
        if key not in known or result.tier != aggregate.tier:
            raise EvaluationError(
                f"A result is not a cell of the aggregate of tier {aggregate.tier}.",
                where=where,
                remedy="make the aggregate again from the results the report is made from",
            )
        if key in links:
            raise EvaluationError("A result was given twice.", where=where)
        links[key] = f"samples/{result.model}/{result.dataset}.html"
        _write(folder / links[key], render_samples(result))
    return _write(folder / "index.html", render_index(aggregate, links, comparisons))


def render_index(
    aggregate: Aggregate, links: dict[index.Key, str], comparisons: Comparisons | None = None
) -> str:
    """The index page; `links` has the samples page of each cell that has one."""
    rows = index.heat_rows(aggregate, links)
    return _page(
        "index.html",
        aggregate=aggregate,
        rows=rows,
        groups=index.groups(aggregate),
        methods=index.methods(aggregate),
        missing=sum(cell.word == "missing" for row in rows for cell in row.cells),
        bundled=[row.title for row in rows if "bundled" in row.sources],
        mirrored=[row.title for row in rows if "mirror" in row.sources],
        pairs=compared.pairs(comparisons),
        comparisons=comparisons,
        performance=facts.performance(aggregate),
        facts=facts.gather(aggregate),
        root="",
    )


def render_samples(result: Result) -> str:
    """The samples page of one result."""
    score = fmt.primary(result.scores)
    empty = score is None or score.value is None
    found = samples.views(result)
    return _page(
        "samples.html",
        result=result,
        scores=[index.score_row(result.model, s) for s in result.scores],
        unscored=notes.not_scored(result, score) if empty else None,
        flags=notes.flags(result),
        views=found,
        filters=samples.filters(found),
        code=facts.code(result.provenance),
        judging=facts.judging(result.judge),
        root="../../",
    )


@cache
def environment() -> Environment:
    """The templates, compiled once a process."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.globals.update(
        fmt=fmt,
        plain_title=notes.plain_title,
        source_note=notes.source_note,
        sources=notes.SOURCES,
    )
    return env


def style_hash() -> str:
    """The CSP source of the inlined style."""
    style = environment().get_template("style.css").render()
    return f"sha256-{b64encode(sha256(style.encode()).digest()).decode()}"


def _finalize(value: Any) -> Any:
    """Applied to every expression before it is escaped; Markup is the output of our macros."""
    return fmt.visible(value) if isinstance(value, str) and type(value) is not Markup else value


def _page(template: str, **context: Any) -> str:
    return environment().get_template(template).render(style_hash=style_hash(), **context)


def _write(path: Path, text: str) -> Path:
    # The style's hash holds for the bytes as they are; `write_text` translates no line ends.
    write_text(path, text)
    return path


def _check(aggregate: Aggregate) -> None:
    for name in [*aggregate.models, *aggregate.datasets]:
        if not NAME.fullmatch(name):
            raise EvaluationError(
                f"The name {name!r} cannot be a file name.",
                where=f"aggregate of tier {aggregate.tier}",
                remedy="names have letters, digits, '_', '-' and '.' only",
            )
    seen: set[index.Key] = set()
    for cell in aggregate.cells:
        key = (cell.model, cell.dataset)
        listed = cell.model in aggregate.models and cell.dataset in aggregate.datasets
        if key in seen or not listed:
            raise EvaluationError(
                f"A cell of the aggregate is {'there twice' if key in seen else 'not listed'}.",
                where=f"model {cell.model}, dataset {cell.dataset}, tier {aggregate.tier}",
                remedy="make the aggregate again",
            )
        seen.add(key)
