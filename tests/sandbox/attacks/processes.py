"""Starting, ending and steering processes."""

from __future__ import annotations

from tests.sandbox.attacks.form import Attacks

ATTACKS = Attacks()

ATTACKS.add(
    "fork bomb",
    """
    for _ in range(20):
        try:
            if os.fork() == 0:
                import time
                time.sleep(2)
                os._exit(0)
        except OSError:
            continue
        report("fork", "worked")
    """,
)
ATTACKS.add(
    "leave a daemon behind",
    """
    def daemon():
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                import time
                time.sleep(2)
                open(given["folder"] + "/daemon", "w")
            os._exit(0)
    attempt("daemon", daemon)
    attempt("session", os.setsid)
    attempt("group", os.setpgid, 0, 0)
    """,
)
ATTACKS.add(
    "thread bomb",
    """
    import threading, time
    for _ in range(50):
        attempt("thread", threading.Thread(target=time.sleep, args=(1,)).start)
    """,
)
ATTACKS.add(
    "execute programs",
    """
    import subprocess, sys
    attempt("system", lambda: os.system("true") and 1 / 0)
    attempt("subprocess", subprocess.run, [sys.executable, "-c", "pass"])
    attempt("spawn", os.posix_spawn, sys.executable, [sys.executable, "-c", "pass"], {})
    attempt("popen", lambda: os.popen("true").read())
    attempt("exec", os.execv, sys.executable, [sys.executable, "-c", "pass"])
    attempt("loader", os.execv, "/lib64/ld-linux-x86-64.so.2", ["x"])
    """,
)
ATTACKS.add(
    "signal others",
    """
    import signal
    for pid in (given["decoy"], -given["decoy"]):
        for number in (0, signal.SIGUSR1, signal.SIGKILL):
            attempt("kill", os.kill, pid, number)
    attempt("killpg", os.killpg, given["decoy"], signal.SIGKILL)
    attempt("pidfd", os.pidfd_open, given["decoy"])
    attempt("parent", os.kill, given["parent"], 0)
    """,
)
ATTACKS.add(
    "signal everything",
    """
    import signal
    attempt("kill -1", os.kill, -1, signal.SIGKILL)
    attempt("kill group", os.kill, 0, signal.SIGKILL)
    """,
    only="bubblewrap",
)
ATTACKS.add(
    "have the kernel signal others",
    """
    import fcntl, struct
    attempt("F_SETOWN", fcntl.fcntl, 0, fcntl.F_SETOWN, given["decoy"])
    attempt("F_SETSIG", fcntl.fcntl, 0, fcntl.F_SETSIG, 9)
    attempt("F_SETOWN_EX", fcntl.fcntl, 0, 15, struct.pack("ii", 1, given["decoy"]))
    attempt("FIOSETOWN", fcntl.ioctl, 0, 0x8901, struct.pack("i", given["decoy"]))
    """,
)
ATTACKS.add(
    "ask about other processes",
    """
    attempt("session", os.getsid, given["decoy"])
    attempt("group", os.getpgid, given["decoy"])
    attempt("scheduler", os.sched_setaffinity, 0, {0})
    attempt("priority", os.setpriority, os.PRIO_PROCESS, given["decoy"], 5)
    attempt("nice", os.nice, -5)
    """,
)
ATTACKS.add(
    "raise its limits",
    """
    import resource
    for name in ("AS", "CPU", "NOFILE", "NPROC", "FSIZE", "CORE", "STACK"):
        kind = getattr(resource, "RLIMIT_" + name)
        attempt(name, resource.setrlimit, kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        attempt(name, resource.prlimit, given["decoy"], kind)
    """,
)
