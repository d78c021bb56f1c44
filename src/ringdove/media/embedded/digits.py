"""Keys that a party presses, out of named telephone events (RFC 4733). Pure: the clock is passed in."""

from collections import deque
from struct import Struct
from typing import NamedTuple

PATIENCE = 0.3
"""Seconds without a packet after which a key counts as let go. Its packets come every 20 to 50 ms."""

_EVENT = Struct("!BBH")
"""Event; end, reserved and volume; duration (§2.3)."""
_KEYS = "0123456789*#ABCD"
_END = 0x80
_LONGEST = 0xFFFF
_HALF = 0x80000000
_REMEMBERED = 4
"""Keys that are over and yet known, so that repetitions of one source's amid another's are not new ones."""


class Pressed(NamedTuple):
    """A key that was let go, and how many seconds it was held."""

    digit: str
    seconds: float


class Digits:
    """Says each key press once: at the first packet that tells its end, or else when another begins or nothing
    comes any more (`expire`). Repetitions and late packets have the time stamp of something that is over.
    """

    __slots__ = ("_at", "_before", "_clock", "_duration", "_event", "_held", "_over", "_since", "_ssrc", "_timestamp")

    def __init__(self) -> None:
        self._held = False
        self._ssrc: int | None = None
        self._timestamp = 0
        """Of the last event that began, over or not."""
        self._over: deque[tuple[int | None, int]] = deque(maxlen=_REMEMBERED)
        """SSRC and time stamp of what is over."""
        self._event = self._clock = self._duration = self._before = 0
        self._since = self._at = 0.0

    def take(self, payload: bytes | bytearray, ssrc: int, timestamp: int, clock: int, now: float) -> list[Pressed]:
        """A packet of a named event; returns the keys that were let go, as is known now: at most two."""
        if len(payload) < _EVENT.size:
            return []
        event, flags, duration = _EVENT.unpack_from(payload)
        if event >= len(_KEYS) or (ssrc, timestamp) in self._over:
            return []
        over: list[Pressed] = []
        ahead = (timestamp - self._timestamp) & 0xFFFFFFFF
        if ahead or ssrc != self._ssrc:
            if ssrc == self._ssrc and ahead >= _HALF:
                return []
            if self._held and ssrc == self._ssrc and event == self._event and ahead == _LONGEST:
                self._before += _LONGEST  # held for longer than a duration can say: the next segment (§2.5.1.3)
            else:
                over = self.end()
                self._before = 0
                self._since = now
            self._held = True
            self._ssrc, self._timestamp, self._clock = ssrc, timestamp, clock
            self._event, self._duration = event, 0
        self._duration = max(self._duration, duration)
        self._at = now
        return over + self.end() if flags & _END else over

    def expire(self, now: float) -> list[Pressed]:
        """The key whose end was lost, once nothing has come for a while."""
        return self.end() if self._held and now - self._at > PATIENCE else []

    def end(self) -> list[Pressed]:
        """The key that is held has been let go."""
        if not self._held:
            return []
        self._held = False
        self._over.append((self._ssrc, self._timestamp))
        seconds = (self._before + self._duration) / self._clock
        if self._duration == _LONGEST:  # no more can be said without a new segment, which not everybody sends
            seconds = max(seconds, self._at - self._since)
        return [Pressed(_KEYS[self._event], seconds)]
