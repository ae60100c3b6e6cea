"""A server with the OpenAI API, as a judge or as the place where a model runs."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from evaluation.config._fields import Section, Whole


def _no_secret(value: str) -> str:
    # Settings go to logs and results, and so does what a message quotes.
    found = urlsplit(value)
    if found.scheme not in ("http", "https") or not found.hostname:
        raise ValueError("allowed: an address that begins with http:// or https://")
    if found.username or found.password or found.query or found.fragment:
        raise ValueError(
            "allowed: an address without user, password or query; a key belongs into an "
            "environment variable, which `api_key_env` names"
        )
    return value.rstrip("/")


def _variable_name(value: str) -> str:
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", value):
        # Not quoted: it may be the key itself.
        raise ValueError(
            "allowed: the name of an environment variable, in capital letters, not the key itself"
        )
    return value


class EndpointSettings(Section):
    """A server with the OpenAI API: in the cloud, or vLLM, SGLang or llama.cpp."""

    base_url: Annotated[str, AfterValidator(_no_secret)] = Field(
        description="address of its API, usually ending in `/v1`"
    )
    model: str = Field(min_length=1, description="model to ask for, as the server names it")
    api_key_env: Annotated[str, AfterValidator(_variable_name)] | None = Field(
        None,
        description="name of the environment variable that holds the key; empty: no key is sent",
    )
    concurrency: Whole = Field(8, ge=1, description="most requests under way at a time")
    timeout_seconds: Whole = Field(600, ge=1, description="longest wait for one answer, in seconds")
