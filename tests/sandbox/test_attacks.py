"""Hostile code in each sandbox: nothing happens outside, and the parent gets a clean answer."""

from __future__ import annotations

import contextlib
import os
import pty
import resource
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluation.sandbox import runtime
from evaluation.sandbox.backends import Backend
from tests.sandbox.attacks import ATTACKS, Attack
from tests.sandbox.running import run

PROJECT = Path(__file__).parents[2]
SECRET = "canary-token-7c1f"
MARKERS = ("/tmp", "/dev/shm", "/var/tmp", "/run", "/", str(Path.cwd()))


def markers() -> set[Path]:
    """What attacks try to write, wherever they try it."""
    return {path for place in MARKERS for path in Path(place).glob("sandbox-attack-marker*")}


class World:
    """What attacks aim at, made for them, and whether they hit."""

    def __init__(self, folder: Path, cleanup: contextlib.ExitStack) -> None:
        self.folder = folder
        (folder / "empty").mkdir()
        self.secret = folder / "secret"
        self.secret.write_text(SECRET)
        self.before = self._listing()
        self.markers = markers()
        self.decoy = subprocess.Popen(["sleep", "600"], start_new_session=True)
        cleanup.callback(self.decoy.wait)
        cleanup.callback(self.decoy.kill)
        self.tcp = cleanup.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.udp = cleanup.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.udp.bind(("127.0.0.1", 0))
        self.abstract = f"sandbox-attack-{os.getpid()}"
        self.named = cleanup.enter_context(socket.socket(socket.AF_UNIX))
        self.named.bind(str(folder.parent / "socket"))
        self.unnamed = cleanup.enter_context(socket.socket(socket.AF_UNIX))
        self.unnamed.bind("\0" + self.abstract)
        for listener in (self.named, self.unnamed):
            listener.listen()
        for listener in (self.tcp, self.udp, self.named, self.unnamed):
            listener.setblocking(False)
        self.master, self.slave = pty.openpty()
        os.set_blocking(self.master, False)
        os.set_blocking(self.slave, False)
        # Open and inheritable, as a careless parent might leave it.
        self.inheritable = os.open(self.secret, os.O_RDONLY)
        os.set_inheritable(self.inheritable, True)
        for descriptor in (self.master, self.slave, self.inheritable):
            cleanup.callback(os.close, descriptor)

    def given(self) -> dict[str, object]:
        return {
            "folder": str(self.folder),
            "secret": str(self.secret),
            "project": [
                str(PROJECT / "pyproject.toml"),
                str(Path(__file__)),
                str(PROJECT / "evaluation/sandbox/probe.py"),
                str(PROJECT / ".git/config"),
                pytest.__file__,
            ],
            "packages": list(runtime.packages().values()),
            "tcp": self.tcp.getsockname()[1],
            "udp": self.udp.getsockname()[1],
            "unix": str(self.folder.parent / "socket"),
            "abstract": self.abstract,
            "terminal": os.ttyname(self.slave),
            "decoy": self.decoy.pid,
            "parent": os.getpid(),
        }

    def changes(self) -> list[str]:
        """What an attack achieved, seen from outside."""
        found = [] if self._listing() == self.before else ["files of the folder"]
        found += [f"marker {path}" for path in markers() - self.markers]
        if self.decoy.poll() is not None:
            found.append("the decoy was killed")
        receivers = {
            "TCP": self.tcp.accept,
            "UDP": lambda: self.udp.recv(9),
            "named socket": self.named.accept,
            "abstract socket": self.unnamed.accept,
            "terminal": lambda: os.read(self.slave, 9),
        }
        for name, receive in receivers.items():
            with contextlib.suppress(BlockingIOError):
                receive()
                found.append(name)
        return found

    def _listing(self) -> list[tuple[object, ...]]:
        entries = sorted(self.folder.rglob("*"))
        return [
            (str(p), (s := p.lstat()).st_mode, s.st_uid, s.st_size, s.st_mtime_ns) for p in entries
        ]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with contextlib.ExitStack() as cleanup:
        (tmp_path / "folder").mkdir()
        yield World(tmp_path / "folder", cleanup)


def left_over(session: int) -> list[int]:
    """Processes of a session that are still there, after a moment to be reaped."""
    for _ in range(2000):
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and os.getsid(int(entry.name)) == session:
                    found.append(int(entry.name))
        if not found:
            return []
        time.sleep(0.01)
    return found


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name.replace(" ", "-"))
def test_an_attack_achieves_nothing(
    attack: Attack, backend: Backend, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not backend.name.startswith(attack.only):
        pytest.skip(f"only for {attack.only}")
    monkeypatch.setenv("SANDBOX_SECRET", SECRET)

    largest_before = largest_child()
    outcome = run(backend, attack.source, world.given(), attack.limits)

    assert [r for r in outcome.reports if r[1] == "worked"] == []
    assert world.changes() == []
    assert left_over(outcome.pid) == []
    assert SECRET not in repr(outcome)
    assert outcome.end in attack.ends, outcome
    assert outcome.seconds < attack.limits.wall_seconds + 60
    if attack.signals and outcome.end == "died":
        assert outcome.ending.signal in attack.signals, outcome.ending
    # Starting a process counts this one's size.
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert largest_child() <= max(largest_before, own, attack.limits.memory_mb << 10)


def largest_child() -> int:
    """The memory of the largest process (kB) that this one, for whatever test, has waited for."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def test_attacks_are_at_least_forty() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 40
