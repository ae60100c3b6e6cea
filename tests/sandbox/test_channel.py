"""Framing, deadlines and caps, on the other side `cat` or a few lines of shell."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.sandbox.channel import (
    Channel,
    DeadlineExceeded,
    OutputExceeded,
    ProcessEnded,
)
from evaluation.sandbox.limits import Limits


def start(*command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )


def talk(*command: str, **limits: float) -> Channel:
    return Channel(start(*command), Limits.model_validate({"wall_seconds": 60, **limits}))


def drain(channel: Channel) -> None:
    while True:
        channel.receive()


def running(pid: int) -> bool:
    """Whether it is there and not merely waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def shell(script: str, **limits: float) -> Channel:
    return talk("sh", "-c", script, **limits)


@given(st.lists(st.binary(max_size=200)))
def test_messages_arrive_whole_and_in_order(messages: list[bytes]) -> None:
    with talk("cat") as channel:
        for message in messages:
            channel.send(message)
        assert [channel.receive() for _ in messages] == messages


def test_a_message_larger_than_both_pipes_does_not_block() -> None:
    message = bytes(range(256)) * 2000
    with talk("cat") as channel:
        channel.send(message)
        assert channel.receive() == message


def test_waiting_and_sending_end_at_the_deadline() -> None:
    for action in (lambda c: c.receive(), lambda c: c.send(bytes(1 << 20))):
        with talk("sleep", "600", wall_seconds=0.1) as channel:
            started = time.monotonic()
            with pytest.raises(DeadlineExceeded):
                action(channel)
            assert time.monotonic() - started < 60


def test_a_slow_start_is_not_part_of_the_time() -> None:
    command = "read word; printf '\\000\\000\\000\\001x'; exec sleep 600"
    process = start("sh", "-c", command)
    limits = Limits(wall_seconds=0.1)
    with Channel(process, limits, patience=60) as channel:
        time.sleep(0.2)
        channel.send(b"go\n")
        assert channel.receive() == b"x"
        channel.start_clock()
        with pytest.raises(DeadlineExceeded):
            channel.receive()


def test_a_process_that_has_to_be_ended_has_no_code_and_no_signal() -> None:
    with shell("exec 1>&-; exec sleep 600", wall_seconds=0.3) as channel:
        with pytest.raises((ProcessEnded, DeadlineExceeded)):
            channel.receive()
        ending = channel.close()
    assert (ending.code, ending.signal) == (None, None)


def test_the_deadline_counts_from_the_start_not_from_the_last_byte() -> None:
    drip = (
        "import os, time\nos.write(1, bytes([0, 0, 255, 0]))\n"
        "while True: os.write(1, b'x'); time.sleep(0.02)"
    )
    channel = talk(sys.executable, "-c", drip, wall_seconds=0.3)
    with channel, pytest.raises(DeadlineExceeded):
        channel.receive()


@pytest.mark.parametrize(
    "script",
    [
        "printf '\\000\\000\\377\\377'; exec yes",
        "exec 3>&1 yes >&2",
        "printf '\\377\\377\\377\\377'; sleep 600",
    ],
    ids=["output", "standard error", "announced"],
)
def test_too_much_output_is_an_error_at_once(script: str) -> None:
    with shell(script, output_kb=64) as channel, pytest.raises(OutputExceeded):
        drain(channel)


def test_standard_error_is_kept_and_does_not_hold_messages_up() -> None:
    script = "head -c 200000 /dev/zero | tr '\\0' e >&2; printf '\\000\\000\\000\\001x'; exit 7"
    with shell(script) as channel:
        assert channel.receive() == b"x"
        with pytest.raises(ProcessEnded):
            channel.receive()
        ending = channel.close()
    assert (ending.code, ending.signal, len(ending.stderr)) == (7, None, 200_000)


def test_an_unfinished_message_is_no_message() -> None:
    with shell("printf '\\000\\000\\000\\011abc'") as channel, pytest.raises(ProcessEnded):
        channel.receive()


def test_sending_to_a_process_that_is_gone_says_so() -> None:
    with shell("exec 0<&-; printf '\\000\\000\\000\\001x'; sleep 600") as channel:
        channel.receive()
        with pytest.raises(ProcessEnded):
            channel.send(b"x")


def test_closing_ends_the_whole_group_and_tells_it_again() -> None:
    channel = shell("sleep 600 & printf '\\000\\000\\000\\006%6d' $!; wait")
    child = int(channel.receive())
    ending = channel.close()
    assert channel.close() is ending
    deadline = time.monotonic() + 50
    while running(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not running(child)
