"""A generate job: one load for all pending tasks, none when nothing is open, and no torch then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from evaluation import plan, run_notes
from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import PromptSettings
from evaluation.config import EndpointModel, EngineSettings, Preset, parse_config
from evaluation.errors import EvaluationError
from evaluation.files import write_record, write_records
from evaluation.generate import GenerateSettings, Machine, generate, one_at_a_time
from evaluation.journal import Journal
from evaluation.models.directory import describe
from evaluation.plan import to_json
from evaluation.queue import Task
from evaluation.records import (
    DatasetManifest,
    ModelFile,
    ModelManifest,
    Response,
    ResponsesHeader,
)
from tests.openai_server import Server
from tests.tiny_models import build

REPO = Path(__file__).resolve().parents[1]
CONFIG = parse_config(yaml.safe_load((REPO / "config.yaml").read_text(encoding="utf-8")))
PROMPTS = {
    "arc_challenge": PromptSettings(protocol="harness"),
    "mt_bench": PromptSettings(protocol="chat", max_new_tokens=6),
}
ROWS: dict[str, list[dict[str, object]]] = {
    "arc_challenge": [
        {
            "id": f"Own_{i}",
            "question": f"Which of these is hottest, case {i}?",
            "choices": {"text": ["ice", "tea", "lava", "snow"], "label": ["A", "B", "C", "D"]},
            "answerKey": "C",
        }
        for i in range(3)
    ],
    "mt_bench": [
        {
            "category": "writing",
            "prompt": [f"Write line {i}.", "And another."],
            "reference": [],
            "prompt_id": 900_000 + i,
        }
        for i in range(2)
    ],
}


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("llama", tmp_path_factory.mktemp("generate") / "tiny")


class Workflow:
    """A workflow's folder with a model and two prepared datasets; the current folder."""

    def __init__(self, folder: Path, weights: Path) -> None:
        self.folder = folder
        self.manifest = folder / "models" / "tiny.json"
        record = describe("tiny", "path", str(weights), "local", weights, hash_files=True)
        write_record(self.manifest, record)
        self.tasks = [self.prepare(dataset) for dataset in ROWS]

    def prepare(self, dataset: str) -> Task:
        kind, rows = benchmark(dataset), ROWS[dataset]
        samples = [kind.sample(row, index) for index, row in enumerate(rows)]
        write_records(self.folder / "data" / f"{dataset}.jsonl", samples)
        record = DatasetManifest(
            dataset=dataset,
            source="bundled",
            location="here",
            revision="1",
            licence="none",
            fingerprint="f",
            rows=len(rows),
            seed=1,
        )
        write_record(self.folder / "data" / f"{dataset}.manifest.json", record)
        return Task(
            dataset=dataset,
            start=0,
            stop=len(rows),
            prompt=PROMPTS[dataset],
            samples=f"data/{dataset}.jsonl",
            manifest=f"data/{dataset}.manifest.json",
            journal=plan.task(
                CONFIG,
                "tiny",
                "balanced",
                dataset,
                f"{PROMPTS[dataset].protocol}-0shot",
                f"0-{len(rows)}",
            ).journal,
        )

    def settings(self, task: Task, **engine: Any) -> GenerateSettings:
        return GenerateSettings(
            model="tiny",
            preset_name="balanced",
            engine=EngineSettings(**{"device": "cpu", "dtype": "float32", **engine}),
            engine_revision=1,
            thinking=False,
            task=task,
            requests="digest",
        )

    def generate(self, task: Task, **engine: Any) -> Path:
        pending = [other for other in self.tasks if not self.output(other).exists()]
        settings = self.settings(task, **engine)
        preset = Preset(batch_tokens=100_000, batch_rows=16)
        machine = Machine(engine=settings.engine, preset=preset)
        generate(settings, machine, pending, self.manifest, self.output(task), threads=1)
        return self.output(task)

    def output(self, task: Task) -> Path:
        return self.folder / "out" / f"{task.dataset}.jsonl"

    def change_model(self, **changes: Any) -> None:
        record = ModelManifest.model_validate_json(self.manifest.read_text())
        write_record(self.manifest, record.model_copy(update=changes))


@pytest.fixture
def workflow(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> Workflow:
    monkeypatch.chdir(tmp_path)
    return Workflow(tmp_path, weights)


def no_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: Any, **__: Any) -> None:
        raise AssertionError("the model was loaded again")

    monkeypatch.setattr("evaluation.engines.transformers_engine.TransformersEngine", load)


def test_the_first_job_answers_all_tasks_and_the_next_only_writes(
    workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    arc, mt_bench = workflow.tasks
    output = workflow.generate(arc)
    head, *lines = output.read_text("utf-8").splitlines()
    header = ResponsesHeader.model_validate_json(head)
    assert (header.model, header.dataset, header.samples) == ("tiny", "arc_challenge", 3)
    assert [len(Response.model_validate_json(line).continuations) for line in lines] == [4] * 3
    assert not Path(arc.journal).exists()
    assert len(Journal(Path(mt_bench.journal)).responses) == 4, "two turns of two samples"

    no_loading(monkeypatch)
    _, *lines = workflow.generate(mt_bench).read_text("utf-8").splitlines()
    turns = [Response.model_validate_json(line) for line in lines]
    assert [(r.turn, r.error) for r in turns] == [(0, None), (1, None)] * 2
    assert {r.session for r in turns} == {header.sessions[0].id}
    assert turns[0].text in turns[1].prompt, "the second turn shows the first answer"
    [load] = run_notes.loads()
    assert load.model == "tiny" and load.seconds == header.sessions[0].load_seconds


def test_responses_name_the_model_s_files_and_the_engine(workflow: Workflow) -> None:
    head = workflow.generate(workflow.tasks[0]).read_text("utf-8").splitlines()[0]
    [session] = ResponsesHeader.model_validate_json(head).sessions
    assert (session.model, session.revision) == ("tiny", "local")
    assert (session.dtype, session.preset) == ("float32", "balanced")
    assert session.hardware.device == "cpu"


@pytest.mark.parametrize("gpu", [False, True])
def test_a_model_too_large_for_the_cpu_is_refused_before_it_is_loaded(
    workflow: Workflow, gpu: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow.change_model(model="qwen3_14b", parameters=14_768_307_200)
    no_loading(monkeypatch)
    monkeypatch.setattr("evaluation.generate.gpu_visible", lambda: gpu)
    with pytest.raises(EvaluationError) as caught:
        workflow.generate(workflow.tasks[0], device="cpu" if gpu else "auto")
    assert "qwen3_14b has 14.8 billion parameters" in caught.value.what
    assert "qwen3_14b" in caught.value.where
    assert "GB of memory" in caught.value.remedy and "make demo" in caught.value.remedy
    assert run_notes.loads() == []


def test_cuda_without_a_gpu_is_refused(workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    no_loading(monkeypatch)
    monkeypatch.setattr("evaluation.generate.gpu_visible", lambda: False)
    with pytest.raises(EvaluationError, match="no GPU can be used here") as caught:
        workflow.generate(workflow.tasks[0], device="cuda")
    assert "engine.device: auto" in caught.value.remedy


def test_without_a_model_manifest_the_file_is_named(workflow: Workflow) -> None:
    workflow.manifest.unlink()
    with pytest.raises(EvaluationError, match="missing") as caught:
        workflow.generate(workflow.tasks[0])
    assert caught.value.where == str(workflow.manifest)
    assert "run the workflow" in caught.value.remedy


# ---- torch is loaded with a model, never before ----------------------------------------------

HEAVY = ("torch", "transformers", "tokenizers")


def heavy_modules(code: str, folder: Path) -> list[str]:
    """Which heavy packages a fresh interpreter has imported after `code`."""
    report = f"\nimport json, sys\nprint(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(REPO)!r})\n{code}{report}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_workflow_s_parser_imports_no_torch(tmp_path: Path) -> None:
    code = "import evaluation.generate, evaluation.queue, evaluation.plan, evaluation.scoring"
    assert heavy_modules(code, tmp_path) == []
    assert heavy_modules("import tokenizers", tmp_path) == ["tokenizers"], "it would show"


def test_a_job_with_a_complete_journal_imports_no_torch(workflow: Workflow) -> None:
    arc, mt_bench = workflow.tasks
    workflow.generate(arc)
    code = f"""
from pathlib import Path
from evaluation.config import Preset
from evaluation.generate import GenerateSettings, Machine, generate, one_at_a_time
settings = GenerateSettings.model_validate_json({to_json(workflow.settings(mt_bench))!r})
machine = Machine(engine=settings.engine, preset=Preset(batch_tokens=256, batch_rows=1))
generate(settings, machine, [], Path({str(workflow.manifest)!r}), Path("out/late.jsonl"), 1)
"""
    assert heavy_modules(code, workflow.folder) == []
    assert len((workflow.folder / "out" / "late.jsonl").read_text("utf-8").splitlines()) == 5


def test_vanished_weights_are_named_before_loading(workflow: Workflow) -> None:
    workflow.change_model(files=[ModelFile(name="model.safetensors", size=12)])
    with pytest.raises(EvaluationError) as caught:
        workflow.generate(workflow.tasks[0])
    assert "model.safetensors is gone or has changed" in caught.value.what
    assert f"delete {workflow.manifest}" in caught.value.remedy


def test_the_jobs_of_a_model_and_preset_share_one_lock(workflow: Workflow) -> None:
    """Datasets, variants and slices of one model must not load it side by side."""
    for task in workflow.tasks:
        workflow.generate(task)
    locks = [path.relative_to(workflow.folder) for path in workflow.folder.rglob(".lock")]
    assert locks == [Path("results/journals/tiny/balanced/.lock")]


def test_a_second_process_waits_for_the_first(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from evaluation.generate import one_at_a_time\n"
        "print('trying', flush=True)\n"
        f"with one_at_a_time(Path({str(tmp_path)!r})): print('inside', flush=True)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    with one_at_a_time(tmp_path):
        other = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment
        )
        assert other.stdout is not None
        assert other.stdout.readline() == "trying\n"
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(timeout=0.5)
    assert other.communicate()[0] == "inside\n"


def test_a_model_behind_a_server_needs_no_files_and_is_no_load(
    workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    no_loading(monkeypatch)
    workflow.change_model(source="endpoint", directory="", files=[])
    server = Server()
    endpoint = EndpointModel(source="endpoint", base_url=server.url, model="big", thinking=False)
    (task,) = (one for one in workflow.tasks if one.dataset == "mt_bench")
    settings = workflow.settings(task, name="openai").model_copy(update={"thinking": False})
    machine = Machine(
        engine=settings.engine, preset=Preset(batch_tokens=256, batch_rows=1), endpoint=endpoint
    )
    output = workflow.output(task)
    generate(settings, machine, [], workflow.manifest, output, threads=1)
    server.close()
    (session,) = ResponsesHeader.model_validate_json(output.read_text().split("\n")[0]).sessions
    assert (session.engine, session.model, session.preset) == ("openai", "tiny", "balanced")
    assert len(server.bodies) == 4, "two questions of two turns"
    assert server.bodies[0]["chat_template_kwargs"] == {"enable_thinking": False}
    assert run_notes.loads() == []
