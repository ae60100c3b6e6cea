"""Reading what is secret, writing where nothing may be written."""

from __future__ import annotations

from tests.sandbox.attacks.form import Attacks

ATTACKS = Attacks()

ATTACKS.add(
    "read system files",
    """
    for path in ("/etc/passwd", "/etc/shadow", "/etc/hosts", "/etc/machine-id", "/etc/ssl",
                 "/var/log/dpkg.log", "/run/utmp", "/sys/kernel/notes", "/usr/bin/env",
                 "/usr/share/common-licenses/GPL-3"):
        attempt(path, lambda: open(path, "rb").read(100))
    """,
)
ATTACKS.add(
    "list folders of people and of the system",
    """
    import sys
    visible = [sys.executable, os.__file__, "/etc/ld.so.cache", *given["packages"]]
    def look(path):
        # What leads to the interpreter is there to see, as empty folders.
        names = [n for n in os.listdir(path)
                 if not any(v.startswith(os.path.join(path, n)) for v in visible)]
        return names or os.stat("/nothing/else")
    for path in ("/root", "/home", "/etc", "/tmp", "/var", "/run", "/srv", "/proc", "/sys",
                 "/dev/shm", given["folder"]):
        attempt(path, look, path)
    """,
)
ATTACKS.add("read a planted secret", 'attempt("open", lambda: open(given["secret"]).read())')
ATTACKS.add(
    "read the project and its environment",
    """
    for path in given["project"]:
        attempt(path, lambda: open(path, "rb").read(100))
    """,
)
ATTACKS.add("read the environment", 'report("environment", "seen", repr(dict(os.environ)))')
ATTACKS.add(
    "read the C library's environment",
    """
    import ctypes
    environ = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    index = 0
    while environ[index]:
        report("variable", "seen", repr(environ[index]))
        index += 1
    """,
)
ATTACKS.add(
    "read /proc of itself and others",
    """
    for who in ("self", "1", str(os.getppid()), str(given["parent"]), str(given["decoy"])):
        for what in ("environ", "cmdline", "maps", "mem", "fd/3", "root/etc/passwd", "cwd/x"):
            attempt(who + what, lambda: open(f"/proc/{who}/{what}", "rb").read(10))
    """,
)
ATTACKS.add(
    "climb out through folder descriptors",
    """
    def climb():
        top = os.open(os.path.dirname(os.__file__), os.O_RDONLY | os.O_DIRECTORY)
        return os.open("../" * 20 + given["secret"].lstrip("/"), os.O_RDONLY, dir_fd=top)
    attempt("openat", climb)
    attempt("relative", lambda: open("../../.." + given["secret"]).read())
    attempt("O_PATH", lambda: os.read(os.open(given["secret"], os.O_PATH), 9))
    """,
)
ATTACKS.add("change the working directory", 'attempt("chdir", os.chdir, given["folder"])')
ATTACKS.add(
    "use inherited descriptors",
    """
    for number in range(3, 1001):
        try:
            os.fstat(number)
        except OSError:
            continue
        report(f"descriptor {number}", "worked")
    """,
)
ATTACKS.add(
    "read another process's memory",
    """
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    def peek(pid):
        buffer = ctypes.create_string_buffer(8)
        vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
        got = libc.process_vm_readv(pid, vector, 1, vector, 1, 0)
        if got < 0:
            raise OSError(ctypes.get_errno(), "process_vm_readv")
        return got
    for pid in (given["parent"], given["decoy"], os.getppid(), 1):
        attempt("peek", peek, pid)
    """,
)
ATTACKS.add(
    "trace another process",
    """
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    def trace(request, pid):
        if libc.ptrace(ctypes.c_long(request), ctypes.c_long(pid), None, None) < 0:
            raise OSError(ctypes.get_errno(), "ptrace")
    attempt("attach", trace, 16, given["decoy"])
    attempt("seize", trace, 0x4206, given["decoy"])
    attempt("trace me", trace, 0, 0)
    """,
)
ATTACKS.add(
    "search its own objects for the parent's",
    """
    import gc, sys
    dicts = [o for o in gc.get_objects() if isinstance(o, dict)]
    found = [o for o in dicts if "canary-token" in repr(o)[:9999]]
    frames = sys._getframe()
    while frames:
        report("frame", "seen", repr(list(frames.f_locals))[:200])
        frames = frames.f_back
    report("objects", "seen", len(found))
    """,
)


ATTACKS.add(
    "write outside",
    """
    for path in (given["folder"] + "/new", given["secret"], "/tmp/sandbox-attack-marker",
                 "/dev/shm/sandbox-attack-marker", "/var/tmp/sandbox-attack-marker",
                 "/run/sandbox-attack-marker", "/sandbox-attack-marker", "sandbox-attack-marker",
                 given["project"][0] + ".attack", os.path.dirname(os.__file__) + "/attack.py"):
        attempt(path, lambda: open(path, "a").write("x"))
    """,
)
ATTACKS.add(
    "overwrite its own program and libraries",
    """
    import sys
    for path in (sys.executable, os.__file__):
        attempt(path, os.open, path, os.O_RDWR)
        attempt("truncate", os.truncate, path, os.stat(path).st_size)
    """,
)
ATTACKS.add(
    "remove and rename",
    """
    attempt("unlink", os.unlink, given["secret"])
    attempt("rename", os.rename, given["secret"], given["folder"] + "/moved")
    attempt("rmdir", os.rmdir, given["folder"] + "/empty")
    attempt("mkdir", os.mkdir, given["folder"] + "/made")
    """,
)
ATTACKS.add(
    "change modes, owners, times and attributes",
    """
    attempt("chmod", os.chmod, given["secret"], 0o777)
    attempt("chown", os.chown, given["secret"], 0, 0)
    attempt("utime", os.utime, given["secret"], (0, 0))
    attempt("setxattr", os.setxattr, given["secret"], "user.attack", b"x")
    """,
)
ATTACKS.add(
    "link to a secret",
    """
    for place in (".", "/", "/tmp", "/dev/shm", given["folder"]):
        attempt("symlink", os.symlink, given["secret"], place + "/sandbox-attack-marker")
        attempt("hard link", os.link, given["secret"], place + "/sandbox-attack-marker2")
    """,
)
ATTACKS.add(
    "write a large file",
    """
    for place in ("", "/tmp/", "/dev/shm/", given["folder"] + "/"):
        def fill():
            with open(place + "sandbox-attack-marker", "wb") as file:
                for _ in range(64):
                    file.write(bytes(1 << 20))
        attempt(place, fill)
    """,
)
ATTACKS.add(
    "make many files",
    """
    for place in (".", "/tmp", given["folder"]):
        for number in range(200):
            try:
                path = f"{place}/sandbox-attack-marker{number}"
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
            except OSError:
                continue
            report("file", "worked")
    """,
)
ATTACKS.add(
    "hide memory in files without names",
    """
    attempt("memfd", os.memfd_create, "x")
    for place in (".", "/", "/tmp", "/dev/shm", given["folder"]):
        attempt("O_TMPFILE", os.open, place, os.O_TMPFILE | os.O_RDWR)
    """,
)
ATTACKS.add(
    "use devices",
    """
    import stat
    attempt("mknod", os.mknod, given["folder"] + "/null", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    attempt("mkfifo", os.mkfifo, given["folder"] + "/pipe")
    for name in ("mem", "kmsg", "sda", "vda", "nvme0n1", "tty", "ptmx", "fuse", "kvm", "net/tun",
                 "random", "zero", "full", "shm", "loop-control"):
        attempt(name, os.open, "/dev/" + name, os.O_RDONLY)
    """,
)
