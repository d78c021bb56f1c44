"""Where a party certainly is, the kernel keeps strangers off: port pairs on real sockets, on a clock of ours."""

import select
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from ringdove.media.embedded.pair import Pair
from ringdove.media.embedded.timers import Timers
from ringdove.media.embedded.wire import Report, Stream

GRACE = 0.5
PORT, LISTENERS = 42920, 42922


class Phone:
    """An RTP socket."""

    def __init__(self, host: str, port: int = 0) -> None:
        self.rtp = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp.setblocking(False)
        self.rtp.bind((host, port))
        self.host: str = host
        self.port: int = self.rtp.getsockname()[1]
        self._sent = 0

    def say(self, word: bytes, host: str, port: int) -> None:
        self._sent += 1
        header = struct.pack("!BBHII", 0x80, 0, self._sent, 160 * self._sent, self.port)
        self.rtp.sendto(header + word, (host, port))

    def hear(self) -> list[bytes]:
        """What has come since this was asked last."""
        words = []
        with suppress(BlockingIOError):
            while True:
                words.append(self.rtp.recv(2048)[12:])
        return words


class Line:
    """The pair of a party, that of a listener who is bridged to it, and a stranger."""

    def __init__(self, stack: ExitStack, host: str, bound: str) -> None:
        self.now = 1000.0
        self._stack = stack
        self._host = host
        self.party, self.stranger, self.listener = self.phone(), self.phone(), self.phone()
        reports: list[Report] = []
        timers = Timers()
        self.pair = Pair(bound, PORT, GRACE, timers, reports.append)
        stack.callback(self.pair.close)
        self._listeners = Pair(bound, LISTENERS, GRACE, timers, reports.append)
        stack.callback(self._listeners.close)
        self._tell(self._listeners, self.listener, 1, self.pair)
        self.signal(self.party, epoch=1)

    def phone(self, port: int = 0) -> Phone:
        """One more."""
        phone = Phone(self._host, port)
        self._stack.callback(phone.rtp.close)
        return phone

    def signal(self, party: Phone, epoch: int) -> None:
        """The party says where it is."""
        self._tell(self.pair, party, epoch, self._listeners)

    def _tell(self, pair: Pair, party: Phone, epoch: int, peer: Pair) -> None:
        formats, numbers = [(0, "pcmu", 8000)], [(0, 0, "")]
        place = (pair.port, party.host, party.port, party.port + 1, epoch)
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


@pytest.fixture(params=["127.0.0.1", "::1"])
def line(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    with ExitStack() as stack:
        line = Line(stack, request.param, request.param)
        monkeypatch.setattr("ringdove.media.embedded.pair.monotonic", lambda: line.now)
        yield line


@pytest.fixture
def certain(line: Line) -> Line:
    """The party was heard from where it said it is."""
    assert line.passes_on(line.party, b"hello")
    line.look()
    assert line.refuses_strangers()
    return line


def test_strangers_are_kept_off_from_when_the_party_was_heard_where_it_said_it_is(line: Line) -> None:
    line.look()
    assert not line.refuses_strangers()
    assert line.passes_on(line.party, b"hello")
    assert not line.refuses_strangers()
    line.look()
    dropped = line.pair.counts.dropped
    assert not line.passes_on(line.stranger, b"stranger")
    assert line.passes_on(line.party, b"still here")
    assert line.pair.counts.dropped == dropped
    assert line.refuses_strangers()


def test_what_a_stranger_said_just_before_is_not_heard_after(line: Line) -> None:
    assert line.passes_on(line.party, b"hello")
    line.say(line.stranger, b"stranger")
    line.say(line.party, b"still here")
    line.look()
    line.read(2)
    assert line.listener.hear() == [b"still here"]
    assert line.pair.counts.dropped == 1
    line.look()
    assert line.passes_on(line.party, b"and on")
    assert line.refuses_strangers()


@pytest.mark.parametrize("queued", [False, True])
def test_a_party_that_moves_is_heard_and_its_old_place_is_a_strangers(line: Line, queued: bool) -> None:
    moved = line.phone()
    assert line.passes_on(line.party, b"hello")
    if queued:
        line.say(line.stranger, b"stranger")
    line.look()
    line.signal(moved, epoch=2)
    line.read()
    assert line.passes_on(moved, b"moved")
    assert not line.passes_on(line.party, b"old place")
    line.look()
    assert line.passes_on(moved, b"and on")
    assert line.refuses_strangers()


def test_where_the_party_is_learned_anew_another_source_may_be_the_party(certain: Line) -> None:
    certain.signal(certain.party, epoch=2)
    assert not certain.passes_on(certain.stranger, b"outside")
    certain.now += GRACE
    assert certain.passes_on(certain.stranger, b"outside")


def test_behind_nat_the_way_is_left_open_for_the_address_that_was_signalled(line: Line) -> None:
    outside = line.phone()
    assert not line.passes_on(outside, b"outside")
    line.now += GRACE
    assert line.passes_on(outside, b"outside")
    line.look()
    dropped = line.pair.counts.dropped
    assert not line.passes_on(line.stranger, b"stranger")
    assert line.pair.counts.dropped == dropped + 1
    assert line.passes_on(line.party, b"as signalled")
    line.look()
    assert line.refuses_strangers()


def test_a_party_whose_port_was_closed_hears_the_first_packet_after_it_is_back(certain: Line) -> None:
    certain.party.rtp.close()
    for _ in range(3):
        certain.speak(b"nobody hears")
    back = certain.phone(certain.party.port)
    certain.speak(b"welcome back")
    assert back.hear() == [b"welcome back"]
    assert certain.pair.counts.packets_out == 4
    assert certain.passes_on(back, b"thank you")


def test_a_closed_port_wakes_us_once_for_a_packet_and_ends_nothing(certain: Line) -> None:
    certain.party.rtp.close()
    with select.epoll() as poll:
        poll.register(certain.pair.rtp.fileno(), select.EPOLLIN)
        for _ in range(3):
            certain.speak(b"nobody hears")
            assert len(poll.poll(0)) == 1
            certain.read()
            assert not poll.poll(0)
    assert certain.passes_on(certain.phone(certain.party.port), b"back")


def test_bound_to_all_our_addresses_a_party_is_heard_at_any_of_them() -> None:
    with ExitStack() as stack:
        line = Line(stack, "127.0.0.1", "0.0.0.0")
        for word in (b"hello", b"and on"):
            line.party.say(word, "127.0.0.2", PORT)
            line.read()
            assert line.listener.hear() == [word]
            line.look()
