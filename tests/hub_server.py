"""A small Hub on the loopback interface, and how to point huggingface_hub at it.

It answers what `snapshot_download` asks: the commit of a revision, the file list of a commit and
the files themselves, small ones directly and weights and Parquet (LFS files) by a redirect to
another origin, as the real Hub does. It serves directories and misbehaves on request.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LATER = "89abcdef0123456789abcdef0123456789abcdef"
TOKEN = "hf_SecretSecretSecretSecretSecret"
LARGE = (".safetensors", ".parquet", ".bin")


class Seen(NamedTuple):
    """One request as it came in."""

    method: str
    path: str
    range: str
    authorization: str


class Repository:
    """The commits of a repository, each a directory, and its branches."""

    def __init__(self) -> None:
        self.commits: dict[str, Path] = {}
        self.branches: dict[str, str] = {}

    def resolve(self, revision: str) -> str | None:
        """The commit of a branch or commit."""
        commit = self.branches.get(revision, revision)
        return commit if commit in self.commits else None


class Hub(ThreadingHTTPServer):
    """The server. What it does wrong is set in its attributes at any time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.blobs: dict[str, Path] = {}
        self.seen: list[Seen] = []
        self.gated: set[str] = set()
        self.status: dict[str, int] = {}
        """Repository or file name -> the error status of every request for it."""
        self.cut: Counter[str] = Counter()
        """File name -> how many of its next downloads end in the middle."""
        self.refuses_tokens = False
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def endpoint(self) -> str:
        """What to set HF_ENDPOINT to."""
        return f"http://127.0.0.1:{self.server_port}"

    def add(
        self,
        name: str,
        directory: Path,
        *,
        kind: str = "model",
        commit: str = COMMIT,
        branch: str = "main",
    ) -> None:
        """Serve a directory as a commit of a repository, and as the head of a branch."""
        repository = self.repositories.setdefault((kind, name), Repository())
        repository.commits[commit] = directory
        repository.branches[branch] = commit

    def downloads(self) -> list[tuple[str, str]]:
        """Name and Range header of every file that was downloaded, in order of name."""
        found = []
        for request in self.seen:
            match = re.search(r"/(?:resolve|lfs)/[^/]+/(.*)$", request.path)
            if match and request.method == "GET":
                found.append((unquote(match[1]), request.range))
        return sorted(found)

    def stop(self) -> None:
        """Stop answering; later connections are refused."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are no news."""


class Handler(BaseHTTPRequestHandler):
    """One connection, of one request (HTTP/1.0): a stopped server has none left open."""

    server: Hub

    def log_message(self, *args: Any) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def answer(self) -> None:
        """Route a request."""
        path = urlsplit(self.path).path
        self.server.seen.append(
            Seen(
                self.command,
                path,
                self.headers.get("Range", ""),
                self.headers.get("Authorization", ""),
            )
        )
        if match := re.fullmatch(r"/lfs/([0-9a-f]{64})/(.*)", path):
            self.send_file(self.server.blobs[match[1]], unquote(match[2]), {"ETag": match[1]})
            return
        if self.server.refuses_tokens and "Authorization" in self.headers:
            self.fail(401, "", "Invalid credentials in Authorization header")
            return
        api = re.fullmatch(
            r"/api/(model|dataset)s/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+))?", path
        )
        resolve = re.fullmatch(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if api:
            kind, name, action, revision = api.groups()
            self.repository(kind, name, unquote(revision or "main"), action=action or "revision")
        elif resolve:
            prefix, name, revision, file = resolve.groups()
            kind = "dataset" if prefix else "model"
            self.repository(kind, name, unquote(revision), file=unquote(file))
        else:
            self.fail(404, "", "not served here")

    def repository(
        self, kind: str, name: str, revision: str, *, action: str = "", file: str = ""
    ) -> None:
        """Answer a request about a repository: its commit, its file list, or one file."""
        for key in (name, file):
            if key in self.server.status:
                self.fail(self.server.status[key], "", "the Hub has a problem")
                return
        found = self.server.repositories.get((kind, name))
        if found is None:
            self.fail(401, "RepoNotFound", "Invalid username or password.")
            return
        commit = found.resolve(revision)
        if commit is None:
            self.fail(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        directory = found.commits[commit]
        paths = sorted(p for p in directory.rglob("*") if p.is_file())
        names = [p.relative_to(directory).as_posix() for p in paths]
        if action == "revision":
            siblings = [{"rfilename": n} for n in names]
            self.send_json({"id": name, "sha": commit, "siblings": siblings, "tags": []})
        elif action == "tree":
            self.send_json([entry(p, n) for p, n in zip(paths, names, strict=True)])
        elif name in self.server.gated:
            # As on the real Hub: anyone may list a gated repository.
            self.fail(403, "GatedRepo", f"Access to {kind} {name} is restricted.")
        elif file not in names:
            self.fail(404, "EntryNotFound", f"{file} does not exist")
        else:
            self.resolve(directory / file, file, commit)

    def resolve(self, path: Path, file: str, commit: str) -> None:
        """Send a small file; redirect to a large one."""
        headers = {"X-Repo-Commit": commit}
        if path.suffix not in LARGE:
            self.send_file(path, file, {**headers, "ETag": f'"{git_sha1(path)}"'})
            return
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.server.blobs[digest] = path
        port = self.server.server_port
        self.send_response(302)
        for key, value in {
            **headers,
            "X-Linked-Etag": f'"{digest}"',
            "X-Linked-Size": str(path.stat().st_size),
            "Location": f"http://localhost:{port}/lfs/{digest}/{file}?X-Signature={TOKEN}",
            "Content-Length": "0",
        }.items():
            self.send_header(key, value)
        self.end_headers()

    def send_file(self, path: Path, file: str, headers: dict[str, str]) -> None:
        """Send a file, or the rest of it from a byte; perhaps only half of that."""
        data = path.read_bytes()
        start = 0
        if match := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            start = int(match[1])
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        part = data[start:]
        self.send_response(206 if start else 200)
        headers |= {"Content-Length": str(len(part)), "Accept-Ranges": "bytes"}
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.server.cut[file] > 0:
            self.server.cut[file] -= 1
            self.wfile.write(part[: len(part) // 2])
        else:
            self.wfile.write(part)

    def send_json(self, value: Any) -> None:
        """Send a JSON answer."""
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def fail(self, status: int, code: str, message: str) -> None:
        """Send an error as the Hub words it."""
        data = json.dumps({"error": message}).encode()
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", message)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def entry(path: Path, name: str) -> dict[str, Any]:
    """A file in a repository's file list."""
    size = path.stat().st_size
    found: dict[str, Any] = {"type": "file", "path": name, "size": size, "oid": git_sha1(path)}
    if path.suffix in LARGE:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        found["lfs"] = {"oid": digest, "size": size, "pointerSize": 130}
    return found


def git_sha1(path: Path) -> str:
    """The name git gives to a file's content."""
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@contextmanager
def hub_for(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Iterator[Hub]:
    """A running Hub that huggingface_hub in this process talks to, with a cache of its own.

    Retries do not wait: huggingface_hub would sleep for 23 seconds before it gives up.
    """
    from huggingface_hub import constants, file_download
    from huggingface_hub.utils import _http

    hub = Hub()
    settings = {
        "ENDPOINT": hub.endpoint,
        "HUGGINGFACE_CO_URL_TEMPLATE": hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HOME": str(cache),
        "HF_HUB_CACHE": str(cache / "hub"),
        "HF_TOKEN_PATH": str(cache / "token"),
        "AGENT_HARNESSES_PATH": str(cache / "agents.json"),
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_DISABLE_PROGRESS_BARS": True,
        "HF_HUB_DISABLE_TELEMETRY": True,
        "HF_HUB_OFFLINE": False,
    }
    for name, value in settings.items():
        monkeypatch.setattr(constants, name, value)
    for name in [n for n in os.environ if n.lower().endswith("_proxy") or n.startswith("HF_")]:
        monkeypatch.delenv(name)
    at_once = SimpleNamespace(sleep=lambda seconds: None)
    monkeypatch.setattr(_http, "time", at_once)
    monkeypatch.setattr(file_download, "time", at_once)
    _http.close_session()
    try:
        yield hub
    finally:
        _http.close_session()
        hub.stop()


def environment(hub: Hub, home: Path, **more: str) -> dict[str, str]:
    """Environment of a process of its own that talks to the Hub; nothing of ours leaks into it."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith("HF_")
    }
    return {
        **kept,
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        **more,
    }
