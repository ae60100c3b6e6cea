"""One finished quick run, copied for every test that changes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.project import Project
from tests.tiny_models import build


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("llama", tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Project:
    """A project that has built nothing yet."""
    return Project.create(tmp_path_factory.mktemp("fresh") / "project", tiny_model)


@pytest.fixture(scope="session")
def finished(fresh: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project after `snakemake --cores 1 --resources gpu=1 results/quick/all.json`."""
    project = fresh.copy(tmp_path_factory.mktemp("finished") / "project")
    project.first_output = project.quick()  # type: ignore[attr-defined]
    return project


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """The finished project, to be changed."""
    return finished.copy(tmp_path / "project")
