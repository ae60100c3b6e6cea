"""One finished quick run, copied for every test that changes it.

What takes long to make is made once for all of pytest's workers. Nobody runs anything in such a
folder, for another worker may be copying it.
"""

from __future__ import annotations

import compileall
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.project import Project
from tests.tiny_models import build

Once = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """A folder with a name, made by the worker that asks first; the others wait for it."""
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "once"
    root.mkdir(exist_ok=True)

    def made(name: str, make: Callable[[Path], None]) -> Path:
        folder, done = root / name, root / f"{name}.done"
        with (root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def tiny_model(once: Once) -> Path:
    return once("tiny", lambda folder: (build("llama", folder), None)[1])


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Project:
    """A project that has built nothing yet."""
    project = Project.create(tmp_path_factory.mktemp("fresh") / "project", tiny_model)
    compileall.compile_dir(project.folder / "evaluation", quiet=2)
    return project


@pytest.fixture(scope="session")
def finished(once: Once, fresh: Project) -> Project:
    """A project after `snakemake --cores 1 --resources gpu=1 results/quick/all.json`."""

    def make(folder: Path) -> None:
        project = fresh.copy(folder)
        project.note_output(project.quick())

    return Project(once("finished", make))


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """The finished project, to be changed."""
    return finished.copy(tmp_path / "project")
