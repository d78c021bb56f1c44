"""The UDP sockets of a port pair."""

import ctypes
import errno
import os
import socket
from contextlib import suppress

from .source import Address

_EXPEDITED = 0xB8  # DSCP EF (RFC 3246) in the upper six bits
_NOWHERE = bytes(28)  # a struct sockaddr_in6 of family AF_UNSPEC
_ANY = "::"
_libc = ctypes.CDLL(None, use_errno=True)
_scrap = bytearray(1)


class Sockets:
    """RTP and RTCP at one pair of ports, which stay open while parties come and go."""

    __slots__ = ("_versions", "connectable", "port", "rtcp", "rtp")

    def __init__(self, host: str, port: int) -> None:
        """Raises OSError when one of the two ports cannot be had."""
        self.port = port
        self.rtp = bind(host, port)
        try:
            self.rtcp = bind(host, port + 1)
        except OSError:
            self.rtp.close()
            raise
        self.connectable = not wildcard(host)
        """Else the kernel would choose at which of our addresses to listen."""
        self._versions = (4,) if ":" not in host else (4, 6) if host == _ANY else (6,)
        """IP versions that can be reached."""

    def address(self, host: str | None, port: int) -> Address | None:
        """As these sockets take and give it; None where the host is unknown, none at all, or cannot be reached."""
        if host is None or wildcard(host) or (6 if ":" in host else 4) not in self._versions:
            return None
        if 6 not in self._versions:
            return (host, port)
        return (
            host if ":" in host else f"::ffff:{host}",
            port,
            0,
            0,
        )  # IPv4 as both versions have it (RFC 4291 §2.5.5.2)

    def close(self) -> None:
        """Give the ports back."""
        self.rtp.close()
        self.rtcp.close()


def bind(host: str, port: int) -> socket.socket:
    """A socket at this IP address that never blocks; raises OSError. `::` is every address, IPv4's too."""
    wide = ":" in host
    sock = socket.socket(socket.AF_INET6 if wide else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if wide:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != _ANY)
        with suppress(OSError):
            if wide:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _EXPEDITED)
            if not wide or host == _ANY:
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


def connect(sock: socket.socket, address: Address) -> bool:
    """Let the kernel throw away what others than this address send from now on.

    True once nothing is left to be read that may have come from others before; until then ask again. False, too, where
    that is not to be had.
    """
    try:
        sock.connect(address)
        sock.recv_into(_scrap, 1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def disconnect(sock: socket.socket) -> None:
    """Hear everybody again at the same port; harmless if that is so already.

    Connecting to AF_UNSPEC does so (connect(2)). Python has no name for such an address, hence the C library.
    """
    if _libc.connect(sock.fileno(), _NOWHERE, len(_NOWHERE)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def wildcard(host: str) -> bool:
    """Whether this is no address but stands for all of them."""
    return host in ("0.0.0.0", _ANY)  # noqa: S104
