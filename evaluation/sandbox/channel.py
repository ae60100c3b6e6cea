"""Messages with a sandboxed process, with a deadline and a cap on what it may say.

Nothing the other side does, or leaves undone, can make the parent wait longer than the wall limit
or hold more than the output limit: its pipes are read and written without blocking, standard error
is emptied alongside, and a frame that announces too much is refused before it arrives.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from dataclasses import dataclass
from typing import Self

from evaluation.sandbox.launch import kill
from evaluation.sandbox.limits import Limits

HEADER = 4
"""Bytes of a frame's length, big endian, before its payload."""
_CHUNK = 1 << 16
_GRACE = 5.0
"""Seconds for a process that closed its output to end by itself, so that its code is known: long
enough on a busy machine, and never beyond the wall limit."""


class ChannelError(Exception):
    """The process ended, was too slow or said too much; the channel is of no more use."""


class DeadlineExceeded(ChannelError):  # noqa: N818 - names the event
    """The time is over: `Limits.wall_seconds`, or before the start of its clock the patience."""


class OutputExceeded(ChannelError):  # noqa: N818 - names the event
    """More than `Limits.output_kb` of messages or of standard error."""


class ProcessEnded(ChannelError):  # noqa: N818 - names the event
    """The other side closed its end; `Channel.close` tells how it ended."""


@dataclass(frozen=True)
class Ending:
    """How a process ended: its exit code, or the signal that killed it, and its standard error.

    Neither code nor signal: it had not ended and was ended by the channel.
    """

    code: int | None
    signal: int | None
    stderr: str


class Channel:
    """Length-prefixed messages over the standard input and output of a sandboxed process.

    The wall limit counts from now on or, with `patience` (in seconds) for the process to be ready,
    from `start_clock` on: how long a start takes says more about the machine than about a program.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], limits: Limits, *, patience: float | None = None
    ) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._seconds = limits.wall_seconds
        self._deadline = time.monotonic() + (patience or self._seconds)
        self._cap = limits.output_kb * 1024
        self._input = process.stdin.fileno()
        self._output = process.stdout.fileno()
        self._error = process.stderr.fileno()
        self._received = {self._output: bytearray(), self._error: bytearray()}
        self._totals = {self._output: 0, self._error: 0}
        self._poll = select.poll()
        for descriptor in (self._input, self._output, self._error):
            os.set_blocking(descriptor, False)
        self._poll.register(self._output, select.POLLIN)
        self._poll.register(self._error, select.POLLIN)
        self._open = {self._output, self._error}
        self._ending: Ending | None = None

    def start_clock(self) -> None:
        """The process is ready: the wall limit counts from now on."""
        self._deadline = time.monotonic() + self._seconds

    def send(self, message: bytes) -> None:
        """Write one message; raises `ChannelError` when it cannot be delivered in time."""
        rest = memoryview(len(message).to_bytes(HEADER, "big") + message)
        while rest:
            try:
                rest = rest[os.write(self._input, rest) :]
            except BlockingIOError:
                self._poll.register(self._input, select.POLLOUT)
                self._wait()
                self._poll.unregister(self._input)
            except BrokenPipeError:
                raise ProcessEnded("the process closed its input") from None

    def receive(self) -> bytes:
        """The next message; raises `ChannelError` when none comes."""
        size = int.from_bytes(self._take(HEADER), "big")
        if size > self._cap:
            raise OutputExceeded(f"a message of {size} bytes (at most {self._cap})")
        return self._take(size)

    def close(self) -> Ending:
        """End the process with all that belongs to it, and tell how it ended; may be repeated."""
        if self._ending is None:
            self._ending = self._end()
        return self._ending

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end(self) -> Ending:
        if self._output not in self._open and time.monotonic() < self._deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(min(_GRACE, self._deadline - time.monotonic()))
        ended = self._process.poll() is not None
        code = kill(self._process)
        with contextlib.suppress(OutputExceeded):
            while self._error in self._open and self._read(self._error):
                pass
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe
            pipe.close()
        text = bytes(self._received[self._error]).decode(errors="replace")
        if not ended:
            return Ending(None, None, text)
        return Ending(code if code >= 0 else None, -code if code < 0 else None, text)

    def _take(self, size: int) -> bytes:
        buffer = self._received[self._output]
        while len(buffer) < size:
            if self._output not in self._open:
                raise ProcessEnded("the process closed its output")
            self._wait()
        taken = bytes(buffer[:size])
        del buffer[:size]
        return taken

    def _wait(self) -> None:
        """Until something can be read or, where registered, written; what came is then read."""
        left = self._deadline - time.monotonic()
        events = self._poll.poll(left * 1000) if left > 0 else []
        if not events:
            raise DeadlineExceeded("the wall limit is over")
        for descriptor, _ in events:
            if descriptor != self._input:
                self._read(descriptor)

    def _read(self, descriptor: int) -> bool:
        """Read once what is there; False when nothing is, now or ever again."""
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._poll.unregister(descriptor)
            self._open.discard(descriptor)
            return False
        self._totals[descriptor] += len(data)
        if self._totals[descriptor] > self._cap:
            raise OutputExceeded(f"more than {self._cap} bytes of output")
        self._received[descriptor] += data
        return True
