"""The one RTP stream that a party hears, whoever speaks (ADR 0009). Pure: the clock is passed in."""

from os import urandom
from struct import Struct

HEADER = Struct("!BBHII")
"""Version and flags, marker and payload type, sequence number, time stamp, SSRC (RFC 3550 §5.1)."""
FRAME = 0.02
"""Seconds of sound in a packet, by which a new source's first time stamp is above the last one at the least."""
MARKER = 0x80


class Outgoing:
    """Numbers packets of changing sources as one stream.

    As long as the source is the same, sequence numbers and time stamps are its own, moved by a fixed distance, so
    that what was lost or reordered on the way to us is lost or reordered to the party as well. Where it changes, the
    sequence goes on without a jump, time stamps by the wall clock, and the marker says that a talkspurt begins. Another
    clock rate gets another SSRC (RFC 7160 §4.1).
    """

    __slots__ = (
        "_at",
        "_before",
        "_clock",
        "_first",
        "_highest",
        "_sequence_shift",
        "_source",
        "_timestamp",
        "_timestamp_shift",
        "octets",
        "packets",
        "ssrc",
    )

    def __init__(self) -> None:
        self.packets = self.octets = 0
        """What was sent, headers included: whoever sends counts it."""
        self._source: object = None
        self._sequence_shift = self._timestamp_shift = 0
        self._first = self._highest = 0
        self._renew(8000)

    def stamp(
        self, packet: bytearray, source: object, clock: int, mark: int, sequence: int, timestamp: int, now: float
    ) -> bool:
        """Write the header of a packet that goes out now into its first twelve octets.

        `source`: any object, the same for all packets of one source. `clock`: rate of the time stamp; 0 for a named
        event (RFC 4733), whose stamp says when it began, on the clock of the voice around it. `mark`: marker and
        payload type. `sequence`, `timestamp`: the source's own. False for a packet older than the first one that was
        sent of its source: it has no place in the stream.
        """
        if source is not self._source or (clock != self._clock and clock):
            self._change(source, clock or self._clock, sequence, timestamp, now)
            mark |= MARKER
        step = (sequence + self._sequence_shift - self._highest) & 0xFFFF
        if step < 0x8000:
            self._highest += step
            if clock:
                self._timestamp = timestamp
                self._at = now
        elif self._highest + step - 0x10000 < self._first:
            return False
        HEADER.pack_into(
            packet,
            0,
            0x80,
            mark,
            (sequence + self._sequence_shift) & 0xFFFF,
            (timestamp + self._timestamp_shift) & 0xFFFFFFFF,
            self.ssrc,
        )
        return True

    def rest(self, source: object) -> None:
        """Something of a source is not sent: if it was to go on, its next packet is the begin of a talkspurt."""
        if source is self._source:
            self._source = None

    def clocked(self, now: float) -> int:
        """The time stamp that a packet of this moment would have."""
        passed = round((now - self._at) * self._clock)
        return (self._timestamp + self._timestamp_shift + passed) & 0xFFFFFFFF

    @property
    def sent(self) -> tuple[int, int]:
        """Packets and octets of payload that were sent under this SSRC."""
        packets, octets = self.packets - self._before[0], self.octets - self._before[1]
        return packets, octets - packets * HEADER.size

    def _change(self, source: object, clock: int, sequence: int, timestamp: int, now: float) -> None:
        if clock != self._clock:
            self._renew(clock)
        begin = self.clocked(max(now, self._at + FRAME))
        self._source = source
        self._first = self._highest = self._highest + 1
        self._sequence_shift = self._first - sequence
        self._timestamp_shift = begin - timestamp
        self._timestamp = timestamp
        self._at = now

    def _renew(self, clock: int) -> None:
        """A stream of its own, which begins anywhere."""
        self._before = (self.packets, self.octets)
        self._clock = clock
        self.ssrc = int.from_bytes(urandom(4), "big")
        self._first = self._highest = int.from_bytes(urandom(2), "big")
        self._timestamp = int.from_bytes(urandom(4), "big")
        self._timestamp_shift = 0
        self._at = 0.0
