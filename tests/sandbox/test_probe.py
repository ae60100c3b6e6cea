"""The choice of a sandbox: by trying it, with reasons, never silently a weaker one."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from evaluation.sandbox import bubblewrap, launch, probe, unprotected
from evaluation.sandbox.backends import Backend, SandboxUnavailable
from evaluation.sandbox.limits import Limits


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    probe.choose.cache_clear()
    yield
    probe.choose.cache_clear()


@dataclass(frozen=True)
class Weakened:
    """bubblewrap with holes, for the canary (which does no harm) to find."""

    options: tuple[str, ...]
    seccomp: bool
    name: str = "weakened"

    def start(
        self,
        program: Path,
        limits: Limits,
        *,
        arguments: Sequence[str] = (),
        modules: Sequence[Path] = (),
    ) -> subprocess.Popen[bytes]:
        lock = launch.Lock(seccomp=self.seccomp, parent_death=False)
        prefix = (bubblewrap.find().executable, *self.options)
        return launch.start(program, limits, lock, arguments=arguments, prefix=prefix)


BASE = ("--unshare-user", "--unshare-pid", "--die-with-parent", "--cap-drop", "ALL")


@pytest.mark.parametrize(
    ("options", "seccomp", "found"),
    [
        ((*BASE, "--unshare-net", "--ro-bind", "/", "/"), True, {"read a file"}),
        ((*BASE, "--unshare-net", "--bind", "/", "/"), True, {"read a file", "create a file"}),
        (
            (*BASE, "--ro-bind", "/", "/"),
            False,
            {
                "read a file",
                "open a TCP connection",
                "send a UDP datagram",
                "execute a program",
            },
        ),
    ],
    ids=["readable", "writable", "network and no seccomp"],
)
def test_the_canary_finds_holes(options: tuple[str, ...], seccomp: bool, found: set[str]) -> None:
    try:
        probe.choose("bubblewrap")
    except SandboxUnavailable as error:
        pytest.skip(error.what)
    # Which starts of processes work without seccomp depends on the user: limits do not bind root.
    assert found <= set(probe.try_out(Weakened(options, seccomp)))


def test_a_sandbox_that_works_is_chosen_by_name(backend: Backend) -> None:
    name = backend.name.split()[0]
    assert probe.choose(name).name == backend.name  # type: ignore[arg-type]
    assert backend.name.endswith("+ seccomp")
    assert probe.try_out(backend) == []


def test_auto_prefers_bubblewrap_and_falls_back_to_landlock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = []

    def try_it(name: str) -> Backend:
        tried.append(name)
        if name == "bubblewrap":
            raise SandboxUnavailable("no namespaces")
        return unprotected.Unprotected("stands for landlock")

    monkeypatch.setattr(probe, "_tried", try_it)
    assert probe.choose("auto").name == "stands for landlock"
    assert tried == ["bubblewrap", "landlock"]


def test_a_bubblewrap_that_is_installed_but_not_permitted_gives_its_own_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "bwrap"
    program.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "bubblewrap 9.9" && exit\n'
        'echo "bwrap: setting up uid map: Permission denied" >&2; exit 1\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    bubblewrap.find.cache_clear()
    try:
        with pytest.raises(SandboxUnavailable, match="setting up uid map: Permission denied"):
            probe.choose("bubblewrap")
    finally:
        bubblewrap.find.cache_clear()


def test_without_any_sandbox_every_reason_is_told_and_nothing_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> Backend:
        raise SandboxUnavailable(f"{name} is missing")

    monkeypatch.setattr(probe, "_tried", missing)
    with pytest.raises(SandboxUnavailable) as caught:
        probe.choose("auto")
    assert "bubblewrap is missing" in caught.value.what
    assert "landlock is missing" in caught.value.what
    assert "apt install bubblewrap" in caught.value.remedy
    assert probe.describe("auto").startswith("code tasks cannot be scored")


def test_a_sandbox_with_a_hole_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = unprotected.Unprotected("leaky")
    monkeypatch.setattr(probe, "_FINDERS", {"landlock": lambda: stand_in})
    monkeypatch.setattr(probe, "try_out", lambda backend: ["read a file"])
    with pytest.raises(SandboxUnavailable, match="code inside could read a file"):
        probe.choose("landlock")


def test_root_gets_no_unprotected_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unprotected.os, "geteuid", lambda: 0)
    with pytest.raises(SandboxUnavailable, match="never run as root"):
        probe.choose("none")
    assert probe.describe("none").startswith("code tasks cannot be scored")


def test_other_users_may_opt_out_and_are_told_what_it_means(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unprotected.os, "geteuid", lambda: 1000)
    assert probe.choose("none").name == "none"
    assert "WITHOUT isolation" in probe.describe("none")


def test_systems_without_a_filter_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(SandboxUnavailable, match="no seccomp filter for riscv64"):
        probe.choose("auto")
    monkeypatch.setattr(sys, "platform", "darwin")
    probe.choose.cache_clear()
    with pytest.raises(SandboxUnavailable, match="on Linux only"):
        probe.choose("auto")
