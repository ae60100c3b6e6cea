"""The sandboxed side of the message channel (see `channel`): frames over two descriptors.

The descriptors move away from 0 and 1, so that a program that prints writes to standard error,
which is emptied and bounded, and one that reads finds the end of its input.
"""

from __future__ import annotations

import io
import posix
import sys

HEADER = 4


class Pipe:
    """Sends and receives frames: a length of four bytes, big endian, then the payload."""

    def __init__(self) -> None:
        self._input = posix.dup(0)
        self._output = posix.dup(1)
        posix.close(0)
        posix.dup2(2, 1)
        sys.stdin = io.StringIO()

    def send(self, payload: bytes) -> None:
        """Write one frame."""
        rest = memoryview(len(payload).to_bytes(HEADER, "big") + payload)
        while rest:
            rest = rest[posix.write(self._output, rest) :]

    def receive(self) -> bytes:
        """The next frame; ends the process when the parent is gone."""
        return self._take(int.from_bytes(self._take(HEADER), "big"))

    def _take(self, size: int) -> bytes:
        parts = []
        while size:
            part = posix.read(self._input, size)
            if not part:
                posix._exit(0)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
