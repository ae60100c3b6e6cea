"""A small server on this machine that speaks as much of the OpenAI API as the tests need."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[int, dict[str, Any]], tuple[int, dict[str, str], bytes]]


def completion(text: str | None = "fine", **changes: Any) -> tuple[int, dict[str, str], bytes]:
    """A chat completion as servers send it; `choice_x` changes the choice."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
    } | {k.removeprefix("choice_"): v for k, v in changes.items() if k.startswith("choice_")}
    body = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "big-judge-2031",
        "system_fingerprint": "fp_1",
        "choices": [choice],
        "usage": {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16},
    } | {k: v for k, v in changes.items() if not k.startswith("choice_")}
    return 200, {"content-type": "application/json"}, json.dumps(body).encode()


def failing(status: int, message: str = "no", **headers: str) -> tuple[int, dict[str, str], bytes]:
    body = json.dumps({"error": {"message": message, "type": "t"}}).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"content-type": "application/json"} | names, body


class Server:
    """A server that answers request number n with `answer(n, body)`."""

    def __init__(self) -> None:
        self.answer: Answer = lambda number, body: completion()
        self.models: list[dict[str, Any]] | int = 404  # what it lists, or the status it fails with
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.most = self.now = 0
        lock, server = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with lock:
                    server.paths.append(self.path)
                if isinstance(server.models, int):
                    self.send(*failing(server.models))
                else:
                    body = json.dumps({"object": "list", "data": server.models}).encode()
                    self.send(200, {"content-type": "application/json"}, body)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with lock:
                    number = len(server.bodies)
                    server.bodies.append(body)
                    server.paths.append(self.path)
                    server.headers.append({k.lower(): v for k, v in self.headers.items()})
                    server.now += 1
                    server.most = max(server.most, server.now)
                try:
                    status, headers, data = server.answer(number, body)
                finally:
                    with lock:
                        server.now -= 1
                self.send(status, headers, data)

            def send(self, status: int, headers: dict[str, str], data: bytes) -> None:
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    pass  # the client gave up waiting

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}/v1"

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
