"""Who rates open answers: a model of ours or a server."""

from __future__ import annotations

from typing import Self

from pydantic import (
    Field,
    model_validator,
)

from evaluation.config._endpoint import EndpointSettings
from evaluation.config._fields import (
    ENDPOINT,
    Name,
    Section,
    Whole,
)


class JudgeSettings(Section):
    """Who rates the answers of MT-Bench; with neither model nor endpoint they are not scored."""

    model: Name | None = Field(None, description="judge, by its name in `models`")
    endpoint: EndpointSettings | None = Field(
        None, description="judge behind a server, in place of `model`"
    )
    max_new_tokens: Whole = Field(2048, ge=1, description="room for one judgment, in tokens")

    @property
    def name(self) -> str | None:
        """The judge's name in paths, or None without a judge."""
        return ENDPOINT if self.endpoint is not None else self.model

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.model is not None and self.endpoint is not None:
            raise ValueError("found both model and endpoint; allowed: one of them")
        return self
