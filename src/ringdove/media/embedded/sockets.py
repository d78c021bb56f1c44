"""The UDP sockets of a port pair."""

import errno
import socket
from contextlib import suppress

from .source import Address

_EXPEDITED = 0xB8  # DSCP EF (RFC 3246) in the upper six bits
_scrap = bytearray(1)


def bind(host: str, port: int) -> socket.socket:
    """A socket at this IP address that never blocks; raises OSError."""
    wide = ":" in host
    sock = socket.socket(socket.AF_INET6 if wide else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if wide:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        with suppress(OSError):
            if wide:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _EXPEDITED)
            else:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _EXPEDITED)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def drain(sock: socket.socket) -> None:
    """Throw away what came while nobody listened: it is not to be heard late."""
    for _ in range(10_000):
        try:
            sock.recv_into(_scrap)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK):
                return


def address(sock: socket.socket, host: str | None, port: int) -> Address | None:
    """As this socket takes it; None where the host is unknown, none at all, or of the other IP version."""
    wide = sock.family == socket.AF_INET6
    if host in (None, "0.0.0.0", "::") or (":" in host) != wide:  # noqa: S104
        return None
    return (host, port, 0, 0) if wide else (host, port)
