"""Rows of ToolBench: recorded steps of conversations, and queries with their relevant APIs.

They are two configurations of one repository. A row says in `kind` which it is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, ModelWrapValidatorHandler, model_validator
from typing_extensions import TypedDict

from evaluation.benchmarks.base import Row
from evaluation.errors import EvaluationError
from evaluation.hub_layout import read_split, split_files

STEPS_CONFIG, STEPS_SPLIT = "default", "validation"
QUERIES_CONFIG = "benchmark"
# One tool (g1), tools of one category (g2), tools of several categories (g3); what of it was
# never seen in ToolBench's training data: only the instruction, the tool, or its category.
Group = Literal[
    "g1_instruction", "g1_tool", "g1_category", "g2_instruction", "g2_category", "g3_instruction"
]
GROUPS: tuple[Group, ...] = get_args(Group)

# The functional form, because "from" is a keyword.
Turn = TypedDict("Turn", {"from": Literal["system", "user", "assistant", "function"], "value": str})


class ToolllamaRow(Row):
    """A row of either kind; validated as the class of its kind."""

    kind: Literal["step", "query"]

    @model_validator(mode="wrap")
    @classmethod
    def _of_its_kind(
        cls, raw: Any, handler: ModelWrapValidatorHandler[ToolllamaRow]
    ) -> ToolllamaRow:
        if cls is ToolllamaRow and isinstance(raw, dict):
            if raw.get("kind") == "step":
                return StepRow.model_validate(raw)
            if raw.get("kind") == "query":
                return QueryRow.model_validate(raw)
        return handler(raw)


class StepRow(ToolllamaRow):
    """Columns of the default configuration: a conversation whose last step is the reference."""

    kind: Literal["step"]
    id: str
    conversations: list[Turn]


def _from_text(value: object) -> object:
    """A column that holds JSON as text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except RecursionError:
        raise ValueError("nested too deeply") from None


class Parameter(Row):
    """A parameter of an API."""

    name: str


class Api(Row):
    """An offered API; it is known by the names of its tool and its own together."""

    tool_name: str
    api_name: str
    api_description: str
    required_parameters: list[Parameter]
    optional_parameters: list[Parameter]


class QueryRow(ToolllamaRow):
    """Columns of a split of the benchmark configuration, with the split as `group`."""

    kind: Literal["query"]
    group: Group
    query_id: str
    query: str
    api_list: Annotated[list[Api], BeforeValidator(_from_text)]
    relevant_apis: Annotated[list[tuple[str, str]], BeforeValidator(_from_text)]


def read_rows(directory: Path, hub_id: str) -> list[dict[str, object]]:
    """All steps, then all queries, each with its kind.

    Raises EvaluationError that names what is missing or broken.
    """
    missing = [group for group in GROUPS if not split_files(directory, QUERIES_CONFIG, group)]
    if missing:
        raise EvaluationError(
            f"The benchmark queries are missing: {', '.join(missing)}.",
            where=", ".join(
                str(directory / f"{QUERIES_CONFIG}/{one}-*.parquet") for one in missing
            ),
            remedy=f"take them from the configuration '{QUERIES_CONFIG}' of {hub_id}, or correct "
            "the source of datasets.toolllama",
        )
    steps = read_split(directory, STEPS_CONFIG, STEPS_SPLIT)
    return [{"kind": "step", **row} for row in steps] + [
        {"kind": "query", "group": group, **row}
        for group in GROUPS
        for row in read_split(directory, QUERIES_CONFIG, group)
    ]
