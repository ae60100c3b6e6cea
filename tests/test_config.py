"""The configuration: every kind of mistake is named, overlays merge, generated files are fresh."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml
from snakemake.cli import parse_config as parse_command_line
from snakemake.utils import update_config

from evaluation import config_docs
from evaluation.benchmarks import benchmark
from evaluation.config import (
    DATASETS,
    TIERS,
    Config,
    ConfigError,
    HubModel,
    PathModel,
    PypiModel,
    Section,
    parse_config,
)
from evaluation.records import Protocol

ROOT = Path(__file__).resolve().parents[1]
MISSING = object()


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


BASE = read("config.yaml")


def changed(key: str, value: object) -> dict[str, Any]:
    """config.yaml with one key (a dotted path) set, or left out."""
    raw: dict[str, Any] = copy.deepcopy(BASE)
    section = raw
    *path, last = key.split(".")
    for part in path:
        section = section[part]
    if value is MISSING:
        del section[last]
    else:
        section[last] = value
    return raw


def merged(overlay: dict[str, Any]) -> dict[str, Any]:
    """An overlay over config.yaml, merged as Snakemake merges them."""
    raw: dict[str, Any] = copy.deepcopy(BASE)
    update_config(raw, overlay)
    return raw


def problems(raw: object) -> list[str]:
    """The lines of the error about a configuration."""
    with pytest.raises(ConfigError) as caught:
        parse_config(raw, origin="config.yaml, mine.yaml")
    assert caught.value.where == "config.yaml, mine.yaml"
    assert "docs/configuration.md" in caught.value.remedy
    lines = caught.value.what.splitlines()
    assert lines[0] == "The configuration is not valid:"
    return [line.removeprefix("  - ") for line in lines[1:]]


# key, value, where it is reported (if not there), and what the line says was found and is allowed
WRONG: list[tuple[str, object, str, list[str]]] = [
    # unknown keys, at each depth
    ("sed", 1, "", ["unknown key", "did you mean 'seed'?", "allowed: ", "dataset_source", "tiers"]),
    ("run.modles", [], "", ["did you mean 'models'?", "allowed: datasets, models"]),
    ("tiers.huge", 500, "", ["unknown key; allowed: full, quick, standard"]),
    (
        "engine.dtyp",
        "auto",
        "",
        ["did you mean 'dtype'?", "cpu_limit_b, device, dtype, exact, name"],
    ),
    ("presets.turbo", {}, "", ["unknown key; allowed: balanced, memory_saver, throughput"]),
    (
        "presets.balanced.batch_row",
        1,
        "",
        ["did you mean 'batch_rows'?", "batch_rows, batch_tokens"],
    ),
    ("datasets.gsm8k.fewshot", 1, "", ["did you mean 'few_shot'?", "max_new_tokens, protocol"]),
    # a key of another kind of model is not offered again
    (
        "models.qwen3_8b.parts",
        [],
        "",
        ["key; allowed: id, parameters_b, revision, source, thinking"],
    ),
    (
        "models.m",
        {"source": "path", "path": "x", "id": "y"},
        "models.m.id",
        ["parameters_b, path, s"],
    ),
    # missing keys
    ("run", MISSING, "", ["missing; it must be given"]),
    ("presets.balanced.batch_rows", MISSING, "", ["missing; it must be given"]),
    ("datasets.gsm8k.protocol", MISSING, "", ["missing; it must be given"]),
    ("models.qwen3_8b.id", MISSING, "", ["missing; it must be given"]),
    ("models.m", {"source": "path"}, "models.m.path", ["missing; it must be given"]),
    # types
    ("seed", "many", "", ["found 'many' (str)", "allowed: a valid integer"]),
    ("seed", 1.5, "", ["found 1.5 (float)", "allowed: a valid integer"]),
    ("seed", True, "", ["found True (bool)", "allowed: a number"]),
    ("tiers.quick", True, "", ["found True (bool)", "allowed: a number"]),
    ("engine.cpu_limit_b", False, "", ["found False (bool)", "allowed: a number"]),
    (
        "models.qwen3_8b.parameters_b",
        "8 billion",
        "",
        ["found '8 billion' (str)", "a valid number"],
    ),
    ("models.qwen3_8b.thinking", "perhaps", "", ["found 'perhaps' (str)", "a valid boolean"]),
    ("mirror", 3, "", ["found 3 (int)", "allowed: a valid string"]),
    ("run.models", "qwen3_8b", "", ["found 'qwen3_8b' (str)", "allowed: a valid list"]),
    ("engine", None, "", ["found None (NoneType)", "allowed: a section with keys"]),
    ("models.qwen3_8b", None, "", ["found None (NoneType)", "allowed: a section with keys"]),
    ("models.qwen3_8b", "Qwen/Qwen3-8B", "", ["found 'Qwen/Qwen3-8B'", "a section with keys"]),
    ("datasets.gsm8k", [], "", ["found [] (list)", "allowed: a section with keys"]),
    # values
    ("dataset_source", "web", "", ["found 'web'", "allowed: 'hub' or 'bundled'"]),
    ("engine.dtype", "int8", "", ["found 'int8'", "'auto', 'bfloat16', 'float16' or 'float32'"]),
    ("engine.device", "tpu", "", ["found 'tpu'", "'auto', 'cpu' or 'cuda'"]),
    ("engine.name", "sglang", "", ["found 'sglang'", "'transformers', 'vllm' or 'openai'"]),
    ("default_preset", "fast", "", ["found 'fast'", "'memory_saver', 'balanced' or 'throughput'"]),
    ("datasets.gsm8k.source", "disk", "", ["found 'disk'", "'hub', 'mirror' or 'bundled'"]),
    ("datasets.gsm8k.protocol", "talk", "", ["found 'talk'", "'harness', 'chat' or 'tools'"]),
    ("datasets.gsm8k.max_new_tokens", 0, "", ["found 0 (int)", "greater than or equal to 1"]),
    ("datasets.arc_challenge.few_shot", -1, "", ["found -1", "greater than or equal to 0"]),
    ("models.qwen3_8b.parameters_b", 0, "", ["found 0 (int)", "allowed: greater than 0"]),
    ("engine.cpu_limit_b", float("nan"), "", ["found nan (float)", "allowed: greater than 0"]),
    ("models.qwen3_8b.source", "s3", "", ["found 's3'; allowed: hub, pypi, path"]),
    ("models.qwen3_8b.source", None, "", ["found 'None'; allowed: hub, pypi, path"]),
    ("judge.model", "gpt", "", ["unknown model 'gpt'", "known: deepseek"]),
    ("sandbox", {"backend": "docker"}, "sandbox.backend", ["'bubblewrap', 'landlock' or 'none'"]),
    ("sandbox", {"wall_seconds": 0}, "sandbox.wall_seconds", ["found 0", "or equal to 1"]),
    ("run.models", [], "", ["found [] (list)", "at least 1 item"]),
    ("tiers.quick", 100, "tiers", ["must grow: quick < standard < full, found 100, 100, 200"]),
    # names
    ("models.Qwen-3", {"id": "a/b"}, "", ["names have small letters, digits and _ only"]),
    ("run.models", ["../x"], "run.models.0", ["found '../x' (str)", "^[a-z0-9][a-z0-9_]*$"]),
    # references
    (
        "run.models",
        ["qwen3_8"],
        "",
        ["unknown model 'qwen3_8' (did you mean 'qwen3_8b'?)", "yi_9b"],
    ),
    (
        "run.datasets",
        ["gsm8"],
        "",
        ["unknown dataset 'gsm8' (did you mean 'gsm8k'?)", "winogrande"],
    ),
    (
        "datasets.gsm8k",
        MISSING,
        "run.datasets",
        ["unknown dataset 'gsm8k'", "known: arc_challenge"],
    ),
    ("datasets.squad", {"protocol": "chat"}, "datasets", ["unknown dataset 'squad'", "known: arc"]),
    ("optimal_presets", {"gpt": "balanced"}, "", ["unknown model 'gpt'", "known: deepseek"]),
    ("optimal_presets", {"yi_9b": "fast"}, "optimal_presets.yi_9b", ["found 'fast'", "'balanced'"]),
    ("run.models", ["yi_9b", "yi_9b"], "", ["'yi_9b' is named 2 times"]),
    ("run.datasets", ["math", "mmlu", "math"], "", ["'math' is named 2 times"]),
    ("datasets.gsm8k.source", "mirror", "", ["found 'mirror'", "`mirror` names no directory"]),
    # protocols that a benchmark does not have
    ("datasets.mt_bench.protocol", "harness", "", ["found 'harness'; allowed: chat"]),
    ("datasets.mmlu", {"protocol": "chat"}, "datasets.mmlu.protocol", ["'chat'; allowed: harness"]),
    ("datasets.gsm8k.few_shot", 5, "", ["found 5; allowed: 0", "chat protocol"]),
    # what single tiers ask
    (
        "datasets.gsm8k.tiers",
        {"quick": {"fewshot": 1}},
        "datasets.gsm8k.tiers.quick.fewshot",
        ["did you mean 'few_shot'?", "allowed: few_shot, protocol"],
    ),
    (
        "datasets.gsm8k.tiers",
        {"quik": {"few_shot": 0}},
        "datasets.gsm8k.tiers.quik",
        ["did you mean 'quick'?", "allowed: full, quick, standard"],
    ),
    (
        "datasets.gsm8k.tiers",
        {"quick": {"few_shot": -1}},
        "datasets.gsm8k.tiers.quick.few_shot",
        ["found -1", "greater than or equal to 0"],
    ),
    (
        "datasets.gsm8k.tiers",
        {"quick": {"few_shot": True}},
        "datasets.gsm8k.tiers.quick.few_shot",
        ["found True (bool)"],
    ),
    (
        "datasets.gsm8k.tiers",
        {"quick": None},
        "datasets.gsm8k.tiers.quick",
        ["allowed: a section with keys"],
    ),
    (
        "datasets.gsm8k.tiers",
        {"standard": {"few_shot": 5}},
        "datasets.gsm8k.tiers.standard.few_shot",
        ["found 5; allowed: 0, because the chat protocol"],
    ),
    (
        "datasets.arc_challenge.tiers",
        {"full": {"protocol": "chat", "few_shot": 0}},
        "datasets.arc_challenge.tiers.full.protocol",
        ["found 'chat'; allowed: harness"],
    ),
    # repeated attempts
    ("datasets.gsm8k.repeats", 5, "", ["found 5; allowed: 1", "code tasks"]),
    ("datasets.humaneval.repeats", 0, "", ["found 0", "greater than or equal to 1"]),
    (
        "datasets.humaneval.repeats",
        5,
        "datasets.humaneval.temperature",
        ["found 0; allowed: above 0 with 5 repeats"],
    ),
    (
        "datasets.humaneval.temperature",
        0.8,
        "",
        ["found 0.8; allowed: 0 unless `repeats` is above 1"],
    ),
    ("datasets.humaneval.temperature", -0.1, "", ["found -0.1", "or equal to 0"]),
    ("datasets.humaneval.temperature", 2.5, "", ["found 2.5", "less than or equal to 2"]),
    ("datasets.humaneval.temperature", float("nan"), "", ["found nan (float)"]),
    ("datasets.humaneval.temperature", True, "", ["found True (bool)", "allowed: a number"]),
]


@pytest.mark.parametrize(
    ("key", "value", "where", "words"), WRONG, ids=[f"{i}-{row[0]}" for i, row in enumerate(WRONG)]
)
def test_wrong_key_is_named_alone(key: str, value: object, where: str, words: list[str]) -> None:
    (line,) = problems(changed(key, value))
    path, _, rest = line.partition(": ")
    assert path == (where or key)
    for word in words:
        assert word in rest


def test_all_wrong_keys_are_listed_at_once() -> None:
    raw = changed("seed", "x")
    raw["tiers"]["quick"] = 0
    raw["engine"]["colour"] = "red"
    del raw["models"]["yi_9b"]["id"]
    found = {line.partition(":")[0] for line in problems(raw)}
    assert found == {"seed", "tiers.quick", "engine.colour", "models.yi_9b.id"}


def test_all_wrong_references_are_listed_at_once() -> None:
    raw = changed("run.models", ["nobody"])
    raw["run"]["datasets"] = ["nothing"]
    raw["optimal_presets"] = {"noone": "balanced"}
    assert [line.partition(":")[0] for line in problems(raw)] == [
        "run.models",
        "run.datasets",
        "optimal_presets",
    ]


@pytest.mark.parametrize("raw", [None, [], "text", 5])
def test_configuration_that_is_no_mapping_is_named(raw: object) -> None:
    (line,) = problems(raw)
    assert line.startswith("(top level): found ") and line.endswith("a section with keys")


def test_empty_configuration_names_what_must_be_given() -> None:
    assert [line.partition(":")[0] for line in problems({})] == [
        "run",
        "models",
        "datasets",
        "presets",
    ]


def test_message_reads_whole() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(changed("seed", -1))
    assert str(caught.value) == (
        "The configuration is not valid:\n"
        "  - seed: found -1 (int); allowed: greater than or equal to 0\n"
        "  where: config.yaml\n"
        "  to do: correct the keys above; docs/configuration.md lists every key"
    )


# ---- what is valid -------------------------------------------------------------------------


def test_config_yaml_covers_all_datasets() -> None:
    config = parse_config(BASE)
    assert set(config.datasets) == set(config.run.datasets) == set(DATASETS)
    assert set(config.run.models) <= set(config.models)


def test_models_without_source_are_on_the_hub_and_pinned() -> None:
    for name, model in parse_config(BASE).models.items():
        assert isinstance(model, HubModel), name
        assert len(model.revision) == 40, name


def test_demo_overlay_is_valid_over_config_yaml() -> None:
    config = parse_config(merged(read("config/demo.yaml")))
    assert all(isinstance(config.models[name], PypiModel) for name in config.run.models)
    assert {config.source_of(name) for name in config.run.datasets} == {"bundled"}
    # Merged key by key: what the overlay does not mention stays.
    assert config.datasets["gsm8k"].protocol == "chat"
    room = config.datasets["gsm8k"].max_new_tokens
    assert room is not None and room < benchmark("gsm8k").card.max_new_tokens["chat"]
    assert config.tiers.quick == BASE["tiers"]["quick"]
    assert config.presets.throughput.batch_rows == BASE["presets"]["throughput"]["batch_rows"]


@pytest.mark.parametrize(
    ("own", "mirror", "default", "expected"),
    [
        (None, None, "hub", "hub"),
        (None, None, "bundled", "bundled"),
        (None, "/m", "hub", "mirror"),
        (None, "/m", "bundled", "mirror"),
        ("hub", "/m", "bundled", "hub"),
        ("bundled", "/m", "hub", "bundled"),
        ("mirror", "/m", "bundled", "mirror"),
        ("hub", None, "bundled", "hub"),
        ("bundled", None, "hub", "bundled"),
    ],
)
def test_source_of_a_dataset_is_its_own_then_the_mirror_then_the_default(
    own: str | None, mirror: str | None, default: str, expected: str
) -> None:
    raw = changed("datasets.gsm8k.source", own)
    raw |= {"mirror": mirror, "dataset_source": default}
    assert parse_config(raw).source_of("gsm8k") == expected


def test_preset_of_a_model_is_the_pinned_one_then_the_default() -> None:
    raw = changed("optimal_presets", {"qwen3_14b": "memory_saver"})
    raw["default_preset"] = "throughput"
    config = parse_config(raw)
    assert config.preset_of("qwen3_14b") == "memory_saver"
    assert config.preset_of("qwen3_8b") == "throughput"


@pytest.mark.parametrize("dataset", DATASETS)
def test_protocols_are_those_of_the_card(dataset: str) -> None:
    for protocol in get_args(Protocol):
        raw = changed(f"datasets.{dataset}", {"protocol": protocol})
        if protocol in benchmark(dataset).card.protocols:
            assert parse_config(raw).datasets[dataset].protocol == protocol
        else:
            (line,) = problems(raw)
            assert line.startswith(f"datasets.{dataset}.protocol: found '{protocol}'")


def test_the_default_protocol_of_a_dataset_is_the_first_on_its_card() -> None:
    for dataset, settings in BASE["datasets"].items():
        assert settings["protocol"] == benchmark(dataset).card.protocols[0], dataset


@pytest.mark.parametrize(
    ("tiers", "expected"),
    [
        ({}, {("harness", 5)}),
        ({"quick": {}}, {("harness", 5)}),
        ({"quick": {"few_shot": 0}}, {("harness", 0), ("harness", 5)}),
        ({"full": {"protocol": "chat", "few_shot": 0}}, {("harness", 5), ("chat", 0)}),
    ],
)
def test_a_tier_asks_what_it_says_itself_else_what_its_dataset_says(
    tiers: dict[str, Any], expected: set[tuple[str, int]]
) -> None:
    raw = changed("datasets.gsm8k", {"protocol": "harness", "few_shot": 5, "tiers": tiers})
    config = parse_config(raw)
    assert {config.asked("gsm8k", tier) for tier in TIERS} == expected
    for tier in TIERS:
        own = tiers.get(tier, {})
        assert config.asked("gsm8k", tier) == (
            own.get("protocol", "harness"),
            own.get("few_shot", 5),
        )


def test_a_fault_that_all_tiers_share_is_told_once() -> None:
    assert len(problems(changed("datasets.gsm8k.few_shot", 5))) == 1


def test_a_dataset_that_cannot_be_repeated_is_not_asked_for_a_temperature() -> None:
    (line,) = problems(changed("datasets.mmlu.repeats", 3))
    assert line.startswith("datasets.mmlu.repeats: ")


def test_repeated_attempts_of_code_tasks_need_a_temperature_and_get_it() -> None:
    repeatable = {name for name in DATASETS if benchmark(name).card.repeatable}
    assert repeatable == {"humaneval", "mbpp"}
    for name in repeatable:
        raw = changed(f"datasets.{name}", {"protocol": "chat", "repeats": 5, "temperature": 0.8})
        found = parse_config(raw).datasets[name]
        assert (found.repeats, found.temperature) == (5, 0.8)


def test_values_given_with_config_are_coerced() -> None:
    """Within `key={...}` Snakemake leaves every value a string."""
    given = parse_command_line(
        [
            "seed=7",
            "tiers={quick: 2, standard: 5}",
            "engine={exact: true, cpu_limit_b: 0.5}",
            "run={models: [yi_9b]}",
            "datasets={gsm8k: {max_new_tokens: 9}, arc_challenge: {tiers: {quick: {few_shot: 0}}},"
            " humaneval: {repeats: 2, temperature: 0.5}}",
            "mirror=",
        ]
    )
    assert given["tiers"]["quick"] == "2" and given["engine"]["exact"] == "true"
    config = parse_config(merged(given))
    assert (config.seed, config.tiers.quick, config.tiers.full) == (7, 2, 200)
    assert config.engine.exact is True and config.engine.cpu_limit_b == 0.5
    assert config.run.models == ["yi_9b"] and config.mirror is None
    assert config.datasets["gsm8k"].max_new_tokens == 9
    assert config.asked("arc_challenge", "quick") == ("harness", 0)
    assert config.asked("arc_challenge", "full") == ("harness", 25)
    assert config.datasets["humaneval"].temperature == 0.5


def test_wrong_value_given_with_config_is_named() -> None:
    given = parse_command_line(["tiers={quick: few}"])
    assert problems(merged(given)) == [
        "tiers.quick: found 'few' (str); allowed: a valid integer, "
        "unable to parse string as an integer"
    ]


# ---- what is generated ---------------------------------------------------------------------


def sections() -> list[type[Section]]:
    return [section for _, _, section in config_docs.SECTIONS]


@pytest.mark.parametrize("section", sections(), ids=lambda s: s.__name__)
def test_every_field_has_a_description(section: type[Section]) -> None:
    assert section.__doc__
    for name, field in section.model_fields.items():
        assert field.description, f"{section.__name__}.{name}"


def test_every_section_has_a_table() -> None:
    definitions = Config.model_json_schema()["$defs"]
    assert {"Config", *definitions} == {section.__name__ for section in sections()}


@pytest.mark.parametrize(
    ("name", "text"),
    [(config_docs.SCHEMA, config_docs.schema), (config_docs.TABLES, config_docs.tables)],
)
def test_generated_files_are_fresh(name: str, text: Any) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == text(), (
        f"{name} is stale: run python -m evaluation.config_docs"
    )


def test_command_writes_both_files(tmp_path: Path) -> None:
    config_docs.main(tmp_path)
    found = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert found == {config_docs.SCHEMA, config_docs.TABLES}


def test_tables_have_one_row_a_key_with_type_and_default() -> None:
    text = config_docs.tables()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == sum(len(section.model_fields) for section in sections())
    assert all(row.count("|") == 5 for row in rows)
    for row in (
        "| `seed` | whole number of at least 0 | `1234` | seed of the sample order",
        "| `run.models` | list of text | must be given | ",
        "| `datasets.NAME.source` | `hub`, `mirror`, `bundled` or empty | empty | ",
        "| `datasets.NAME.max_new_tokens` | whole number of at least 1 or empty | empty | ",
        "| `datasets.NAME.tiers.TIER.few_shot` | whole number of at least 0 or empty | empty | ",
        "| `engine.exact` | true or false | `false` | ",
        "| `engine.cpu_limit_b` | number above 0 | `4.0` | ",
        "| `models` | section by name | must be given | ",
    ):
        assert row in text


def valid(raw: object) -> bool:
    checker = jsonschema.Draft202012Validator(json.loads(config_docs.schema()))
    return bool(checker.is_valid(raw))


def test_schema_is_a_valid_schema_and_accepts_config_yaml() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(config_docs.schema()))
    assert valid(BASE)
    assert valid(merged(read("config/demo.yaml")))
    assert valid(changed("models.m", PathModel(source="path", path="x").model_dump()))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seeds", 1),
        ("seed", "x"),
        ("seed", True),
        ("run", MISSING),
        ("models.Qwen-3", {"id": "a/b"}),
        ("models.m", {"source": "path"}),
        ("models.yi_9b.parameters_b", 0),
        ("datasets.gsm8k.protocol", "talk"),
        ("datasets.gsm8k.tiers", {"quik": {}}),
        ("datasets.gsm8k.tiers", {"quick": {"few_shot": -1}}),
        ("datasets.gsm8k.max_new_tokens", 0),
        ("datasets.humaneval.repeats", 0),
        ("datasets.humaneval.temperature", 3),
        ("sandbox", {"backend": "docker"}),
        ("optimal_presets", {"yi_9b": "fast"}),
    ],
)
def test_schema_refuses_what_the_parser_refuses(key: str, value: object) -> None:
    assert not valid(changed(key, value))


def test_config_yaml_names_the_schema_for_editors() -> None:
    first = (ROOT / "config.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (ROOT / first.partition("$schema=")[2]).exists()
