"""The process that holds the tests and owns the verdict; it never sees the solution's code.

A program for `Backend.start`. It says `ready`, gets what `Tests` holds in one frame, and then
sends frames that begin with `?`, questions that the parent passes to the solution and answers in
one frame, until one that begins with `!`: the verdict, as (kind, reason).
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from evaluation.sandbox import codec, instances, pipe, remote
else:
    import codec
    import instances
    import pipe
    import remote

MODULE = "tests"
TESTS, SET_UP = "<tests>", "<set-up>"
LONGEST = 160
# Raised in the tests' own process, these say nothing about the solution.
FAULTS = (NameError, SyntaxError, ImportError, SystemExit, remote.CannotCross)


def run(session: remote.Session, shared: str, setup: str, tests: str, names: list[str]) -> None:
    """Run the tests; returning means that they hold."""
    module = type(sys)(MODULE)
    sys.modules[MODULE] = module
    namespace = module.__dict__
    execute(shared, SET_UP, namespace)
    session.classes = instances.Classes(namespace)
    answer = session.ask("names", names)
    for name in names:
        if type(answer) is not dict or name not in answer:
            raise Missing(name)
    # These and no others: an answer may say what it likes, a new `abs` for instance.
    asked = {name: answer[name] for name in names}
    # Before the set-up, which may use them, and after it, where it may define stand-ins.
    namespace.update(asked)
    execute(setup, SET_UP, namespace)
    namespace.update(asked)
    if "random" in tests:
        __import__("random").seed(0)
    session.last = remote.NOTHING
    execute(tests, TESTS, namespace)


class Missing(Exception):  # noqa: N818 - of the program, no defect
    """A name of the tests that the solution does not define."""


def execute(source: str, filename: str, namespace: dict[str, Any]) -> None:
    """Run trusted source (trusted with the verdict, that is; it runs in a sandbox)."""
    exec(compile(source, filename, "exec", dont_inherit=True), namespace)  # noqa: S102


def verdict(error: BaseException, session: remote.Session, tests: str) -> tuple[str, str]:
    """Kind and reason of a failure."""
    session.open = False  # describing a value asks no more questions
    line = failed_line(error, tests)
    where = f" in: {line}" if line else ""
    if isinstance(error, MemoryError):
        return "memory", "out of memory"
    if error is session.raised:
        return "error", f"the program {session.problem}{where}"
    if isinstance(error, Missing):
        return "error", f"the program does not define {error.args[0]!r}"
    if isinstance(error, AssertionError):
        return "failed", f"{line or 'an assertion'}{last_answer(session)}"
    name = f"{type(error).__name__}: {error}"
    if not line or isinstance(error, FAULTS):
        return "tests", f"the tests could not be run: {name}{where}"
    return "failed", f"{name}{where}{last_answer(session)}"


def failed_line(error: BaseException, tests: str) -> str:
    """The innermost line of the tests that the error went through."""
    lines = tests.split("\n")
    found = ""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == TESTS:
            found = lines[trace.tb_lineno - 1].strip()
        trace = trace.tb_next
    return shortened(found)


def last_answer(session: remote.Session) -> str:
    """The last value that the solution gave, for the reader of a failure."""
    if session.last is remote.NOTHING:
        return ""
    try:
        return f" (last answer: {shortened(repr(session.last))})"
    except Exception:  # a number too long to be written, say
        return ""


def shortened(words: str) -> str:
    """At most LONGEST characters of a text."""
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"


def main() -> None:
    """Run the tests that come over the pipe and send the verdict."""
    channel = pipe.Pipe()
    channel.send(b"ready")
    shared, setup, tests, names = codec.decode(channel.receive())
    session = remote.Session(channel)
    try:
        run(session, shared, setup, tests, names)
        outcome = "passed", ""
    except BaseException as error:
        outcome = verdict(error, session, tests)
    channel.send(b"!" + codec.encode(outcome))


if __name__ == "__main__":
    main()
