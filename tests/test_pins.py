"""Requirements: everything pinned, in one place each, and all places agree."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
FILES = ("runtime.txt", "dev.txt", "constraints.txt")
ENVIRONMENTS = sorted(path.name for path in (ROOT / "envs").glob("*.yaml"))


def lines(name: str) -> list[str]:
    """The requirements of a file, without comments."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def pins(found: list[str]) -> dict[str, str]:
    """Versions by normalised name."""
    parts = (line.partition("==") for line in found)
    return {canonicalize_name(name): version for name, _, version in parts}


RUNTIME, DEV, CONSTRAINTS = (pins(lines(name)) for name in FILES)


def environment(name: str) -> list[str]:
    raw = yaml.safe_load((ROOT / "envs" / name).read_text(encoding="utf-8"))
    (found,) = [one["pip"] for one in raw["dependencies"] if isinstance(one, dict)]
    assert all(isinstance(line, str) for line in found)
    return list(found)


@pytest.mark.parametrize("name", FILES)
def test_every_requirement_is_one_exact_version(name: str) -> None:
    """So there is no room for an index, a URL, a path, a range or an option either."""
    for line in lines(name):
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*==\d+(\.\d+)*([a-z]+\d+)?", line), line


@pytest.mark.parametrize("name", FILES)
def test_no_requirement_comes_twice_and_they_are_sorted(name: str) -> None:
    names = [canonicalize_name(line.split("==")[0]) for line in lines(name)]
    assert len(set(names)) == len(names)
    if name != "constraints.txt":
        assert names == sorted(names)


@pytest.mark.parametrize("name", [*(f"requirements/{n}" for n in FILES), "pyproject.toml"])
def test_no_file_names_an_index_or_a_url(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"--?(extra-)?(index|find-links)|://|\bgit\+|^-", text, re.MULTILINE)


def test_runtime_and_dev_share_nothing() -> None:
    assert not set(RUNTIME) & set(DEV)


@pytest.mark.parametrize("name", FILES[:2])
def test_constraints_agree(name: str) -> None:
    found = {one: CONSTRAINTS.get(one) for one in pins(lines(name))}
    assert found == pins(lines(name))


def below(names: set[str]) -> set[str]:
    """The names of all installed packages that these bring along on this platform."""
    found: set[str] = set()
    waiting = [(name, frozenset[str]()) for name in names]
    while waiting:
        name, extras = waiting.pop()
        if name in found and not extras:
            continue
        found.add(name)
        for text in requires(name) or []:
            one = Requirement(text)
            wanted = [{"extra": extra} for extra in ("", *extras)]
            if one.marker is None or any(one.marker.evaluate(extra) for extra in wanted):
                waiting.append((canonicalize_name(one.name), frozenset(one.extras)))
    return found


# The packages that come with Python's own environments.
BUILT_IN = {"pip", "setuptools", "wheel"}


def test_everything_below_the_requirements_is_constrained() -> None:
    """GPU builds of torch bring along NVIDIA's packages, which torch itself pins exactly."""
    missing = below({*RUNTIME, *DEV}) - set(CONSTRAINTS) - BUILT_IN
    assert {
        name for name in missing if not name.startswith(("nvidia-", "cuda-", "triton"))
    } == set()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environments_pin_what_the_runtime_pins(name: str) -> None:
    found = pins(environment(name))
    assert found
    assert found == {one: RUNTIME.get(one) for one in found}


def test_environments_together_are_the_runtime_without_snakemake() -> None:
    together = {name for one in ENVIRONMENTS for name in pins(environment(one))}
    assert together == set(RUNTIME) - {"snakemake"}


def test_every_rule_has_an_environment_that_exists() -> None:
    for path in (ROOT / "rules").glob("*.smk"):
        text = path.read_text(encoding="utf-8")
        used = re.findall(r'"\.\./envs/(\w+\.yaml)"', text)
        # Rules that only name targets run nothing, and `use rule` brings its environment along.
        assert len(used) == len(re.findall(r"^ +shell:", text, re.MULTILINE)), path.name
        assert set(used) <= set(ENVIRONMENTS)


def imported(folder: str) -> set[str]:
    """Top-level modules that the files of a folder import, wherever they do."""
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        # Programs that run inside the sandbox import the files beside them by their plain names.
        beside = {other.stem for other in path.parent.glob("*.py")}
        modules = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.partition(".")[0])
        found |= modules - (beside if path.parent.name == "sandbox" else set())
    return found - set(sys.stdlib_module_names) - {"evaluation", "tests"}


# Part of the interface of pydantic (TypedDict on Python 3.11, error details) and Jinja2 (Markup).
BROUGHT_ALONG = {"typing-extensions", "pydantic-core", "markupsafe"}
# Engines with an environment of their own (docs/engines.md), imported where they are used.
OPTIONAL = {"vllm"}


@pytest.mark.parametrize("folder", ["evaluation", "scripts"])
def test_what_is_imported_is_required(folder: str) -> None:
    installed = packages_distributions()
    providers = {
        module: {canonicalize_name(name) for name in installed.get(module, [])}
        for module in imported(folder) - OPTIONAL
    }
    allowed = {*RUNTIME, *BROUGHT_ALONG}
    assert {module: names for module, names in providers.items() if not names & allowed} == {}
