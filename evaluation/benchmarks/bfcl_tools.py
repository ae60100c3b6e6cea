"""BFCL in function-calling mode: function docs as tools, and calls out of a model's answer.

The calls are JSON objects with a name and arguments, however a model wraps them:
    <tool_call>{"name": …, "arguments": {…}}</tool_call>     Qwen, Hermes
    {"name": …, "parameters": {…}}; …                        Llama 3.1, after <|python_tag|> or not
    [TOOL_CALLS][{"name": …, "arguments": {…}}, …]           Mistral
    [{"name": …, "arguments": {…}}, …]                       a plain list
Decoding drops the markers that a tokenizer counts as special tokens, so only the tags that set
calls apart from other text are looked at, and only where they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evaluation.benchmarks.bfcl_decoder import LONGEST, Call, Decoded
from evaluation.records import Tool

# What BFCL's types are in JSON Schema; those that are none of these become strings, as in BFCL.
JSON_TYPES: Mapping[str, str] = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "float": "number",
    "boolean": "boolean",
    "array": "array",
    "list": "array",
    "tuple": "array",
    "object": "object",
    "dict": "object",
}
# The last tag of a truncated answer may be open.
TAGGED = re.compile(r"<tool_call>(.*?)(?:</tool_call>|(?=<tool_call>)|\Z)", re.DOTALL)
DECODER = json.JSONDecoder()


def tool(function: Mapping[str, Any]) -> Tool:
    """The tool of a function's documentation."""
    return Tool(
        name=tool_name(function["name"]),
        description=function.get("description", ""),
        parameters=json_schema(function["parameters"]) | {"type": "object"},
    )


def tool_name(name: str) -> str:
    """A function's name as a tool: interfaces for tools allow no dots, so BFCL has "_" there."""
    return name.replace(".", "_")


def json_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A documented type in the words of JSON Schema, with all that it contains."""
    found = dict(schema)
    kind = str(schema.get("type"))
    found["type"] = JSON_TYPES.get(kind, "string")
    if kind == "float":
        found["format"] = "float"  # "number" alone would not tell it from an integer
    if isinstance(schema.get("items"), Mapping):
        found["items"] = json_schema(schema["items"])
    if isinstance(schema.get("properties"), Mapping):
        found["properties"] = {
            name: json_schema(inner) if isinstance(inner, Mapping) else inner
            for name, inner in schema["properties"].items()
        }
    return found


def with_tool_names(
    truth: Sequence[Mapping[str, Any]], functions: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Accepted calls and function docs under the names that the model was shown."""
    return (
        [{tool_name(name): accepted for name, accepted in call.items()} for call in truth],
        [{**function, "name": tool_name(function["name"])} for function in functions],
    )


def read_tool_calls(answer: str) -> Decoded:
    """All calls that an answer states: the tagged ones if it has tags, else all."""
    answer = answer[-LONGEST:]
    calls: list[Call] = []
    sources: list[str] = []
    for part in TAGGED.findall(answer) or [answer]:
        for found, source in objects(part):
            call = as_call(found)
            if call is not None:
                calls.append(call)
                sources.append(source)
    return Decoded(calls, "\n".join(sources))


def objects(text: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The outermost JSON objects in a text, each with its source."""
    start = text.find("{")
    while start >= 0:
        end = start + 1
        try:
            found, end = DECODER.raw_decode(text, start)
            yield found, text[start:end]
        except ValueError:
            pass  # no JSON begins here
        except RecursionError:
            return  # nor would it at the next thousand brackets, each of which takes as long
        start = text.find("{", end)


def as_call(found: dict[str, Any]) -> Call | None:
    """The call that a JSON object states, or None."""
    inner = found.get("function")
    stated = inner if isinstance(inner, dict) else found
    name = stated.get("name")
    arguments = stated.get("arguments", stated.get("parameters"))
    if isinstance(arguments, str):  # JSON within JSON, as in the interface of OpenAI
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            return None
    return Call(name, arguments) if isinstance(name, str) and isinstance(arguments, dict) else None
