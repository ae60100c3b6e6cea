"""Names, numbers and the base of all sections."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
)

from evaluation.errors import EvaluationError

DATASETS = (
    "humaneval",
    "mbpp",
    "gsm8k",
    "arc_challenge",
    "mt_bench",
    "hellaswag",
    "math",
    "bfcl",
    "toolllama",
    "mmlu",
    "ifeval",
    "winogrande",
)
TIERS = ("quick", "standard", "full")
# The judge's name in paths where it is no model of ours.
ENDPOINT: Final = "endpoint"
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]


def no_switch(value: Any) -> Any:
    # pydantic takes true for 1, and YAML takes yes and on for true.
    if isinstance(value, bool):
        raise ValueError(f"found {value} (bool); allowed: a number")
    return value


Whole = Annotated[int, BeforeValidator(no_switch)]
# For values that may be empty: a bound outside of the optional type does not reach the schema.
Count = Annotated[int, Field(ge=0), BeforeValidator(no_switch)]
Tokens = Annotated[int, Field(ge=1), BeforeValidator(no_switch)]
Temperature = Annotated[float, BeforeValidator(no_switch)]
Billions = Annotated[float, Field(gt=0), BeforeValidator(no_switch)]


class ConfigError(EvaluationError):
    """The configuration is wrong; the message lists every wrong key."""


class Section(BaseModel):
    """Base of all sections: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())
