"""A port pair of the media process with a party, a peer and strangers; the sockets are ours, and so is the clock."""

import socket
import struct
from collections import deque
from collections.abc import Sequence
from unittest.mock import patch

from ringdove.media.embedded import outgoing, pair, reporter, sockets
from ringdove.media.embedded.ear import Vigil
from ringdove.media.embedded.pair import Pair
from ringdove.media.embedded.recorder import Recorder
from ringdove.media.embedded.sockets import Sockets
from ringdove.media.embedded.source import Address
from ringdove.media.embedded.timers import Timers
from ringdove.media.embedded.wire import Digit, Quiet, Report, Stream

from ..choices import Choices

PARTY, STRANGER, NEIGHBOUR = ("192.0.2.1", 4000), ("203.0.113.7", 4000), ("192.0.2.1", 4001)
FORMATS = (
    (0, "pcmu", 8000),
    (8, "pcma", 8000),
    (9, "g722", 8000),
    (101, "telephone-event", 8000),
    (114, "opus", 48000),
)
NUMBERS = ((0, 8, "a"), (8, 0, "u"), (9, 9, ""), (101, 96, ""), (114, 114, ""))
GRACE = 0.25
QUIET = 3.0
_RTP = struct.Struct("!BBHII")


VOICE = _RTP.pack(0x80, 0, 1, 160, 7) + bytes(160)


def _step(kind: int, packet: bytes, wait: int = 2) -> bytes:
    return bytes((kind, wait)) + len(packet).to_bytes(2, "big") + packet


SEEDS: Sequence[bytes] = (
    _step(0, VOICE) + 4 * _step(1, VOICE, 20) + _step(0, VOICE) + _step(2, VOICE),
    b"".join(_step(0, _RTP.pack(0x80, 0, number, 160 * number, 7) + bytes(160)) for number in range(1, 4)),
    b"".join(_step(0, _RTP.pack(0x80, 101, n, 160, 7) + bytes((5, n // 3 << 7, 1, 64))) for n in range(1, 5)),
    b"".join(_step(1, _RTP.pack(0x80, 9, number, 160 * number, 8) + bytes(160), 20) for number in range(1, 4)),
    _step(3, struct.pack("!BBHIIIIII", 0x80, 200, 6, 9, 1, 2, 3, 4, 5)) + _step(6, b"") + _step(5, b"", 255),
)
WORDS: Sequence[bytes] = (
    *(bytes((0x80, kind)) for kind in (0, 8, 9, 101, 114)),
    b"\x81\xc9\x00\x07",
    b"\x90\x00",
    b"\xa0\x00",
)


class Wire:
    """What is left of a socket: datagrams that came, and those that went."""

    family = socket.AF_INET

    def __init__(self) -> None:
        self.came: deque[tuple[bytes, Address]] = deque()
        self.went: list[tuple[bytes, Address]] = []

    def recvfrom_into(self, buffer: bytearray) -> tuple[int, Address]:
        if not self.came:
            raise BlockingIOError
        data, source = self.came.popleft()
        buffer[: len(data)] = data
        return len(data), source

    def sendto(self, data: bytes, target: Address) -> None:
        self.went.append((bytes(data), target))

    def close(self) -> None:
        """Nothing is held."""

    def fileno(self) -> int:
        return 0


class Clock:
    """Says what it is told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def check(data: bytes) -> None:
    """Packets from anywhere, out of steps: strangers are not heard, and what goes out is well-formed."""
    clock = Clock()
    with (
        patch.object(sockets, "bind", lambda *_: Wire()),
        patch.object(pair, "drain", lambda *_: None),
        patch.object(pair, "disconnect", lambda *_: None),
        patch.object(pair, "connect", lambda *_: False),
        patch.object(pair, "monotonic", clock),
        patch.object(reporter, "monotonic", clock),
        patch.object(reporter, "time", clock),
        patch.object(outgoing, "urandom", bytes),
    ):
        _run(Choices(data), clock)


def _run(choices: Choices, clock: Clock) -> None:
    reports: list[Report] = []
    timers = Timers()
    party, peer = (Pair(Sockets("127.0.0.1", port), GRACE, timers, reports.append) for port in (30000, 30002))
    epoch = 1
    party.tell(_stream(30000, PARTY, epoch, 30002), peer, clock.now)
    peer.tell(_stream(30002, ("192.0.2.2", 5000), 1, 30000), party, clock.now)
    vigil = Vigil("tape", QUIET, 1, clock.now, reports.append)
    timers.at(clock.now + QUIET, vigil.look)
    recorder = Recorder("/dev/null", 1, vigil)
    party.record(recorder, [0])
    steps = packets = 0
    while choices and steps < 1000:
        steps += 1
        kind = choices.number() % 7
        clock.now += choices.number() / 100
        packet = choices.octets(min(choices.number(2), 2048))
        timers.run(clock.now)
        match kind:
            case 0 | 1 | 2:
                packets += 1
                source = (PARTY, STRANGER, NEIGHBOUR)[kind]
                before, learned = party.counts.packets_in, party._source.learned
                _wire(party.rtp).came.append((packet, source))
                party._read_rtp()
                # Who was learned is the only one heard; but for the address that was signalled, which may come late.
                assert party.counts.packets_in == before or learned in (None, source) or source == PARTY
            case 3 | 4:
                _wire(party.rtcp).came.append((packet, (NEIGHBOUR, STRANGER)[kind - 3]))
                party._read_rtcp()
            case 5:
                party.look(clock.now, 10.0)
            case _:
                epoch += 1
                party.tell(_stream(30000, PARTY, epoch, 30002), peer, clock.now)
    counts = party.counts
    assert counts.packets_in <= packets
    assert sum(isinstance(report, Digit) for report in reports) <= packets
    assert all(report.seconds >= QUIET - 1e-6 for report in reports if isinstance(report, Quiet))
    party.end()
    peer.end()
    recorder.close()
    sent = _wire(peer.rtp).went
    assert len(sent) == peer.counts.packets_out <= counts.packets_in
    for data, target in sent:
        assert target == ("192.0.2.2", 5000)
        assert len(data) >= _RTP.size
        assert data[0] == 0x80
    for data, target in (*_wire(party.rtcp).went, *_wire(peer.rtcp).went):
        assert data[0] & 0xC0 == 0x80
        assert target in (NEIGHBOUR, STRANGER, ("192.0.2.2", 5001))


def _stream(port: int, at: tuple[str, int], epoch: int, peer: int) -> Stream:
    return Stream(port, at[0], at[1], at[1] + 1, epoch, FORMATS, True, peer, NUMBERS, True)


def _wire(sock: object) -> Wire:
    assert isinstance(sock, Wire)
    return sock
