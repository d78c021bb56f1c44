"""Copies of SIP messages as a HEP collector gets them, read by a decoder of its own, from calls over real sockets."""

import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest

from support.scene import Scene, open_house


@dataclass
class Received:
    """One packet, read by its length fields."""

    chunks: dict[int, bytes]

    @classmethod
    def of(cls, packet: bytes) -> "Received":
        assert packet[:4] == b"HEP3"
        assert struct.unpack("!H", packet[4:6]) == (len(packet),)
        chunks, rest = {}, packet[6:]
        while rest:
            vendor, kind, length = struct.unpack("!HHH", rest[:6])
            assert vendor == 0
            assert 6 <= length <= len(rest)
            assert kind not in chunks
            chunks[kind], rest = rest[6:length], rest[length:]
        return cls(chunks)

    @property
    def text(self) -> str:
        return self.chunks[15].decode()

    def end(self, address: int, port: int) -> tuple[str, int]:
        return str(ip_address(self.chunks[address])), int.from_bytes(self.chunks[port], "big")

    @property
    def at(self) -> float:
        return int.from_bytes(self.chunks[9], "big") + int.from_bytes(self.chunks[10], "big") / 1e6


class Collector:
    """A UDP socket that takes packets."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024 * 1024)
        self._socket.bind(("127.0.0.1", 0))
        self._received: list[Received] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def received(self) -> list[Received]:
        """Everything that came so far."""
        try:
            while True:
                self._received.append(Received.of(self._socket.recv(65536)))
        except BlockingIOError:
            return self._received

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


async def a_call(scene: Scene) -> str:
    caller, member = await scene.phones(2)
    ours, theirs = await scene.talk(caller, member, member.number)
    await scene.end(ours, theirs)
    return (await scene.story(caller)).id


async def test_every_message_is_copied_with_where_it_went_and_what_call_it_is(
    tmp_path: Path, collector: Collector
) -> None:
    async with open_house(tmp_path, hep=collector.address, hep_password="let-me-in", hep_id=7) as house:
        before = time.time()
        async with Scene(house) as scene:
            call_id = await a_call(scene)
        told = (await house.get("calls/ladder", id=call_id))["data"]["messages"]
        packets = collector.received
        phones = [packet for packet in packets if packet.text.startswith("REGISTER")]
        assert len(phones) == 4  # each challenged once
        assert all(17 not in packet.chunks for packet in phones)

        ours = [packet for packet in packets if packet.chunks.get(17) == call_id.encode()]
        assert [packet.text for packet in ours] == [message["text"] for message in told[4:]]  # known once the caller is
        for packet, message in zip(ours, told[4:], strict=True):
            assert (packet.chunks[1], packet.chunks[2], packet.chunks[11]) == (b"\2", b"\x11", b"\1")
            assert (packet.chunks[12], packet.chunks[14]) == (b"\0\0\0\7", b"let-me-in")
            assert "udp:{}:{}".format(*packet.end(3, 7)) == message["source"]
            assert "udp:{}:{}".format(*packet.end(4, 8)) == message["destination"]
            assert before - 0.001 <= packet.at <= time.time()
        secrets = [line for packet in packets for line in packet.text.splitlines() if "response=" in line]
        assert secrets
        assert all('response="***"' in line and 'nonce="***"' in line for line in secrets)


@pytest.mark.parametrize("away", ["127.0.0.1:9", "nobody.invalid:9060"])
async def test_a_collector_that_is_away_makes_no_difference(tmp_path: Path, away: str) -> None:
    async with open_house(tmp_path, hep=away) as house, Scene(house) as scene:
        story = await house.get("calls/get", id=await a_call(scene))
        assert story["data"]["disposition"] == "ANSWERED"


async def test_it_can_be_ipv6(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as listener:
        listener.bind(("::1", 0))
        listener.settimeout(5)
        async with open_house(tmp_path, hep=f"[::1]:{listener.getsockname()[1]}") as house, Scene(house) as scene:
            await scene.phones(1)
            assert Received.of(listener.recv(65536)).text.startswith("REGISTER")
