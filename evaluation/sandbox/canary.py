"""Runs inside a sandbox and tries, harmlessly, what must not work there.

Arguments: a file that exists, a folder to write to, a TCP port and a UDP port on which the parent
listens, the number of a process to ask about. The first message is a dict literal: what worked,
and the result of a small computation. Then it tries to become another program, and only if that
fails sends "held".
"""

import os
import sys

_HELD = b"held"

_file, _folder, _tcp, _udp, _pid = sys.argv[1:]


def _read() -> None:
    with open(_file, "rb") as file:  # noqa: PTH123 - pathlib costs time
        file.read()


def _write() -> None:
    os.close(os.open(f"{_folder}/written", os.O_WRONLY | os.O_CREAT))


def _remove() -> None:
    os.unlink(_file)  # noqa: PTH108


def _connect() -> None:
    import socket

    socket.create_connection(("127.0.0.1", int(_tcp)), timeout=1).close()


def _datagram() -> None:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"canary", ("127.0.0.1", int(_udp)))


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _thread() -> None:
    import _thread

    _thread.start_new_thread(int, ())


def _execute() -> None:
    os.execv(sys.executable, [sys.executable, "--version"])  # noqa: S606


def _signal() -> None:
    os.kill(int(_pid), 0)


ATTEMPTS = {
    "read a file": _read,
    "create a file": _write,
    "remove a file": _remove,
    "open a TCP connection": _connect,
    "send a UDP datagram": _datagram,
    "start a process": _fork,
    "start a thread": _thread,
    "signal another process": _signal,
}


def _worked() -> list[str]:
    worked = []
    for name, attempt in ATTEMPTS.items():
        try:
            attempt()
        except (OSError, RuntimeError):
            continue
        worked.append(name)
    return worked


def _send(message: bytes) -> None:
    os.write(1, len(message).to_bytes(4, "big") + message)


def main() -> None:
    """Try everything and send both messages."""
    _send(repr({"worked": _worked(), "product": 6 * 7}).encode())
    try:
        _execute()
    except OSError:
        _send(_HELD)


main()
