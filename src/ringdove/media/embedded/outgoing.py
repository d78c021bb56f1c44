"""The one RTP stream that a party hears, whoever speaks (ADR 0009). Pure: the clock is passed in."""

from os import urandom
from struct import Struct

_BEGIN = Struct("!IHI")
HEADER = Struct("!BBHII")
"""Version and flags, marker and payload type, sequence number, time stamp, SSRC (RFC 3550 §5.1)."""
FRAME = 0.02
"""Seconds of sound in a packet, by which a new source's first time stamp is above the last one at the least."""
MARKER = 0x80
_HALF = 0x8000
_BEHIND = 0x80000000


class Outgoing:
    """Numbers packets of changing sources as one stream.

    As long as the source is the same, sequence numbers and time stamps are its own, moved by a fixed distance, so
    that what was lost or reordered on the way to us is lost or reordered to the party as well. Where it changes, the
    sequence goes on without a jump, time stamps by the wall clock, and the marker says that a talkspurt begins. Another
    clock rate gets another SSRC (RFC 7160 §4.1). Named events of another source, as some gateways send them, are put
    between the packets of the one that speaks.
    """

    __slots__ = (
        "_at",
        "_before",
        "_clock",
        "_event",
        "_event_timestamp",
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
        self._event: tuple[object, int] | None = None
        """Source and time stamp of the last event that was put between."""
        self._event_timestamp = 0
        self._renew(8000)

    def stamp(
        self, packet: bytearray, source: object, clock: int, mark: int, sequence: int, timestamp: int, now: float
    ) -> bool:
        """Write the header of a packet that goes out now into its first twelve octets.

        `source`: any object, the same for all packets of one source. `clock`: rate of the time stamp; 0 for a named
        event (RFC 4733), whose stamp says when it began, on the clock of the voice around it. `mark`: marker and
        payload type. `sequence`, `timestamp`: the source's own. False for a packet that has no place in the stream: it
        is older than the first one that was sent of its source, or of an event before the last one put between.
        """
        if not clock and self._source is not None and source is not self._source:
            return self._put_between(packet, source, mark, timestamp, now)
        if source is not self._source or (clock != self._clock and clock):
            self._change(source, clock or self._clock, sequence, timestamp, now)
            mark |= MARKER
        step = ((sequence + self._sequence_shift - self._highest + _HALF) & 0xFFFF) - _HALF
        if self._highest + step < self._first:
            return False
        if step >= 0:
            self._highest += step
            if clock:
                self._timestamp = timestamp
                self._at = now
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

    def _put_between(self, packet: bytearray, source: object, mark: int, timestamp: int, now: float) -> bool:
        """Write the header of a named event that is the next packet, after which the source that speaks goes on."""
        if self._event != (source, timestamp):
            stamp = self.clocked(now)
            if self._event is not None:
                before, begun = self._event
                if source == before and (timestamp - begun) & _BEHIND:
                    return False
                if (stamp - self._event_timestamp - 1) & _BEHIND:  # both came at once
                    stamp = (self._event_timestamp + 1) & 0xFFFFFFFF
            self._event = (source, timestamp)
            self._event_timestamp = stamp
        self._highest += 1
        self._sequence_shift += 1
        self._first = self._highest + 1  # what is late now would get a number that is taken
        HEADER.pack_into(packet, 0, 0x80, mark, self._highest & 0xFFFF, self._event_timestamp, self.ssrc)
        return True

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
        self.ssrc, self._first, self._timestamp = _BEGIN.unpack(urandom(_BEGIN.size))
        self._highest = self._first
        self._timestamp_shift = 0
        self._at = 0.0
        self._event = None
