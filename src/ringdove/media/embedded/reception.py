"""How well one source is received (RFC 3550 appendices A.1, A.3, A.8). Pure: the clock is passed in."""

from typing import NamedTuple

MAX_DROPOUT = 3000
MAX_MISORDER = 100


class Block(NamedTuple):
    """What a receiver says of a source (RFC 3550 §6.4.1)."""

    ssrc: int
    fraction: int
    """Lost since the report before, in 256ths."""
    lost: int
    """Lost since the beginning; less than nothing where packets came twice."""
    highest: int
    """Highest sequence number, with how often it went round in the upper 16 bits."""
    jitter: int
    """In units of the time stamp."""


class Reception:
    """One synchronisation source, from its first packet on. A source that begins anew is another one."""

    __slots__ = (
        "_at",
        "_clock",
        "_doubtful",
        "_expected_before",
        "_first",
        "_highest",
        "_jitter",
        "_received",
        "_received_before",
        "_timestamp",
        "ssrc",
    )

    def __init__(self, ssrc: int, sequence: int) -> None:
        self.ssrc = ssrc
        self._first = self._highest = sequence
        self._received = self._expected_before = self._received_before = 0
        self._doubtful: int | None = None
        self._clock = self._timestamp = 0
        self._at = self._jitter = 0.0

    def take(self, sequence: int, timestamp: int, clock: int, now: float) -> bool:
        """Count a packet. `clock`: rate of its time stamp, 0 where that is not to be judged. False when the number is
        too far off to be of this source's sequence: see `restarts`.
        """
        step = (sequence - self._highest) & 0xFFFF
        if step < MAX_DROPOUT:
            self._highest += step
        elif step <= 0x10000 - MAX_MISORDER:
            return False
        self._received += 1
        if clock:
            if clock == self._clock:
                moved = (timestamp - self._timestamp) & 0xFFFFFFFF
                if moved & 0x80000000:
                    moved -= 0x100000000
                off = abs((now - self._at) * clock - moved)
                if off < clock:  # a stamp that is seconds off has been set anew
                    self._jitter += (off - self._jitter) / 16
            self._clock = clock
            self._timestamp = timestamp
            self._at = now
        return True

    def restarts(self, sequence: int) -> bool:
        """Whether a packet that was not taken follows another such: the source has begun anew (A.1)."""
        if sequence == self._doubtful:
            return True
        self._doubtful = (sequence + 1) & 0xFFFF
        return False

    @property
    def lost(self) -> int:
        """Packets that did not come; less than nothing where some came twice."""
        return self._highest - self._first + 1 - self._received

    @property
    def jitter(self) -> float:
        """How much the time between packets varies, smoothed, in seconds."""
        return self._jitter / self._clock if self._clock else 0.0

    def report(self) -> Block:
        """What is to be said to the source now; the fraction is of the time since this was last asked."""
        expected = self._highest - self._first + 1
        awaited = expected - self._expected_before
        missing = awaited - (self._received - self._received_before)
        self._expected_before, self._received_before = expected, self._received
        fraction = min(255, (missing << 8) // awaited) if missing > 0 else 0
        return Block(self.ssrc, fraction, self.lost, self._highest & 0xFFFFFFFF, int(self._jitter))
