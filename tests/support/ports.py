"""Ports for programs and servers that have to be told one.

They are below those that the kernel gives out by itself, and each of the test processes that run side by side has its
own: nobody else takes one between our look and its use.
"""

import errno
import itertools
import os
import random
import socket

_PROCESSES = 4
_PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % _PROCESSES


def _own(ports: range) -> range:
    """The part of these ports that is this process's."""
    size = len(ports) // _PROCESSES
    return ports[_PROCESS * size :][:size]


_PROGRAMS = _own(range(10_000, 20_000))
_AUDIO = _own(range(20_000, 32_000))
_HOSTS = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
_KINDS = socket.SOCK_STREAM, socket.SOCK_DGRAM


def audio_ports(pairs: int) -> range:
    """Ports for the audio of a server, which are not given again before all others were.

    A media process that is killed wants its ports again, and somebody else must not have them by then.
    """
    global _next_audio  # noqa: PLW0603 -- whose turn it is, in the whole process
    first = _next_audio if _next_audio + 2 * pairs <= _AUDIO.stop else _AUDIO.start
    _next_audio = first + 2 * pairs
    return range(first, _next_audio)


_next_audio = _AUDIO.start


def rtp_ports(pairs: int = 500) -> str:
    """Such ports as the setting of that name has them."""
    given = audio_ports(pairs)
    return f"{given.start}-{given.stop - 1}"


def free_port() -> int:
    """A port of the loopback addresses that nobody uses, for UDP and TCP.

    It is not given again before all others were: a program takes a while to start and bind it.
    """
    return next(port for port in _programs if _is_free(port))


_programs = itertools.cycle(random.sample(_PROGRAMS, len(_PROGRAMS)))


def _is_free(port: int) -> bool:
    return not any(_is_taken(family, kind, port) for family in _HOSTS for kind in _KINDS)


def _is_taken(family: socket.AddressFamily, kind: socket.SocketKind, port: int) -> bool:
    try:
        with socket.socket(family, kind) as sock:
            sock.bind((_HOSTS[family], port))
    except OSError as error:
        return error.errno == errno.EADDRINUSE  # a machine without IPv6 has another reason
    return False
