"""Runs a piece of source inside a sandbox; a program for `Backend.start`, never imported.

The first message is the literal `(source, given)`. The source sees `given` (what the test made for
it), `attempt` and `report`; every report is one message, and the last says "finished".
"""

import os


def report(what, outcome, detail=""):
    """Send one literal to the parent."""
    message = repr((what, outcome, detail)).encode(errors="replace")
    os.write(1, len(message).to_bytes(4, "big") + message)


def attempt(what, function, *arguments):
    """Call and report whether it "worked" or was "refused"."""
    try:
        value = function(*arguments)
    except BaseException as error:
        report(what, "refused", f"{type(error).__name__}: {error}"[:300])
        return
    report(what, "worked", repr(value)[:300])


def main():
    """Read the message, run its source."""
    size = int.from_bytes(os.read(0, 4), "big")
    data = b""
    while len(data) < size:
        data += os.read(0, size - len(data))
    source, given = eval(data)
    names = {"given": given, "attempt": attempt, "report": report, "os": os}
    exec(compile(source, "source", "exec"), names)
    report("finished", "", "")


main()
