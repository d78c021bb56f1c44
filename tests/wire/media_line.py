"""Port pairs of the media process on real sockets, on a clock of ours."""

import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import pytest

from ringdove.media.embedded.pair import Pair
from ringdove.media.embedded.sockets import Sockets
from ringdove.media.embedded.timers import Timers
from ringdove.media.embedded.wire import Report, Stream
from support.ports import audio_ports, free_port

GRACE = 0.5
PORT, LISTENERS = audio_ports(2)[::2]
VOICE, EVENT = 0, 101


def rtp(mark: int, sequence: int, timestamp: int, ssrc: int, body: bytes) -> bytes:
    """A packet."""
    return struct.pack("!BBHII", 0x80, mark, sequence % 65536, timestamp % (1 << 32), ssrc) + body


class Phone:
    """An RTP socket, on a port that nobody else gets once it is closed."""

    def __init__(self, host: str, port: int = 0) -> None:
        self.rtp = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp.setblocking(False)
        self.rtp.bind((host, port or free_port()))
        self.host: str = host
        self.port: int = self.rtp.getsockname()[1]
        self._sent = 0

    def say(self, word: bytes, host: str, port: int) -> None:
        self._sent += 1
        self.send(rtp(VOICE, self._sent, 160 * self._sent, self.port, word), host, port)

    def send(self, packet: bytes, host: str, port: int) -> None:
        self.rtp.sendto(packet, (host, port))

    def hear(self) -> list[bytes]:
        """What was said since this was asked last."""
        return [packet[12:] for packet in self.receive()]

    def receive(self) -> list[bytes]:
        """The packets that have come since."""
        packets = []
        with suppress(BlockingIOError):
            while True:
                packets.append(self.rtp.recv(2048))
        return packets


class Line:
    """The pair of a party, that of a listener who is bridged to it, and a stranger."""

    def __init__(self, stack: ExitStack, host: str, bound: str) -> None:
        self.now = 1000.0
        self._stack = stack
        self._host = host
        self.party, self.stranger, self.listener = self.phone(), self.phone(), self.phone()
        self.reports: list[Report] = []
        """What was told to the process that does SIP."""
        timers = Timers()
        self.pair, self._listeners = (
            Pair(stack.enter_context(closing(Sockets(bound, port))), GRACE, timers, self.reports.append)
            for port in (PORT, LISTENERS)
        )
        self._tell(self._listeners, self.listener.port, 1, self.pair)
        self.signal(self.party, epoch=1)

    def phone(self, port: int = 0) -> Phone:
        """One more."""
        phone = Phone(self._host, port)
        self._stack.callback(phone.rtp.close)
        return phone

    def signal(self, party: Phone, epoch: int) -> None:
        """The party says where it is."""
        self._tell(self.pair, party.port, epoch, self._listeners)

    def name_our_own_ports(self) -> None:
        """Both say that they are where the other one's packets go out."""
        self._tell(self.pair, LISTENERS, 2, self._listeners)
        self._tell(self._listeners, PORT, 2, self.pair)

    def _tell(self, pair: Pair, party: int, epoch: int, peer: Pair) -> None:
        formats = [(VOICE, "pcmu", 8000), (EVENT, "telephone-event", 8000)]
        numbers = [(VOICE, VOICE, ""), (EVENT, EVENT, "")]
        place = (pair.port, self._host, party, party + 1, epoch)
        pair.tell(Stream(*place, formats, True, peer.port, numbers, False), peer, self.now)

    def say(self, phone: Phone, word: bytes) -> None:
        """A packet to the party's port, which is not read yet."""
        phone.say(word, phone.host, PORT)

    def read(self, datagrams: int = 1) -> None:
        """Take so many in at the party's port, if there are as many."""
        (_, read), _ = self.pair.readers()
        for _ in range(datagrams):
            read()

    def passes_on(self, phone: Phone, word: bytes) -> bool:
        """Whether the listener hears what a phone says to the party's port now."""
        self.say(phone, word)
        self.read()
        return self.listener.hear() == [word]

    def speak(self, word: bytes) -> None:
        """The listener says something to the party."""
        self.listener.say(word, self.listener.host, LISTENERS)
        (_, read), _ = self._listeners.readers()
        read()

    def look(self) -> None:
        """Some time has passed."""
        self.pair.look(self.now, 0.0)

    def refuses_strangers(self) -> bool:
        """Whether the kernel tells them that nobody is there."""
        with socket.socket(self.stranger.rtp.family, socket.SOCK_DGRAM) as sock:
            sock.connect((self._host, PORT))
            try:
                sock.send(b"anybody there?")
                sock.send(b"anybody there?")
            except ConnectionRefusedError:
                return True
        self.read(2)
        return False


@contextmanager
def line_at(host: str) -> Iterator[Line]:
    """A line whose clock is `now`."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        line = Line(stack, host, host)
        patch.setattr("ringdove.media.embedded.pair.monotonic", lambda: line.now)
        yield line
