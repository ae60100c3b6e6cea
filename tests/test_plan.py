"""From configuration to jobs: slices, paths, and settings that change for what changed only."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from evaluation import code_files, plan, targets
from evaluation.benchmarks import benchmark
from evaluation.config import DATASETS, TIERS, Config, parse_config
from evaluation.generate import GenerateSettings
from evaluation.prepare import normalise
from evaluation.queue import Task
from evaluation.records import GenerateRequest, Protocol
from evaluation.requests import first_requests
from evaluation.sources import read_rows

ROOT = Path(__file__).resolve().parents[1]
BASE = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


def configured(**changes: Any) -> Config:
    """config.yaml with bundled rows and values replaced by `section__key=value`."""
    raw = copy.deepcopy(BASE) | {"dataset_source": "bundled"}
    for key, value in changes.items():
        section: Any = raw
        *path, last = key.split("__")
        for part in path:
            section = section[part]
        section[last] = value
    return parse_config(raw)


def reversed_keys(value: Any) -> Any:
    """The same mapping with the keys of all levels in opposite order."""
    if not isinstance(value, dict):
        return value
    return {key: reversed_keys(value[key]) for key in reversed(value)}


CONFIG = configured()


# ---- slices and paths ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        ("quick", ["0-20"]),
        ("standard", ["0-20", "20-100"]),
        ("full", ["0-20", "20-100", "100-200"]),
    ],
)
def test_slices_of_a_tier_lie_between_the_sizes(tier: str, expected: list[str]) -> None:
    assert plan.slices(CONFIG, tier) == expected


def test_slices_follow_the_configured_sizes() -> None:
    config = configured(tiers={"quick": 3, "standard": 4, "full": 9})
    assert plan.slices(config, "full") == ["0-3", "3-4", "4-9"]


def test_cells_are_models_times_datasets_model_by_model() -> None:
    config = configured(run={"models": ["yi_9b", "qwen3_8b"], "datasets": ["mmlu", "gsm8k"]})
    assert plan.cells(config, "quick") == [
        "results/quick/yi_9b/mmlu.json",
        "results/quick/yi_9b/gsm8k.json",
        "results/quick/qwen3_8b/mmlu.json",
        "results/quick/qwen3_8b/gsm8k.json",
    ]


def test_responses_lie_below_the_models_preset_and_how_the_dataset_is_asked() -> None:
    config = configured(optimal_presets={"yi_9b": "throughput"})
    assert plan.responses(config, "yi_9b", "math", "standard") == [
        "results/responses/yi_9b/throughput/math/chat-0shot/0-20.jsonl",
        "results/responses/yi_9b/throughput/math/chat-0shot/20-100.jsonl",
    ]
    assert plan.responses(config, "qwen3_8b", "arc_challenge", "quick") == [
        "results/responses/qwen3_8b/balanced/arc_challenge/harness-25shot/0-20.jsonl"
    ]


def test_task_of_a_slice() -> None:
    task = plan.task(CONFIG, "yi_9b", "balanced", "gsm8k", "chat-0shot", "20-100")
    assert (task.start, task.stop, task.slice) == (20, 100, "20-100")
    assert task.samples == "data/gsm8k.jsonl"
    assert task.manifest == "data/gsm8k.manifest.json"
    assert task.journal == "results/journals/yi_9b/balanced/gsm8k/chat-0shot/20-100.jsonl"
    assert task.prompt.max_new_tokens == benchmark("gsm8k").card.max_new_tokens["chat"]
    assert task.prompt.seed == BASE["seed"]


# ---- variants ------------------------------------------------------------------------------

TIER_BY_TIER = {
    "protocol": "harness",
    "few_shot": 5,
    "tiers": {"quick": {"few_shot": 0}, "standard": {"few_shot": 25}, "full": {"few_shot": 25}},
}


@pytest.mark.parametrize("protocol", get_args(Protocol))
def test_every_protocol_makes_a_variant_that_is_read_back(protocol: Protocol) -> None:
    for few_shot in (0, 25):
        name = f"{protocol}-{few_shot}shot"
        prompt = plan.prompt_settings(CONFIG, "gsm8k", name)
        assert (prompt.protocol, prompt.few_shot) == (protocol, few_shot)
        task = plan.task(CONFIG, "yi_9b", "balanced", "gsm8k", name, "0-20")
        assert task.variant == name


@pytest.mark.parametrize(
    "name", ["", "chat", "chat-0", "chat-shot", "talk-0shot", "chat--1shot", "chat-0shot/x"]
)
def test_what_is_no_variant_is_refused(name: str) -> None:
    assert plan.VARIANT.fullmatch(name) is None
    with pytest.raises(ValueError, match="not a variant"):
        plan.prompt_settings(CONFIG, "gsm8k", name)


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_of_config_yaml_asks_in_a_variant(dataset: str, tier: str) -> None:
    chosen = BASE["datasets"][dataset]
    expected = f"{chosen['protocol']}-{chosen.get('few_shot', 0)}shot"
    assert plan.variant(CONFIG, dataset, tier) == expected


def test_a_tier_of_its_own_variant_has_files_of_its_own() -> None:
    config = configured(datasets__arc_challenge=TIER_BY_TIER)
    folder = "results/responses/yi_9b/balanced/arc_challenge"
    assert plan.responses(config, "yi_9b", "arc_challenge", "quick") == [
        f"{folder}/harness-0shot/0-20.jsonl"
    ]
    standard = plan.responses(config, "yi_9b", "arc_challenge", "standard")
    assert standard == [
        f"{folder}/harness-25shot/0-20.jsonl",
        f"{folder}/harness-25shot/20-100.jsonl",
    ]
    full = plan.responses(config, "yi_9b", "arc_challenge", "full")
    assert full == [*standard, f"{folder}/harness-25shot/100-200.jsonl"], "shared with standard"
    few_shot = {
        tier: plan.score_settings(config, tier, "yi_9b", "arc_challenge").prompt.few_shot
        for tier in TIERS
    }
    assert few_shot == {"quick": 0, "standard": 25, "full": 25}


def test_tiers_that_ask_the_same_share_their_responses_whatever_says_so() -> None:
    spelled_out = configured(
        datasets__gsm8k__tiers={tier: {"protocol": "chat", "few_shot": 0} for tier in TIERS}
    )
    for tier in TIERS:
        assert plan.responses(spelled_out, "yi_9b", "gsm8k", tier) == plan.responses(
            CONFIG, "yi_9b", "gsm8k", tier
        )


def test_a_tier_may_have_a_protocol_of_its_own_with_the_room_of_that_protocol() -> None:
    config = configured(datasets__gsm8k__tiers={"quick": {"protocol": "harness", "few_shot": 5}})
    room = benchmark("gsm8k").card.max_new_tokens
    quick = plan.score_settings(config, "quick", "yi_9b", "gsm8k").prompt
    full = plan.score_settings(config, "full", "yi_9b", "gsm8k").prompt
    assert (quick.protocol, quick.few_shot, quick.max_new_tokens) == ("harness", 5, room["harness"])
    assert (full.protocol, full.few_shot, full.max_new_tokens) == ("chat", 0, room["chat"])
    assert room["harness"] != room["chat"]


def test_a_dataset_is_prepared_with_the_most_examples_of_any_tier() -> None:
    config = configured(datasets__arc_challenge=TIER_BY_TIER)
    assert plan.prepare_settings(config, "arc_challenge").few_shot == 25


def test_another_tiers_way_of_asking_changes_no_other_tiers_settings() -> None:
    edited = configured(
        datasets__gsm8k__tiers={"standard": {"protocol": "harness", "few_shot": 5}},
    )
    for tier, same in (("quick", True), ("standard", False), ("full", True)):
        found = [plan.score_settings(c, tier, "yi_9b", "gsm8k") for c in (CONFIG, edited)]
        assert (found[0] == found[1]) is same


# ---- room for the answer, repeats ----------------------------------------------------------


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_protocol_that_asks_for_text_has_room_for_it(dataset: str) -> None:
    task = benchmark(dataset)
    raw = read_rows(task, "bundled", revision=None, mirror=None)
    samples, pool = normalise(task, raw.rows), normalise(task, raw.few_shot)
    for protocol in task.card.protocols:
        prompt = plan.prompt_settings(CONFIG, dataset, f"{protocol}-0shot")
        requests = first_requests(dataset, samples, pool, prompt)
        text = [r for r in requests if isinstance(r, GenerateRequest)]
        assert (protocol in task.card.max_new_tokens) is bool(text)
        assert all(r.max_new_tokens == task.card.max_new_tokens[protocol] >= 64 for r in text)


def test_room_for_the_answer_is_the_datasets_own_if_it_is_given() -> None:
    config = configured(datasets__gsm8k__max_new_tokens=7)
    for variant in ("chat-0shot", "harness-5shot"):
        assert plan.prompt_settings(config, "gsm8k", variant).max_new_tokens == 7


def test_repeats_and_temperature_reach_the_requests_settings() -> None:
    config = configured(datasets__humaneval__repeats=3, datasets__humaneval__temperature=0.8)
    prompt = plan.prompt_settings(config, "humaneval", "chat-0shot")
    assert (prompt.repeats, prompt.temperature) == (3, 0.8)
    assert plan.prompt_settings(config, "mbpp", "chat-0shot").repeats == 1


# ---- settings ------------------------------------------------------------------------------


def settings_of(config: Config, dataset: str) -> dict[str, str]:
    """The settings of all jobs of a dataset, as the rules pass them on."""
    return {
        "prepare": plan.to_json(plan.prepare_settings(config, dataset)),
        "generate": plan.to_json(
            plan.generate_settings(
                config, "yi_9b", "balanced", dataset, plan.variant(config, dataset, "quick"), "0-20"
            )
        ),
        "score": plan.to_json(plan.score_settings(config, "quick", "yi_9b", dataset)),
    }


def changed_by(**changes: Any) -> set[tuple[str, str]]:
    """The (dataset, job) whose settings a change in the configuration changes."""
    config = configured(**changes)
    return {
        (dataset, job)
        for dataset in DATASETS
        for job, text in settings_of(config, dataset).items()
        if text != settings_of(CONFIG, dataset)[job]
    }


def test_settings_are_one_line_with_sorted_keys() -> None:
    text = settings_of(CONFIG, "gsm8k")["generate"]
    assert "\n" not in text
    assert text == json.dumps(json.loads(text), sort_keys=True)


def test_order_of_keys_changes_no_settings() -> None:
    turned = parse_config(reversed_keys(copy.deepcopy(BASE) | {"dataset_source": "bundled"}))
    for dataset in DATASETS:
        assert settings_of(turned, dataset) == settings_of(CONFIG, dataset)
    assert plan.to_json(plan.fetch_settings(turned, "yi_9b")) == plan.to_json(
        plan.fetch_settings(CONFIG, "yi_9b")
    )


def test_order_of_datasets_and_models_changes_no_cell() -> None:
    run = {key: list(reversed(names)) for key, names in BASE["run"].items()}
    assert changed_by(run=run) == set()


@pytest.mark.parametrize(
    ("change", "jobs"),
    [
        ({"datasets__gsm8k__max_new_tokens": 77}, {"generate", "score"}),
        ({"datasets__gsm8k__protocol": "harness"}, {"generate", "score"}),
        ({"datasets__gsm8k__source": "hub"}, {"prepare"}),
        ({"datasets__gsm8k__revision": "abc"}, {"prepare"}),
        (
            {"datasets__gsm8k__tiers": {"quick": {"protocol": "harness"}}},
            {"generate", "score"},
        ),
        # Its worked examples must be there: the dataset is prepared for the most of them.
        (
            {"datasets__gsm8k__tiers": {"full": {"protocol": "harness", "few_shot": 5}}},
            {"prepare"},
        ),
    ],
)
def test_a_changed_dataset_changes_its_own_settings_only(
    change: dict[str, Any], jobs: set[str]
) -> None:
    assert changed_by(**change) == {("gsm8k", job) for job in jobs}


def test_few_shot_changes_preparation_requests_and_score_of_its_dataset() -> None:
    assert changed_by(datasets__arc_challenge__few_shot=2) == {
        ("arc_challenge", job) for job in ("prepare", "generate", "score")
    }


def test_the_seed_changes_everything() -> None:
    assert len(changed_by(seed=5)) == 3 * len(DATASETS)


def test_engine_settings_change_responses_and_scores() -> None:
    assert {job for _, job in changed_by(engine__dtype="float32")} == {"generate", "score"}


def test_sandbox_settings_change_only_the_scores_of_what_runs_code() -> None:
    running = {dataset for dataset in DATASETS if plan.runs_code(dataset)}
    assert running == {"humaneval", "mbpp"}
    assert changed_by(sandbox={"wall_seconds": 3}) == {(dataset, "score") for dataset in running}
    for dataset in DATASETS:
        settings = plan.score_settings(CONFIG, "quick", "yi_9b", dataset)
        assert (settings.sandbox is not None) is (dataset in running)


def test_another_models_settings_change_nothing() -> None:
    assert changed_by(models__qwen3_8b__thinking=True) == set()
    assert {job for _, job in changed_by(models__yi_9b__thinking=True)} == {"generate", "score"}


def test_tier_sizes_change_scores_and_no_request_of_a_slice() -> None:
    assert {job for _, job in changed_by(tiers__quick=10)} == {"score"}


def test_the_mirror_is_part_of_the_settings_only_where_it_is_read() -> None:
    config = configured(mirror="/m", datasets__gsm8k__source="bundled")
    assert plan.prepare_settings(config, "gsm8k").mirror is None
    assert plan.prepare_settings(config, "gsm8k").source == "bundled"
    assert plan.prepare_settings(config, "math").mirror == "/m"
    assert plan.prepare_settings(config, "math").source == "mirror"


def test_settings_come_back_from_json() -> None:
    settings = plan.generate_settings(CONFIG, "yi_9b", "balanced", "gsm8k", "chat-0shot", "0-20")
    assert plan.parse(GenerateSettings, plan.to_json(settings)) == settings
    assert settings.preset_name == "balanced"
    machine = plan.machine(CONFIG, "yi_9b", "balanced")
    assert machine.preset.batch_rows == BASE["presets"]["balanced"]["batch_rows"]


def test_queue_comes_back_from_json() -> None:
    tasks = [
        plan.task(CONFIG, "yi_9b", "balanced", name, plan.variant(CONFIG, name, "quick"), "0-20")
        for name in ("mmlu", "math")
    ]
    text = plan.to_json([task.model_dump(mode="json") for task in tasks])
    found: list[Task] = plan.parse_tasks(text)
    assert found == tasks


def test_files_of_a_model_in_a_folder_are_watched(tmp_path: Path) -> None:
    for name in ("model.safetensors", "config.json", "notes.txt"):
        (tmp_path / name).write_text("")
    models = BASE["models"] | {"mine": {"source": "path", "path": str(tmp_path)}}
    config = configured(models=models)
    assert plan.path_model_files(config, "mine") == [
        str(tmp_path / "config.json"),
        str(tmp_path / "model.safetensors"),
    ]
    assert plan.path_model_files(config, "yi_9b") == []


# ---- code that decides a score -------------------------------------------------------------


@pytest.mark.parametrize("dataset", DATASETS)
def test_scoring_code_has_the_module_and_what_all_share(dataset: str) -> None:
    found = code_files.scoring_code(dataset)
    assert f"evaluation/benchmarks/{dataset}.py" in found
    assert {"evaluation/benchmarks/base.py", "evaluation/scoring.py"} <= set(found)
    assert {"evaluation/statistics/intervals.py", "evaluation/thinking.py"} <= set(found)
    assert all((ROOT / path).is_file() for path in found)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("dataset", "helpers"),
    [
        ("mmlu", {"multiple_choice"}),
        (
            "bfcl",
            {"bfcl_checker", "bfcl_decoder", "bfcl_files", "bfcl_rows", "bfcl_tools", "messages"},
        ),
        (
            "toolllama",
            {
                "messages",
                "toolllama_compat",
                "toolllama_queries",
                "toolllama_rows",
                "toolllama_steps",
            },
        ),
        ("mt_bench", {"mt_bench_judge"}),
        # A worker's module is named by a string, not imported.
        ("math", {"boxed", "math_checker", "minerva", "minerva_checker", "worker"}),
        ("ifeval", {"ifeval_checker", "worker"}),
        ("humaneval", {"python_code"}),
        ("gsm8k", set()),
    ],
)
def test_scoring_code_has_the_helpers_and_no_other_dataset(dataset: str, helpers: set[str]) -> None:
    stems = {Path(path).stem for path in code_files.scoring_code(dataset) if "benchmarks" in path}
    assert stems == {"base", dataset} | helpers


@pytest.mark.parametrize("dataset", DATASETS)
def test_scoring_code_has_the_sandbox_where_programs_are_run(dataset: str) -> None:
    sandbox = {str(p.relative_to(ROOT)) for p in (ROOT / "evaluation/sandbox").glob("*.py")}
    found = sandbox & set(code_files.scoring_code(dataset))
    assert sandbox and found == (sandbox if plan.runs_code(dataset) else set())


def test_every_file_of_the_benchmarks_decides_some_score() -> None:
    """A helper that no dataset depends on could be edited without any rescoring."""
    listed = {path for dataset in DATASETS for path in code_files.scoring_code(dataset)}
    files = {
        str(path.relative_to(ROOT)) for path in (ROOT / "evaluation/benchmarks").glob("*.py")
    } - {"evaluation/benchmarks/__init__.py"}
    assert files <= listed


def test_report_code_has_code_and_templates() -> None:
    found = code_files.report_code()
    assert "evaluation/reports/render.py" in found
    for path in ("pages/overview.py", "charts/drawing.py", "templates/overview.html"):
        assert f"evaluation/reports/{path}" in found
    assert "evaluation/reports/templates/styles/base.css" in found
    assert "evaluation/reports/templates/scripts/page.js" in found
    assert not any("__pycache__" in path for path in found)
    assert all((ROOT / path).is_file() for path in found)


# ---- unknown cells -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "problems"),
    [
        ("quik/yi_9b/gsm8k", ["unknown tier 'quik'; known: quick, standard, full"]),
        ("quick/gpt/gsm8k", ["unknown model 'gpt'; known: deepseek_coder_16b"]),
        ("quick/yi_9b/squad", ["unknown dataset 'squad'; known: arc_challenge"]),
        ("quik/gpt/squad", ["unknown tier", "and unknown model", "and unknown dataset"]),
    ],
)
def test_unknown_cell_says_which_part_is_unknown_and_what_is_known(
    path: str, problems: list[str]
) -> None:
    message = targets.explain_unknown(CONFIG, path)
    assert message.startswith(f"No rule can make results/{path}.json: ")
    assert all(problem in message for problem in problems)
    assert message.count("unknown") == len(problems)


@pytest.mark.parametrize(
    ("target", "unknown"),
    [
        ("quick/yi_9b/squad", True),
        ("quick/gpt/gsm8k", True),
        ("quik/yi_9b/gsm8k", True),
        ("quick/yi_9b/gsm8k_2", True),
        ("quick/my_yi_9b/gsm8k", True),
        ("quick/yi_9b/gsm8k", False),
        ("full/qwen3_8b/mmlu", False),
        ("quick/all", False),
        ("quick/comparisons", False),
        ("full/gate", False),
        ("quik/gate", True),
        ("quick/a/b/c", True),
        ("quick/gsm8k", True),
        ("quik/all", True),
        ("responses/a/b/c", False),
    ],
)
def test_pattern_of_unknown_cells_takes_exactly_those(target: str, unknown: bool) -> None:
    pattern = rf"^results/(?P<unknown_cell>{targets.unknown_cell_pattern(CONFIG)})\.json$"
    assert bool(re.match(pattern, f"results/{target}.json")) is unknown
