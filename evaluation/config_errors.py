"""Wrong configuration in the user's words: which key, what was found, what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails


def suggest(name: str, allowed: Iterable[object]) -> str:
    """A hint at the nearest allowed name, if one is near."""
    near = difflib.get_close_matches(str(name), [str(a) for a in allowed], n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def explain(
    error: ErrorDetails,
    root: type[BaseModel],
    kinds: Mapping[str, type[BaseModel]],
    entries: Mapping[str, type[BaseModel]],
) -> list[str]:
    """Lines that say key, what was found there, and what is allowed.

    `root` is the whole schema, `kinds` the kinds of model by their `source`, and `entries` the
    sections of tables whose keys are names.
    """
    location, model = [str(part) for part in error["loc"]], ""
    if location[:1] == ["models"] and location[2:3] and location[2] in kinds:
        # pydantic puts the discriminator's value into the location; it is no key of the file.
        model = location.pop(2)
    key = ".".join(location) or "(top level)"
    kind, found = error["type"], error["input"]
    if kind == "value_error":
        text = str(error["ctx"]["error"])
        return [f"{key}: {text}"] if location else text.splitlines()
    if kind == "extra_forbidden":
        section = kinds[model] if model else _section(location[:-1], root, entries)
        allowed = sorted(section.model_fields)
        return [
            f"{key}: unknown key{suggest(location[-1], allowed)}; allowed: {', '.join(allowed)}"
        ]
    if kind == "missing":
        return [f"{key}: missing; it must be given"]
    if kind in ("union_tag_not_found", "model_type"):
        return [f"{key}: {_found(found)}; allowed: a section with keys"]
    if kind == "union_tag_invalid":
        return [f"{key}.source: found '{found['source']}'; allowed: {', '.join(kinds)}"]
    if location[-1:] == ["[key]"]:
        return [f"{'.'.join(location[:-1])}: names have small letters, digits and _ only"]
    return [f"{key}: {_found(found)}; allowed: {error['msg'].removeprefix('Input should be ')}"]


def _found(value: Any) -> str:
    return f"found {value!r} ({type(value).__name__})"


def _section(
    path: list[str], root: type[BaseModel], entries: Mapping[str, type[BaseModel]]
) -> type[BaseModel]:
    """The section at a path of keys, below which an unknown key was found."""
    section: Any = root
    if path and path[0] in entries:
        section, path = entries[path[0]], path[2:]
    for part in path:
        annotation = section.model_fields[part].annotation
        # A section that may be empty is a union with None.
        section = next((a for a in get_args(annotation) if hasattr(a, "model_fields")), annotation)
    found: type[BaseModel] = section
    return found
