"""Talking to anyone but the parent."""

from __future__ import annotations

from tests.sandbox.attacks.form import Attacks

ATTACKS = Attacks()

ATTACKS.add(
    "connect over TCP",
    """
    import socket
    attempt("connect", socket.create_connection, ("127.0.0.1", given["tcp"]), 1)
    attempt("IPv6", socket.create_connection, ("::1", given["tcp"]), 1)
    """,
)
ATTACKS.add(
    "send over UDP",
    """
    import socket
    def send():
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", given["udp"]))
    attempt("send", send)
    """,
)
ATTACKS.add(
    "listen",
    """
    import socket
    attempt("TCP", socket.create_server, ("127.0.0.1", 0))
    attempt("pair", socket.socketpair)
    """,
)
ATTACKS.add(
    "connect to local sockets",
    """
    import socket
    def connect(address):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(address)
            s.send(b"x")
    attempt("named", connect, given["unix"])
    attempt("abstract", connect, "\\0" + given["abstract"])
    attempt("docker", connect, "/run/docker.sock")
    attempt("bus", connect, "/run/dbus/system_bus_socket")
    """,
)
ATTACKS.add(
    "look names up",
    """
    import socket
    attempt("localhost", socket.getaddrinfo, "localhost", 80)
    attempt("name", socket.gethostbyname, "attack.invalid")
    """,
)
ATTACKS.add(
    "use unusual socket families",
    """
    import socket
    for family in (16, 17, 38, 40, 31, 44, 5):  # netlink, packet, alg, vsock, bluetooth, xdp, ...
        for kind in (socket.SOCK_RAW, socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
            attempt("socket", socket.socket, family, kind, 0)
    """,
)
ATTACKS.add(
    "use System V and POSIX message queues and shared memory",
    """
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    def get(name, *arguments):
        result = getattr(libc, name)(*arguments)
        if result < 0:
            raise OSError(ctypes.get_errno(), name)
        libc.shmctl(result, 0, None)
    attempt("shmget", get, "shmget", 0, 4096, 0o1600)
    attempt("msgget", get, "msgget", 0, 0o1600)
    attempt("semget", get, "semget", 0, 1, 0o1600)
    """,
)
ATTACKS.add(
    "type into a terminal",
    """
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    def type_in(descriptor):
        if libc.ioctl(descriptor, ctypes.c_ulong(0x5412), b"x") < 0:  # TIOCSTI
            raise OSError(ctypes.get_errno(), "TIOCSTI")
    for descriptor in (0, 1, 2):
        attempt("type", type_in, descriptor)
    attempt("terminal", lambda: type_in(os.open(given["terminal"], os.O_RDWR)))
    attempt("own terminal", lambda: type_in(os.open("/dev/tty", os.O_RDWR)))
    """,
)
