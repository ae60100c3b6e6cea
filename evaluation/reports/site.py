"""The templates and what every page has: style, scripts and their hashes, links to other pages.

Text of models and datasets is only ever autoescaped text; every string is also passed through
`visible`, so that nothing in it can hide or reorder what stands around it, and a
Content-Security-Policy allows the inlined style and scripts and nothing else.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from evaluation.reports import format as fmt
from evaluation.reports import links, notes

TEMPLATES = Path(__file__).parent / "templates"
# On every page, before its own.
STYLES = ("base",)
SCRIPTS = ("page",)
POLICY = (
    "default-src 'none'; style-src '{style}'; script-src {scripts}; base-uri 'none'; "
    "form-action 'none'"
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
        links=links,
        plain_title=notes.plain_title,
        source_note=notes.source_note,
        sources=notes.SOURCES,
    )
    return env


def page(
    template: str,
    here: str,
    *,
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    trust: str = "",
    **context: Any,
) -> str:
    """Render a page. `here` is its path in the report; `styles` and `scripts` name its own ones.

    Styles and scripts are files of the project (never data), inlined as they are and allowed by
    their hashes. `trust` adds to what the policy allows scripts, with further directives.
    """
    style = "\n".join(_asset("styles", f"{name}.css") for name in (*STYLES, *styles))
    inlined = [_asset("scripts", f"{name}.js") for name in (*SCRIPTS, *scripts)]
    allowed = " ".join(f"'{digest(script)}'" for script in inlined)
    policy = POLICY.format(style=digest(style), scripts=allowed)
    if trust:
        policy = policy.replace(allowed, f"{allowed} {trust}")
    return (
        environment()
        .get_template(template)
        .render(
            policy=Markup(policy),  # noqa: S704 - hashes and constants
            style=Markup(style),  # noqa: S704 - a file of the project
            scripts=[Markup(script) for script in inlined],  # noqa: S704
            root="../" * here.count("/"),
            here=here,
            **context,
        )
    )


def digest(text: str) -> str:
    """The CSP source of an inlined style or script."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


@cache
def _asset(folder: str, name: str) -> str:
    return (TEMPLATES / folder / name).read_text(encoding="utf-8")


def _finalize(value: Any) -> Any:
    """Applied to every expression before it is escaped; Markup is the output of our macros."""
    return fmt.visible(value) if isinstance(value, str) and type(value) is not Markup else value
