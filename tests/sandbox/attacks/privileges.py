"""Getting rights, and getting rid of the filter."""

from __future__ import annotations

import platform

from tests.sandbox.attacks.form import Attacks

ATTACKS = Attacks()

ATTACKS.add(
    "become someone else",
    """
    attempt("setuid", os.setuid, 0)
    attempt("setresuid", os.setresuid, 0, 0, 0)
    attempt("setgroups", os.setgroups, [0])
    attempt("setgid", os.setgid, 0)
    """,
)
ATTACKS.add(
    "make new namespaces and mounts",
    """
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    def call(name, *arguments):
        if getattr(libc, name)(*arguments) < 0:
            raise OSError(ctypes.get_errno(), name)
    for flag in (0x10000000, 0x20000, 0x40000000, 0x20000000, 0x08000000, 0x04000000):
        attempt("unshare", call, "unshare", flag)
    attempt("mount", call, "mount", b"x", given["folder"].encode(), b"tmpfs", 0, None)
    attempt("remount", call, "mount", None, b"/", None, 0x1020, None)
    attempt("bind", call, "mount", b"/", given["folder"].encode(), None, 0x1000, None)
    attempt("umount", call, "umount2", given["folder"].encode(), 0)
    attempt("setns", call, "setns", 0, 0)
    attempt("chroot", os.chroot, given["folder"])
    """,
)
ATTACKS.add(
    "take the filter off",
    """
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    def prctl(*arguments):
        if libc.prctl(*arguments) < 0:
            raise OSError(ctypes.get_errno(), "prctl")
    attempt("disable", prctl, 22, 0, 0, 0, 0)
    allow = (ctypes.c_ushort * 4)(6, 0, 0, 0x7FFF)
    program = (ctypes.c_void_p * 2)(1, ctypes.addressof(allow))
    attempt("replace", prctl, 22, 2, program, 0, 0)
    attempt("privileges", prctl, 38, 0, 0, 0, 0)
    attempt("dumpable", prctl, 4, 1, 0, 0, 0)
    attempt("survive the parent", prctl, 1, 0, 0, 0, 0)
    attempt("subreaper", prctl, 36, 1, 0, 0, 0)
    """,
)
# Numbers by themselves, since a library could refuse before the kernel. Arguments are zeros, with
# which each of these does nothing. Equal on both architectures from 424 on.
_NEW = list(range(424, 462))
_RAW = {
    "x86_64": [
        29, 31, 30, 40, 41, 42, 43, 44, 46, 49, 50, 53, 54, 61, 64, 66, 68, 69, 76, 77, 80, 82, 83,
        84, 85, 86, 87, 88, 90, 91, 92, 95, 101, 105, 106, 109, 113, 116, 117, 119, 126, 134, 135,
        136, 141, 142, 144, 149, 151, 154, 155, 157, 158, 159, 160, 161, 163, 164, 165, 166, 167,
        168, 169, 170, 171, 172, 173, 175, 176, 179, 180, 188, 189, 190, 197, 200, 203, 206, 209,
        213, 216, 222, 227, 237, 238, 239, 240, 246, 247, 248, 249, 250, 251, 253, 256, 258, 259,
        260, 261, 263, 264, 265, 266, 268, 272, 275, 276, 278, 279, 280, 282, 283, 284, 285, 288,
        289, 290, 291, 294, 297, 298, 299, 300, 301, 303, 304, 305, 307, 308, 310, 311, 312, 313,
        314, 316, 317, 319, 320, 321, 322, 323, 324, 325, 326, 327, 328, 329, 330, 331,
    ],
    "aarch64": [
        0, 5, 19, 20, 26, 30, 33, 34, 35, 36, 37, 38, 39, 40, 41, 45, 46, 47, 49, 50, 51, 52, 53,
        54, 55, 60, 71, 74, 75, 76, 77, 85, 88, 89, 90, 91, 92, 95, 97, 104, 105, 106, 107, 112,
        117, 118, 119, 122, 140, 142, 143, 144, 146, 147, 149, 154, 157, 159, 161, 162, 164, 167,
        170, 171, 180, 186, 190, 194, 198, 199, 200, 203, 206, 217, 218, 219, 224, 225, 228, 230,
        235, 237, 238, 239, 240, 241, 242, 243, 260, 262, 264, 265, 266, 268, 269, 270, 271, 272,
        273, 274, 276, 277, 279, 280, 281, 282, 283, 284, 285, 286, 287, 288, 289, 290,
    ],
}  # fmt: skip
ATTACKS.add(
    "make raw system calls",
    f"""
    import ctypes, errno
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_long(0)
    for number in {sorted({*_RAW.get(platform.machine(), []), *_NEW} - {435, 439})}:
        result = libc.syscall(ctypes.c_long(number), zero, zero, zero, zero, zero, zero)
        if result != -1 or ctypes.get_errno() != errno.EPERM:
            report(f"call {{number}}", "worked", ctypes.get_errno())
    """,
)
ATTACKS.add(
    "make raw calls that start processes",
    f"""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    long = ctypes.c_long
    structure = (ctypes.c_ulong * 11)()
    def raw(*arguments):
        result = libc.syscall(*arguments)
        if result == 0:
            os._exit(0)
        if result < 0:
            raise OSError(ctypes.get_errno(), "refused")
    attempt("clone3", raw, long(435), structure, long(88))
    number = {220 if platform.machine() == "aarch64" else 56}
    attempt("clone", raw, long(number), long(17), *[long(0)] * 4)
    """,
)
ATTACKS.add(
    "make x32 calls",
    """
    import ctypes, errno
    libc = ctypes.CDLL(None, use_errno=True)
    for number in (0, 1, 39, 41, 57, 59, 101, 165, 520, 521):
        result = libc.syscall(ctypes.c_long(0x40000000 | number), *[ctypes.c_long(-1)] * 6)
        if result != -1:
            report(f"x32 {number}", "worked", result)
    """,
    machine="x86_64",
)
ATTACKS.add(
    "make 32-bit calls",
    """
    import ctypes, mmap
    memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, 20 (getpid); int 0x80; ret
    function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
    report("int 0x80", "worked", function())
    """,
    ends="died",
    machine="x86_64",
    signals=frozenset({31}),  # SIGSYS
)
ATTACKS.add(
    "execute from memory",
    """
    import ctypes, sys
    libc = ctypes.CDLL(None, use_errno=True)
    def run():
        handle = os.open(sys.executable, os.O_RDONLY)
        arguments = (ctypes.c_char_p * 3)(b"python", b"--version", None)
        libc.fexecve(handle, arguments, arguments)
        raise OSError(ctypes.get_errno(), "fexecve")
    attempt("fexecve", run)
    """,
)
