"""One party of the child, at its port pair: an RTP and an RTCP socket."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import NamedTuple

from ..frames import FRAME_BYTES
from ..g711 import ALAW_TO_ULAW, ULAW_TO_ALAW
from .budget import Budget
from .digits import Digits, Pressed
from .outgoing import HEADER, Outgoing
from .player import Player
from .reception import Reception
from .recorder import Recorder
from .reporter import Reporter
from .rtp import plain
from .seam import Seam
from .sockets import Sockets, connect, disconnect, drain
from .source import Address, Source
from .timers import Timers
from .wire import Digit, Freed, Play, Report, Silent, Stream

_MOST = 2048
_LAWS = {"a": ULAW_TO_ALAW, "u": ALAW_TO_ULAW, "": None}
_PLAYED_CLOCK = 8000
_G722 = "g722"

PACKETS = (250, 300)
"""How many packets of a party are taken a second, and at once: more than phones send, even after a stall of some
seconds. It also ends loops, into which somebody may lead us by naming our own ports as his.
"""
KEYS = (30, 50)
"""Likewise of keys; each is told to the process that does SIP."""

_packet = bytearray(_MOST)  # one for all: a packet is sent on before the next one is read
_view = memoryview(_packet)


class _Format(NamedTuple):
    """What is done with packets of one payload type."""

    name: str
    clock: int
    voice: int
    """The clock again; 0 for named events, whose time stamps stand still."""
    number: int | None
    """Payload type towards the peer; None where it is not passed on."""
    law: bytes | None
    """Table that turns the payload into the other G.711 law."""


_UNKNOWN = [_Format("", 0, 0, None, None)] * 128


class Pair:
    """A party. It is read from the first `tell` on; after `end` its ports may belong to another one."""

    __slots__ = (
        "_budget",
        "_connected",
        "_digits",
        "_disconnects",
        "_dropped",
        "_epoch",
        "_formats",
        "_heard",
        "_heard_at",
        "_keys",
        "_listens",
        "_lost",
        "_octets_in",
        "_outgoing",
        "_packets_in",
        "_played",
        "_reception",
        "_report",
        "_reporter",
        "_reports_at",
        "_seam",
        "_sockets",
        "_source",
        "_tapes",
        "_timers",
        "_told",
        "_watched",
        "peer",
        "player",
        "port",
        "rtcp",
        "rtp",
    )

    def __init__(self, sockets: Sockets, grace: float, timers: Timers, report: Callable[[Report], None]) -> None:
        self.port = sockets.port
        self.peer: Pair | None = None
        self.player: Player | None = None
        """While there is one, the peer is not heard."""
        self.rtp, self.rtcp = sockets.rtp, sockets.rtcp
        self._sockets = sockets
        self._connected: Address | None = None
        """Where all that is read came from: the kernel sees to it."""
        self._disconnects = False
        """Whether the RTP socket hears one address only, or may soon."""
        self._timers = timers
        self._report = report
        self._source = Source(grace)
        self._reporter = Reporter(self.rtcp, grace)
        self._outgoing = Outgoing()
        self._seam: Seam | None = None
        self._reception: Reception | None = None
        self._budget = Budget(*PACKETS)
        self._keys = Budget(*KEYS)
        self._digits: Digits | None = None
        self._tapes: tuple[tuple[Recorder, int], ...] = ()
        self._formats = _UNKNOWN
        self._epoch: int | None = None
        self._listens = self._watched = self._told = self._heard = False
        self._heard_at = self._reports_at = 0.0
        self._played = 0
        self._packets_in = self._octets_in = self._dropped = self._lost = 0

    @property
    def counts(self) -> Freed:
        """What was counted so far."""
        reception, outgoing = self._reception, self._outgoing
        return Freed(
            self.port,
            self._packets_in,
            self._octets_in,
            outgoing.packets,
            outgoing.octets,
            self._dropped,
            self._lost + (max(0, reception.lost) if reception is not None else 0),
            1000 * reception.jitter if reception is not None else 0.0,
            self._reporter.lost,
        )

    def readers(self) -> Iterator[tuple[int, Callable[[], None]]]:
        """The file descriptors to wait for, and what to call when they are readable: takes one datagram each."""
        yield (self.rtp.fileno(), self._read_rtp)
        yield (self.rtcp.fileno(), self._read_rtcp)

    def tell(self, stream: Stream, peer: "Pair | None", now: float) -> bool:
        """Take the party's state. True the first time: the pair is to be read from now on."""
        first = self._epoch is None
        if first:
            drain(self.rtp)
            drain(self.rtcp)
            self._reports_at = now + self._reporter.pause() / 2
        if stream.epoch != self._epoch:
            self._epoch = stream.epoch
            self._disconnect()
            self._source.signal(self._sockets.address(stream.host, stream.rtp))
            self._reporter.signal(self._sockets.address(stream.host, stream.rtcp))
        self.peer = peer
        self._listens = stream.listens
        self._formats = _formats(stream)
        if stream.watch and not self._watched:
            self._heard_at = now
            self._told = False
        self._watched = stream.watch
        return first

    def play(self, play: Play, due: float) -> None:
        """Let the party hear this from `due` on, or go on with it if it is being played; no items: stop."""
        player = self.player
        if play.items and play.number == self._played:
            if player is not None:
                player.use(play.payload, play.file)
            return
        if player is not None:
            player.stop()
        self.player = None
        if play.items:
            self._played = play.number
            self.player = Player(play, due, self, self._report)
            self._timers.at(due, partial(self._perform, self.player))

    def record(self, recorder: Recorder, channels: Iterable[int]) -> None:
        """Put what the party says on these channels of a tape from now on; none: no more."""
        others = tuple(tape for tape in self._tapes if tape[0] is not recorder)
        self._tapes = others + tuple((recorder, channel) for channel in channels)

    def look(self, now: float, limit: float) -> None:
        """To be called now and then: tell when the party has been silent for more than `limit` seconds, 0 for never,
        and when a key must have been let go; have strangers kept off; report.
        """
        if self._heard and self._connected is None and self._sockets.connectable:
            settled = self._source.settled
            if settled is not None:
                self._disconnects = True
                if connect(self.rtp, settled):
                    self._connected = settled
        if self._digits is not None:
            self._press(self._digits.expire(now), now)
        if now >= self._reports_at:
            self._reporter.write(self._outgoing, self._reception, now)
            self._reports_at = now + self._reporter.pause()
        if self._heard:
            self._heard = self._told = False
            self._heard_at = now
        elif self._watched and not self._told and now - self._heard_at > limit > 0:
            self._told = True
            self._report(Silent(self.port, now - self._heard_at, now))

    def end(self) -> None:
        """Take leave of the party: nothing is sent to it or heard of it any more."""
        if self.player is not None:
            self.player.stop()
        if self._epoch is not None:
            self._reporter.write(self._outgoing, self._reception, monotonic(), bye=True)
        self.peer = self.player = None
        self._source.signal(None)
        self._disconnect()

    def speak(self, player: Player, frame: bytes, now: float) -> None:
        """Send a frame of a player."""
        if not self._listens or self._source.target is None:
            self.rest(player)
            return
        _packet[HEADER.size : HEADER.size + FRAME_BYTES] = frame
        size = HEADER.size + FRAME_BYTES
        if player.file == _G722:
            self._mend(player, size)
        self._send(size, player, _PLAYED_CLOCK, player.payload, player.frames, player.frames * FRAME_BYTES, now)

    def rest(self, source: object) -> None:
        """Something of a source is not sent to the party, and was not lost."""
        self._outgoing.rest(source)

    def _read_rtp(self) -> None:
        connected = self._connected
        try:
            if connected is not None:
                octets, origin = self.rtp.recv_into(_packet), connected
            else:
                octets, origin = self.rtp.recvfrom_into(_packet)
        except OSError:
            return
        now = monotonic()
        size = octets if _packet[0] == 0x80 and HEADER.size <= octets < _MOST else plain(_packet, octets)
        source = self._source
        if (
            not size
            or octets == _MOST
            or not (origin == source.learned or source.admits(origin, now))
            or not self._budget.takes(now)
        ):
            self._dropped += 1
            return
        self._heard = True
        self._packets_in += 1
        self._octets_in += octets
        _, mark, sequence, timestamp, ssrc = HEADER.unpack_from(_packet)
        name, clock, voice, number, law = self._formats[mark & 0x7F]
        reception = self._reception
        if voice or reception is None or ssrc == reception.ssrc:
            if reception is None or ssrc != reception.ssrc or not reception.take(sequence, timestamp, voice, now):
                reception = self._begin(ssrc, sequence, timestamp, voice, now)
                if reception is None:
                    self._dropped += 1
                    return
            speaker: object = reception
        else:  # keys from another source than the voice, which goes on beside them
            speaker = ssrc
        if not voice:
            if clock:
                self._digits = self._digits or Digits()
                self._press(self._digits.take(_packet[HEADER.size : size], ssrc, timestamp, clock, now), now)
        elif self._tapes:
            payload = bytes(_packet[HEADER.size : size])
            for tape, channel in self._tapes:
                tape.put(channel, name, now, timestamp, payload)
        peer = self.peer
        if peer is None or number is None or peer.player is not None:
            self._dropped += 1
            if peer is not None:
                peer.rest(speaker)
            return
        if law is not None:
            _packet[HEADER.size : size] = _packet[HEADER.size : size].translate(law)
        elif name == _G722:
            peer._mend(speaker, size)
        peer._send(size, speaker, voice, mark & 0x80 | number, sequence, timestamp, now)

    def _mend(self, source: object, size: int) -> None:
        """See to it that G.722 of another source than before is heard without a bang."""
        if self._seam is None:
            self._seam = Seam()
        _packet[HEADER.size : size] = self._seam.mend(source, bytes(_packet[HEADER.size : size]))

    def _send(
        self, size: int, source: object, clock: int, mark: int, sequence: int, timestamp: int, now: float
    ) -> None:
        """Send what is behind the header in `_packet` to the party, as the next packet of this source."""
        target = self._source.target
        outgoing = self._outgoing
        if target is None or not outgoing.stamp(_packet, source, clock, mark, sequence, timestamp, now):
            return
        packet = _view[:size]
        try:
            if self._connected is not None:
                self.rtp.send(packet)
            else:
                self.rtp.sendto(packet, target)
        except ConnectionRefusedError:  # said of a packet before, by ICMP, in place of sending this one
            with suppress(OSError):
                self.rtp.sendto(packet, target)
        except OSError:
            return
        outgoing.packets += 1
        outgoing.octets += size

    def _disconnect(self) -> None:
        """Hear everybody again."""
        if self._disconnects:
            disconnect(self.rtp)
            self._disconnects = False
            self._connected = None

    def _begin(self, ssrc: int, sequence: int, timestamp: int, clock: int, now: float) -> Reception | None:
        """Another source than before has begun, or the same one anew; None for a packet that is only astray."""
        before = self._reception
        if before is not None:
            if before.ssrc == ssrc and not before.restarts(sequence):
                return None
            self._lost += max(0, before.lost)
        self._reception = reception = Reception(ssrc, sequence)
        reception.take(sequence, timestamp, clock, now)
        return reception

    def _press(self, keys: Iterable[Pressed], now: float) -> None:
        for digit, seconds in keys:
            if self._keys.takes(now):
                self._report(Digit(self.port, digit, seconds, now))

    def _perform(self, player: Player, now: float) -> float | None:
        due = player.tick(now)
        if due is None and player is self.player:
            self.player = None
        return due

    def _read_rtcp(self) -> None:
        self._reporter.read(self._outgoing)


def _formats(stream: Stream) -> list[_Format]:
    """What is done with each payload type."""
    passed = {received: (sent, _LAWS[law]) for received, sent, law in stream.numbers}
    formats = _UNKNOWN.copy()
    for payload, name, clock in stream.formats:
        voice = 0 if name == "telephone-event" else clock
        formats[payload] = _Format(name, clock, voice, *passed.get(payload, (None, None)))
    return formats
