"""One function in a process of its own, which is killed when a call takes too long.

Third-party verifiers can run for hours inside C code on a short hostile text, eat all memory or
rely on `signal.alarm`. A worker is started at the first call and kept over all samples of a cell,
so that a call costs well under a millisecond; after a time-out the next call starts a new one.

The limit is one on computing time, so that no verdict depends on what else the machine does.

Calls and replies are JSON lines over the worker's standard input and output.
"""

from __future__ import annotations

import atexit
import faulthandler
import json
import logging
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import wait
from pathlib import Path
from typing import IO

from pydantic import JsonValue

from evaluation.errors import EvaluationError, first_line

START_SECONDS = 120.0
# By the clock, a call may take so many times its limit: on a busy machine, or if it only waits.
PATIENCE = 12
# Address space a worker may take on top of what its imports took.
MEMORY = 2 * 1024**3


class CallError(Exception):
    """A call gave no answer: it took too long, raised, or took its process down."""


class Worker:
    """Calls the function that `maker` returns, each call within `limit` seconds of computing.

    `maker` is "module:function"; it runs once in the new process and does the slow imports.
    """

    def __init__(self, maker: str, limit: float) -> None:
        self.maker = maker
        self.limit = limit
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def call(self, *arguments: JsonValue) -> JsonValue:
        """The function's value; raises CallError, or EvaluationError if no worker starts."""
        with self._lock:
            reply = self._ask(arguments) or self._ask(arguments)
        if not reply:
            raise CallError("the verifier's process ended")
        answer = json.loads(reply)
        if "error" in answer:
            raise CallError(f"the verifier raised {answer['error']}")
        value: JsonValue = answer["value"]
        return value

    def holds(self, *arguments: JsonValue) -> tuple[bool, str]:
        """The value of a function that says yes or no; without a value, no and the reason."""
        try:
            return bool(self.call(*arguments)), ""
        except CallError as failure:
            return False, str(failure)

    def close(self) -> None:
        """End the process, whatever it is doing; a later call starts a new one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # a request that could not be flushed
                _pipe(pipe).close()

    def _ask(self, arguments: tuple[JsonValue, ...]) -> bytes:
        """The reply; b"" when the process has ended, perhaps by no fault of the call."""
        process = self._running()
        with suppress(OSError):  # it has ended
            _pipe(process.stdin).write(json.dumps(arguments).encode() + b"\n")
            _pipe(process.stdin).flush()
        reply = self._reply(process, PATIENCE * self.limit)
        if reply is None or process.returncode == -signal.SIGPROF:
            raise CallError(f"no verdict within {self.limit:g} s")
        return reply

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        root = str(Path(__file__).resolve().parents[2])
        paths = [root, os.environ.get("PYTHONPATH", "")]
        # The hash seed decides the order of sets, and so can decide what sympy finds.
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(p for p in paths if p),
            "PYTHONHASHSEED": "0",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        code = "from evaluation.benchmarks.worker import serve; serve()"
        with tempfile.TemporaryFile() as errors:
            # -P: a module of ours such as math.py must never hide one of Python's.
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", code, self.maker, str(self.limit)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
            )
            self._process = process
            atexit.unregister(self.close)
            atexit.register(self.close)
            if not self._reply(process, START_SECONDS):
                errors.seek(0)
                lines = errors.read().decode(errors="replace").strip().splitlines()
                raise EvaluationError(
                    f"A verifier could not be started: {lines[-1] if lines else 'no message'}",
                    where=self.maker,
                    remedy="install the packages of the scoring environment (see requirements/)",
                )
        return process

    def _reply(self, process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
        """The next line, b"" when the process has ended, None when it is late; both end it."""
        pipe = _pipe(process.stdout)
        line = pipe.readline() if wait([pipe.fileno()], seconds) else None
        if not line:
            self.close()
        return line


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    """The pipe, which is there because the process was started with one."""
    assert pipe is not None
    return pipe


def serve() -> None:
    """The worker's side: make the function, then answer calls until the input ends."""
    maker, limit = sys.argv[1], float(sys.argv[2])
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    # Whatever a library prints must not get among the replies, nor whole answers into a log.
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    logging.disable(logging.CRITICAL)
    module, name = maker.split(":")
    function = getattr(import_module(module), name)()
    _limit_memory()
    replies.write(b"ready\n")
    for line in sys.stdin.buffer:
        # The kernel ends a late call wherever it is. The parent kills one that waits instead of
        # computing; should the parent be gone, a thread of this process does.
        signal.setitimer(signal.ITIMER_PROF, limit)
        faulthandler.dump_traceback_later(2 * PATIENCE * limit, exit=True)
        try:
            reply = {"value": function(*json.loads(line))}
        except Exception as error:
            reply = {"error": first_line(error)}
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()
        replies.write(json.dumps(reply).encode() + b"\n")


def _limit_memory() -> None:
    """Let the process grow by MEMORY, where the system says how large it is now."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        size = int(statm.read_text().split()[0]) * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
