"""The network that loses, doubles and delays, on real sockets."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from random import Random

import pytest
from soak.network import LossySocket, Network, Weather


@pytest.fixture
def plain() -> Iterator[socket.socket]:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(1)
        yield sock


def lossy(loss: float = 0.0, double: float = 0.0, delay: float = 0.0) -> LossySocket:
    sock = LossySocket(Weather(Random(1), loss, double, delay), socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    return sock


def all_of(sock: socket.socket) -> list[bytes]:
    got, buffer = [], memoryview(bytearray(100))
    try:
        while True:
            got.append(buffer[: sock.recvfrom_into(buffer)[0]].tobytes())
    except BlockingIOError:
        return got


@pytest.mark.parametrize(("share", "copies"), [("loss", 0), ("double", 2)])
def test_either_direction_is_as_bad(plain: socket.socket, share: str, copies: int) -> None:
    with closing(lossy(**{share: 1.0})) as sock:
        plain.sendto(b"in", sock.getsockname())
        assert all_of(sock) == [b"in"] * copies
        sock.sendto(b"out", plain.getsockname())
        plain.setblocking(False)
        assert all_of(plain) == [b"out"] * copies


def test_a_late_datagram_is_overtaken(plain: socket.socket) -> None:
    with closing(lossy(delay=1.0)) as sock:
        for data in (b"1", b"2", b"3"):
            plain.sendto(data, sock.getsockname())
        assert all_of(sock) == [b"2", b"1", b"3"]


async def test_a_late_datagram_still_goes(plain: socket.socket) -> None:
    with closing(lossy(delay=1.0)) as sock:
        sock.sendto(b"late", plain.getsockname())
        assert (await asyncio.to_thread(plain.recvfrom, 100))[0] == b"late"


def test_lost_messages_are_counted_by_call(plain: socket.socket) -> None:
    weather = Weather(Random(1), loss=1.0)
    with closing(LossySocket(weather, socket.AF_INET, socket.SOCK_DGRAM)) as sock:
        sock.sendto(b"BYE sip:a SIP/2.0\r\nCall-ID: abc\r\n\r\n", plain.getsockname())
        sock.sendto(b"\x80 not SIP", plain.getsockname())
    assert (weather.lost_of, weather.done) == ({"abc": 1}, {"lost": 2})


def test_a_cut_cable_carries_nothing(plain: socket.socket) -> None:
    network = Network(Weather(Random(1), 0.0, 0.0, 0.0))
    with closing(network.open(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        network.cut()
        plain.sendto(b"in", sock.getsockname())
        assert all_of(sock) == []
        sock.sendto(b"out", plain.getsockname())
        plain.setblocking(False)
        assert all_of(plain) == []
