"""Many datagrams with one system call: sendmmsg(2) and recvmmsg(2) over memory that numpy fills and reads."""

import ctypes
import os
import socket
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[Any]
"""A structured array: one row per datagram."""

SO_TIMESTAMPNS = 35
"""Socket option: the kernel says when each datagram arrived (socket(7))."""

_ADDRESS = np.dtype([("family", "=u2"), ("port", ">u2"), ("host", "S4"), ("zero", "S8")])  # struct sockaddr_in
_STAMP = np.dtype(  # struct cmsghdr with a struct timespec in it
    [("size", "=u8"), ("level", "=i4"), ("type", "=i4"), ("seconds", "=i8"), ("nanoseconds", "=i8")]
)
_PART = np.dtype([("base", np.uintp), ("size", np.uintp)])  # struct iovec
_HEAD = np.dtype(  # struct msghdr
    [
        ("address", np.uintp),
        ("address_size", np.uint32),
        ("parts", np.uintp),
        ("part_count", np.uintp),
        ("control", np.uintp),
        ("control_size", np.uintp),
        ("flags", np.int32),
    ],
    align=True,
)
_MESSAGE = np.dtype([("head", _HEAD), ("size", np.uint32)], align=True)  # struct mmsghdr

_libc = ctypes.CDLL(None, use_errno=True)


class Batch:
    """Room for so many datagrams of one shape, laid out as the system calls want it."""

    def __init__(self, count: int, packet: np.dtype[Any]) -> None:
        self.packets: Rows = np.zeros(count, packet)
        self._addresses: Rows = np.zeros(count, _ADDRESS)
        self._addresses["family"] = socket.AF_INET
        self._addresses["host"] = socket.inet_aton("127.0.0.1")
        self._stamps: Rows = np.zeros(count, _STAMP)
        self._parts: Rows = np.zeros(count, _PART)
        self._parts["base"] = _places(self.packets)
        self._parts["size"] = packet.itemsize
        self._messages: Rows = np.zeros(count, _MESSAGE)
        head = self._messages["head"]
        head["address"] = _places(self._addresses)
        head["address_size"] = _ADDRESS.itemsize
        head["parts"] = _places(self._parts)
        head["part_count"] = 1

    @property
    def ports(self) -> Rows:
        """The loopback port that each row goes to, or came from."""
        ports: Rows = self._addresses["port"]
        return ports

    @property
    def arrivals(self) -> Rows:
        """When each row arrived: ns since 1970."""
        arrivals: Rows = self._stamps["seconds"] * 1_000_000_000 + self._stamps["nanoseconds"]
        return arrivals

    def send(self, sock: socket.socket, first: int, stop: int) -> None:
        """Send these rows. Raises OSError."""
        while first < stop:
            first += self._call(_libc.sendmmsg, sock, first, stop, 0)

    def receive(self, sock: socket.socket) -> int:
        """Take what has arrived into the rows from 0 on; how many. Raises OSError."""
        head = self._messages["head"]
        head["control"] = _places(self._stamps)
        head["control_size"] = _STAMP.itemsize
        try:
            return self._call(_libc.recvmmsg, sock, 0, len(self.packets), socket.MSG_DONTWAIT, None)
        except BlockingIOError:
            return 0

    def _call(self, function: Any, sock: socket.socket, first: int, stop: int, *more: int | None) -> int:
        at = ctypes.c_void_p(self._messages.ctypes.data + first * _MESSAGE.itemsize)
        done: int = function(sock.fileno(), at, stop - first, *more)
        if done < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return done


def _places(rows: Rows) -> NDArray[np.uintp]:
    """The addresses in memory of all rows."""
    return (rows.ctypes.data + np.arange(len(rows)) * rows.itemsize).astype(np.uintp)
