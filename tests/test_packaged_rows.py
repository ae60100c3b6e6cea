"""Worked examples out of a package: only when asked for, checked, read as data and never run."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation import wheels
from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import PackagedRows, PromptSettings
from evaluation.errors import EvaluationError
from evaluation.files import read_lines
from evaluation.packaged_rows import literal_list, read_packaged
from evaluation.prepare import PrepareSettings, prepare_dataset
from evaluation.records import GenerateRequest, Sample
from evaluation.sources import read_rows
from tests.models.weights import sha256, write_wheel

MEMBER = "harness/tasks/maths.py"
SOURCE = '''
raise SystemExit("run")
def other() -> list: return []
def examples() -> list[dict]:
    """Of our own."""
    return [
        {"problem": "1 + 1?", "solution": "It is $\\\\boxed{2}$.", "few_shot": "1"},
        {"problem": "2 + 2?", "solution": "It is $\\\\boxed{4}$.", "few_shot": "1"},
    ]
'''
ROWS = [
    {"problem": "1 + 1?", "solution": "It is $\\boxed{2}$.", "few_shot": "1"},
    {"problem": "2 + 2?", "solution": "It is $\\boxed{4}$.", "few_shot": "1"},
]


class Pip:
    """Stands in for pip: delivers one wheel, or fails."""

    def __init__(self, wheel: Path) -> None:
        self.wheel = wheel
        self.asked: list[str] = []
        self.fails = False

    def run(self, words: list[str], **settings: object) -> subprocess.CompletedProcess[str]:
        """What subprocess.run does."""
        self.asked.append(words[-1])
        if self.fails:
            return subprocess.CompletedProcess(words, 1, "", "ERROR: No matching distribution")
        shutil.copy(self.wheel, words[words.index("--dest") + 1])
        return subprocess.CompletedProcess(words, 0, "", "")


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pip:
    files = {MEMBER: SOURCE.encode(), "harness/__init__.py": b"raise SystemExit"}
    found = Pip(write_wheel(tmp_path, "tiny_harness", "1.0", files))
    monkeypatch.setattr(wheels, "subprocess", SimpleNamespace(run=found.run))
    return found


@pytest.fixture
def rows(pip: Pip) -> PackagedRows:
    return PackagedRows(
        requirement="tiny-harness==1.0",
        sha256=sha256(pip.wheel.read_bytes()),
        member=MEMBER,
        function="examples",
    )


@pytest.fixture
def mirror(tmp_path: Path, rows: PackagedRows, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror of MATH-500 with one row of ours; its examples are in the stand-in wheel."""
    task = benchmark("math")
    card = task.card.model_copy(update={"packaged_few_shot": rows})
    monkeypatch.setattr(type(task), "card", card)
    folder = tmp_path / "mirror"
    (folder / card.hub_id).mkdir(parents=True)
    row = {
        "problem": "3 + 3?",
        "solution": "It is $\\boxed{6}$.",
        "answer": "6",
        "subject": "Prealgebra",
        "level": 1,
        "unique_id": "test/prealgebra/000.json",
    }
    (folder / card.hub_id / "test.jsonl").write_text(json.dumps(row), encoding="utf-8")
    return folder


def prepare(mirror: Path, folder: Path, few_shot: int) -> tuple[str, list[Sample]]:
    """The location in the manifest, and the pool of examples."""
    settings = PrepareSettings(
        dataset="math",
        source="mirror",
        revision=None,
        mirror=str(mirror),
        few_shot=few_shot,
        seed=1,
        normaliser="",
    )
    manifest = prepare_dataset(settings, folder / "samples.jsonl", folder / "manifest.json")
    assert len(read_lines(folder / "samples.jsonl", Sample)) == 1
    return manifest.location, manifest.few_shot


def test_the_rows_are_those_of_the_function(rows: PackagedRows, pip: Pip) -> None:
    assert read_packaged(rows, "math") == ROWS
    assert pip.asked == ["tiny-harness==1.0"]


def test_another_wheel_than_the_pinned_one_is_refused(rows: PackagedRows, pip: Pip) -> None:
    with pytest.raises(EvaluationError) as caught:
        read_packaged(rows.model_copy(update={"sha256": "0" * 64}), "math")
    assert f"found {rows.sha256}, expected {'0' * 64}" in caught.value.what
    assert caught.value.where == "worked examples of dataset math: tiny-harness==1.0"
    assert "set datasets.math.few_shot to 0" in caught.value.remedy


def test_without_network_the_message_says_what_was_wanted(rows: PackagedRows, pip: Pip) -> None:
    pip.fails = True
    with pytest.raises(EvaluationError) as caught:
        read_packaged(rows, "math")
    assert caught.value.what == "pip cannot download the examples: ERROR: No matching distribution"
    assert caught.value.where == "worked examples of dataset math: tiny-harness==1.0"
    assert "check the network" in caught.value.remedy


def test_nothing_is_downloaded_without_worked_examples(
    mirror: Path, pip: Pip, tmp_path: Path
) -> None:
    location, pool = prepare(mirror, tmp_path, few_shot=0)
    assert (pip.asked, pool) == ([], [])
    assert location == str(mirror / "HuggingFaceH4/MATH-500")


def test_prepared_examples_are_shown_before_the_problem(
    mirror: Path, pip: Pip, tmp_path: Path
) -> None:
    location, pool = prepare(mirror, tmp_path, few_shot=2)
    assert location.endswith("MATH-500 (worked examples: tiny-harness==1.0)")
    task = benchmark("math")
    [sample] = read_lines(tmp_path / "samples.jsonl", Sample)
    [request] = task.requests(
        sample, task.pick_few_shot(sample, pool, 2), PromptSettings(protocol="harness", few_shot=2)
    )
    assert isinstance(request, GenerateRequest)
    assert request.prompt == (
        "Problem:\n1 + 1?\n\nSolution: It is $\\boxed{2}$.\n\n"
        "Problem:\n2 + 2?\n\nSolution: It is $\\boxed{4}$.\n\n"
        "Problem:\n3 + 3?\n\nSolution:"
    )


def test_more_examples_than_the_package_has_are_refused(mirror: Path, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError) as caught:
        prepare(mirror, tmp_path, few_shot=3)
    assert "3 worked examples are asked for, the source has 2" in caught.value.what
    assert "set datasets.math.few_shot to at most 2" in caught.value.remedy


def test_bundled_examples_need_no_package(pip: Pip) -> None:
    found = read_rows(benchmark("math"), "bundled", revision=None, mirror=None, few_shot=4)
    assert (len(found.few_shot), pip.asked) == (4, [])
    for index, raw in enumerate(found.few_shot):
        sample = benchmark("math").sample(raw, index)
        assert not sample.unscorable
        answer, solution = raw["answer"], str(raw["solution"])
        assert f"\\boxed{{{answer}}}" in solution
        assert solution.endswith(
            f"\nFinal Answer: The final answer is ${answer}$. I hope it is correct."
        )


@pytest.mark.parametrize(
    "source",
    [
        "",
        "def other(): return []",
        "def examples(): pass",
        "def examples(): return",
        "def examples(): return list()",
        "def examples(): return [{'a': open('x')}]",
        "def examples(): return {'a': 1}",
        "def examples():\n  if 1: return []\n  return []",
        "def examples(): return []\ndef examples(): return []",
    ],
)
def test_what_is_no_literal_list_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"return statement|malformed|valid list"):
        literal_list(source, "examples")


@given(rows=st.lists(st.dictionaries(st.text(), st.text() | st.integers())))
def test_any_literal_list_is_read_as_it_is(rows: list[dict[str, object]]) -> None:
    assert literal_list(f"def examples():\n    return {rows!r}", "examples") == rows
