"""Where pages lie, relative to the folder of the report, and links between them.

Names of models and datasets are file names where they can be; others get one made from them.
"""

from __future__ import annotations

import re
from hashlib import sha256
from urllib.parse import quote

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")

OVERVIEW = "index.html"
SAMPLES = "samples.html"
PERFORMANCE = "performance.html"
PRESETS = "presets.html"
PROVENANCE = "provenance.html"


def file_name(name: str) -> str:
    """A name as a part of a path: itself where it can be, else what is left of it and a digest."""
    if NAME.fullmatch(name):
        return name
    rest = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:60]
    return f"{rest or 'name'}-{sha256(name.encode(errors='surrogatepass')).hexdigest()[:8]}"


def model_page(model: str) -> str:
    """The page of a model."""
    return f"models/{file_name(model)}.html"


def pair_page(a: str, b: str) -> str:
    """The page that compares a with b, in the order of the comparisons."""
    return f"compare/{file_name(a)}--{file_name(b)}.html"


def cell_data(model: str, dataset: str) -> str:
    """The folder of a cell's samples, which the samples page loads from."""
    return f"samples/{file_name(model)}/{file_name(dataset)}"


def cell_samples(model: str, dataset: str) -> str:
    """The samples page, showing the samples of a cell."""
    return f"{SAMPLES}#{_fields(model=model, dataset=dataset)}"


def sample(model: str, dataset: str, identifier: str, beside: str = "") -> str:
    """The samples page, showing one sample, next to the answer of another model if given."""
    fields = {"model": model, "dataset": dataset, "sample": identifier}
    return f"{SAMPLES}#{_fields(**fields, **({'beside': beside} if beside else {}))}"


def _fields(**fields: str) -> str:
    # `replace`: a lone surrogate has no bytes in UTF-8; such an id is found by its visible form.
    return "&".join(f"{k}={quote(v.encode(errors='replace'), safe='')}" for k, v in fields.items())
