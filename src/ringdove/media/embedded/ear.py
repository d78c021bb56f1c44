"""Whether somebody speaks, on the tape of a recording. Pure: the clock is passed in."""

import sys
from collections.abc import Callable

from G722 import G722

from ..g711 import ALAW, ULAW
from ..loudness import LOUD, QUIET_UPPER, SHARE
from .wire import Quiet, Report

_QUIET = {
    codec: bytes(octet for octet, sample in enumerate(samples) if -LOUD <= sample < LOUD)
    for codec, samples in (("pcmu", ULAW), ("pcma", ALAW))
}
"""Octets of G.711 that are not loud."""
_UPPER = 1 if sys.byteorder == "little" else 0


class Ear:
    """Listens to one channel."""

    __slots__ = ("_decoder", "_loud")

    def __init__(self) -> None:
        self._decoder: G722 | None = None
        self._loud = False

    def hears(self, codec: str, payload: bytes) -> bool:
        """Whether this packet and the one before are loud. Opus cannot be judged and is not."""
        before, self._loud = self._loud, self._is_loud(codec, payload)
        return before and self._loud

    def _is_loud(self, codec: str, payload: bytes) -> bool:
        quiet = _QUIET.get(codec)
        if quiet is not None:
            return len(payload.translate(None, quiet)) > SHARE * len(payload)
        if codec != "g722":
            return False
        if self._decoder is None:
            self._decoder = G722(16_000, 64_000)
        upper = self._decoder.decode(payload).tobytes()[_UPPER::2]
        return len(upper.translate(None, QUIET_UPPER)) > SHARE * len(upper)


class Vigil:
    """Waits until nobody on a tape has spoken for `limit` seconds, from `now` on."""

    def __init__(self, tape: str, limit: float, channels: int, now: float, report: Callable[[Report], None]) -> None:
        self._tape = tape
        self._limit = limit
        self._ears = [Ear() for _ in range(channels)]
        self._spoke_at = now
        self._told = self._over = False
        self._report = report

    def hear(self, channel: int, codec: str, at: float, payload: bytes) -> None:
        """A packet came."""
        if self._ears[channel].hears(codec, payload):
            self._spoke_at = at
            self._told = False

    def look(self, now: float) -> float | None:
        """Tell if it is time to; returns when to look again. A `timers.Timed`."""
        if self._over:
            return None
        due = self._spoke_at + self._limit
        if due > now:
            return due
        if not self._told:
            self._told = True
            self._report(Quiet(self._tape, now - self._spoke_at, now))
        return now + self._limit

    def end(self) -> None:
        """Nothing more is told."""
        self._over = True
