"""Ports for programs that have to be told one."""

import errno
import os
import random
import socket
from collections.abc import Iterator

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 4
"""Which of the test processes that run side by side this is: each has ports of its own."""
_RANGE = range(10_000 + _WORKER * 3_000, 13_000 + _WORKER * 3_000)
"""Below those that the kernel gives out by itself: nobody else takes one between our look and its use."""
_HOSTS = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
_KINDS = socket.SOCK_STREAM, socket.SOCK_DGRAM


def rtp_ports() -> str:
    """A range for the audio of a server, apart from that of tests which run beside this one, and from the default.

    A media process that is killed wants its ports again, and somebody else must not have them by then.
    """
    first = 22_000 + _WORKER * 2_000
    return f"{first}-{first + 1_999}"


def free_port() -> int:
    """A port of the loopback addresses that nobody uses, for UDP and TCP.

    It is not given out again before all others were: a program takes a while to start and bind it.
    """
    return next(port for port in _ports if _is_free(port))


def _in_turn() -> Iterator[int]:
    shuffled = random.sample(_RANGE, len(_RANGE))
    while True:
        yield from shuffled


_ports = _in_turn()


def _is_free(port: int) -> bool:
    return not any(_is_taken(family, kind, port) for family in _HOSTS for kind in _KINDS)


def _is_taken(family: socket.AddressFamily, kind: socket.SocketKind, port: int) -> bool:
    try:
        with socket.socket(family, kind) as sock:
            sock.bind((_HOSTS[family], port))
    except OSError as error:
        return error.errno == errno.EADDRINUSE  # a machine without IPv6 has another reason
    return False
