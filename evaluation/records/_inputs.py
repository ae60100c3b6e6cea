"""What goes in: samples, and the manifests of datasets and models."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

SCHEMA_VERSION: Final = 1

Protocol = Literal["harness", "chat", "tools"]
SourceKind = Literal["hub", "mirror", "bundled"]
FinishReason = Literal["stop", "length", "scored", "error"]


class Record(BaseModel):
    """Base of all records: unknown fields are errors and instances do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sample(Record):
    """One evaluation item in the dataset's own columns.

    `row` holds the Hub columns and is parsed by the benchmark's `Row` model; `category` is the
    stratum (subject, level, kind) by which samples are balanced and scores broken down, with
    nested strata behind slashes. A row that no request can be made from says why in `unscorable`.
    """

    id: str
    category: str
    row: dict[str, JsonValue]
    unscorable: str = ""


class DatasetManifest(Record):
    """What `prepare_dataset` resolved: where the rows came from and what they hash to."""

    schema_version: Literal[1] = SCHEMA_VERSION
    dataset: str
    source: SourceKind
    location: str
    revision: str
    licence: str
    fingerprint: str
    rows: int
    unscorable: int = 0
    seed: int
    few_shot: list[Sample] = Field(default_factory=list)


class ModelFile(Record):
    """One file of a model: its name, size in bytes and sha256 where it is known."""

    name: str
    size: int
    sha256: str | None = None


class ModelManifest(Record):
    """What `fetch_model` resolved: the weights that every later step refers to.

    A model behind a server has no directory and no files; sizes that its server does not report
    are 0.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    model: str
    source: Literal["hub", "pypi", "path", "endpoint"]
    id: str
    revision: str
    licence: str
    directory: str
    files: list[ModelFile]
    fingerprint: str
    architecture: str
    parameters: int
    context_length: int
    chat_template: bool
