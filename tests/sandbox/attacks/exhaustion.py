"""Using up time, memory and patience."""

from __future__ import annotations

from tests.sandbox.attacks.form import PATIENT, SHORT, Attacks

ATTACKS = Attacks()

ATTACKS.add("loop forever", "while True: pass", "deadline", limits=SHORT)
ATTACKS.add("sleep forever", "import time; time.sleep(600)", "deadline", limits=SHORT)
ATTACKS.add(
    "ignore all signals and loop",
    """
    import signal
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True: pass
    """,
    "died",
    limits=PATIENT.model_copy(update={"cpu_seconds": 1}),
    signals=frozenset({9}),
)
ATTACKS.add(
    "stop itself",  # The first process of a PID namespace cannot.
    "import signal; os.kill(os.getpid(), signal.SIGSTOP)",
    "deadline finished",
    limits=SHORT,
)
ATTACKS.add("wait for input that never comes", "os.read(0, 1)", "deadline", limits=SHORT)
ATTACKS.add(
    "memory bomb",
    """
    hoard = []
    def grow():
        for _ in range(1024):
            hoard.append(bytearray(b"x") * (1 << 20))
    attempt("1 GiB", grow)
    hoard.clear()
    attempt("at once", lambda: len(bytearray(1 << 30)))
    import mmap
    attempt("mapping", lambda: len(mmap.mmap(-1, 1 << 30)))
    """,
)
ATTACKS.add("flood standard output", "while True: os.write(1, b'\\0' * 65536)", "output")
ATTACKS.add("flood standard error", "while True: os.write(2, b'x' * 65536)", "output")
ATTACKS.add("flood with messages", "while True: report('flood', 'seen', 'x' * 1000)", "output")
ATTACKS.add(
    "announce a huge message", "os.write(1, b'\\xff\\xff\\xff\\xff'); os.read(0, 1)", "output"
)
ATTACKS.add("leave a message unfinished", "os.write(1, b'\\0\\0\\1\\0abc'); os._exit(0)", "died")
ATTACKS.add(
    "drip a message",
    """
    import time
    os.write(1, b"\\0\\0\\1\\0")
    while True:
        os.write(1, b"x")
        time.sleep(0.05)
    """,
    "deadline",
    limits=SHORT,
)
ATTACKS.add(
    "close its output and stay",
    "os.close(1); os.close(2)\nwhile True: pass",
    "died deadline",
    limits=SHORT,
)
ATTACKS.add(
    "close everything and sleep",
    "os.closerange(0, 64)\nimport time; time.sleep(600)",
    "died deadline",
    limits=SHORT,
)
ATTACKS.add(
    "recurse deeply",
    """
    import sys
    sys.setrecursionlimit(10**8)
    def dig(n): return dig(n + 1) + 1
    attempt("dig", dig, 0)
    """,
    "finished died deadline",
    limits=SHORT,
    signals=frozenset({11}),
)
ATTACKS.add(
    "crash",
    "import ctypes; ctypes.string_at(0)",
    "died",
    signals=frozenset({11}),
)
ATTACKS.add("abort", "os.abort()", "died", signals=frozenset({6, 11}))
ATTACKS.add(
    "print a huge number",
    """
    import sys
    sys.set_int_max_str_digits(0)
    print(9 ** 9 ** 8)
    """,
    "deadline died",
    limits=SHORT,
)
ATTACKS.add("compute a huge power", "9 ** 9 ** 9 ** 9", "deadline died", limits=SHORT)
ATTACKS.add(
    "compile a huge expression",
    "attempt('parse', lambda: compile('(' * 10**6, 'x', 'eval'))\n"
    "attempt('nest', lambda: eval('-' * 10**6 + '1'))",
    "finished died deadline",
    limits=SHORT,
    signals=frozenset({11}),
)
ATTACKS.add(
    "exhaust descriptors",
    """
    def exhaust():
        return [os.dup(0) for _ in range(10000)]
    attempt("dup", exhaust)
    attempt("dup2", os.dup2, 0, 5000)
    """,
)
ATTACKS.add("exit quietly", "os._exit(0)", "died")
ATTACKS.add("raise in the collector", """
    import gc, sys
    def hook(phase, info): raise SystemExit
    gc.callbacks.append(hook)
    class Trap:
        def __del__(self): raise KeyboardInterrupt
    for _ in range(100): Trap()
    gc.collect()
    """,
)  # fmt: skip
