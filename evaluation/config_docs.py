"""What is generated from the configuration's schema: `python -m evaluation.config_docs`.

Writes config/schema.json, which lets editors complete and check config.yaml, and
docs/configuration.md, the table of all keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evaluation.config import (
    AdaptiveSettings,
    ComparisonSettings,
    Config,
    CostSettings,
    DatasetSettings,
    EndpointModel,
    EndpointSettings,
    EngineSettings,
    GateRule,
    GateSettings,
    HubModel,
    JudgeSettings,
    PathModel,
    Preset,
    Presets,
    PresetSelection,
    PypiModel,
    RunSettings,
    SandboxSettings,
    Section,
    TierOverrides,
    Tiers,
    TierSettings,
    TokenPrice,
)
from evaluation.files import write_text

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = "config/schema.json"
TABLES = "docs/configuration.md"

# Title, where the keys stand, and the section they are the fields of.
SECTIONS: tuple[tuple[str, str, type[Section]], ...] = (
    ("Top level", "", Config),
    ("run", "run.", RunSettings),
    ("models: from the Hub", "models.NAME.", HubModel),
    ("models: from the package index", "models.NAME.", PypiModel),
    ("models: from a directory", "models.NAME.", PathModel),
    ("models: behind a server", "models.NAME.", EndpointModel),
    ("datasets", "datasets.NAME.", DatasetSettings),
    ("datasets: single tiers", "datasets.NAME.tiers.", TierOverrides),
    ("datasets: one tier", "datasets.NAME.tiers.TIER.", TierSettings),
    ("tiers", "tiers.", Tiers),
    ("presets", "presets.", Presets),
    ("presets: each one", "presets.NAME.", Preset),
    ("choice of presets", "preset_selection.", PresetSelection),
    ("engine", "engine.", EngineSettings),
    ("judge", "judge.", JudgeSettings),
    ("judge: behind a server", "judge.endpoint.", EndpointSettings),
    ("sandbox", "sandbox.", SandboxSettings),
    ("comparison", "comparison.", ComparisonSettings),
    ("adaptive", "adaptive.", AdaptiveSettings),
    ("gate", "gate.", GateSettings),
    ("gate: one rule", "gate.rules.", GateRule),
    ("cost", "cost.", CostSettings),
    ("cost: tokens", "cost.tokens.NAME.", TokenPrice),
)
INTRODUCTION = """\
<!-- Generated from evaluation/config/ by `python -m evaluation.config_docs`: edit it there. -->

# Configuration

`config.yaml` is the one place for settings. An overlay (`--configfile config/demo.yaml`) or
single values (`--config seed=7`) are merged over it key by key; a list is replaced as a whole.
Wrong keys end a run before its first job, with their path, what was found and what is allowed.

`NAME` stands for the name of a model, dataset or preset: small letters, digits and `_`. A default
of "must be given" means that there is none.
"""


def schema() -> str:
    """The JSON Schema of config.yaml."""
    raw = Config.model_json_schema()
    for field in raw["properties"].values():
        if "patternProperties" in field:
            # pydantic leaves out that a name of another form is an error.
            field["additionalProperties"] = False
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **raw}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def tables() -> str:
    """The introduction and one table a section, as Markdown."""
    return "\n".join([INTRODUCTION, *(line for section in SECTIONS for line in _table(*section))])


def _table(title: str, prefix: str, section: type[Section]) -> Iterator[str]:
    raw = section.model_json_schema()
    yield f"## {title}\n"
    yield f"{section.__doc__}\n"
    yield "| key | type | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in raw["properties"].items():
        cells = (
            f"`{prefix}{name}`",
            _type(field, raw.get("$defs", {})),
            "must be given" if name in raw.get("required", []) else _default(section, name),
            field["description"],
        )
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""


def _type(field: dict[str, Any], known: dict[str, Any]) -> str:
    """A field's type in words."""
    if "$ref" in field:
        found = known[field["$ref"].rpartition("/")[2]]
        return _type(found, known) if "enum" in found else "section"
    if "anyOf" in field:
        return " or ".join(_type(one, known) for one in field["anyOf"])
    if "enum" in field or "const" in field:
        return ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field["type"] == "array":
        return f"list of {_type(field['items'], known)}"
    if field["type"] == "object":
        if "properties" in field:
            return "section"
        values = next(iter(field["patternProperties"].values()))
        return f"{_type(values, known) if 'enum' in values else 'section'} by name"
    words = {
        "integer": "whole number",
        "string": "text",
        "boolean": "true or false",
        "null": "empty",
    }
    bounds = {"minimum": "of at least", "exclusiveMinimum": "above"}
    limits = [f"{word} {field[key]}" for key, word in bounds.items() if key in field]
    return " ".join([words.get(field["type"], field["type"]), *limits])


def _default(section: type[Section], name: str) -> str:
    value = section.model_fields[name].get_default(call_default_factory=True, validated_data={})
    if value is None:
        return "empty"
    if isinstance(value, Section):
        return "see its table"
    if value in ([], {}):
        return "none"
    if isinstance(value, list):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{json.dumps(value) if not isinstance(value, str) else value}`"


def main(root: Path = ROOT) -> None:
    """Write both files."""
    write_text(root / SCHEMA, schema())
    write_text(root / TABLES, tables())


if __name__ == "__main__":
    main()
