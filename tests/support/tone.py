"""Recorded sound, and how much of it is a given tone."""

import math
import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Sound:
    """Mono sound: `samples` are 16-bit signed, little endian, `rate` of them in a second."""

    rate: int
    samples: bytes

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) // 2 / self.rate

    def after(self, seconds: float) -> "Sound":
        """What follows after so many seconds."""
        return Sound(self.rate, self.samples[2 * round(seconds * self.rate) :])

    def last(self, seconds: float) -> "Sound":
        """The end of it."""
        start = max(0, len(self.samples) // 2 - round(seconds * self.rate))
        return Sound(self.rate, self.samples[2 * start :])

    def values(self) -> tuple[int, ...]:
        """The samples as numbers."""
        count = len(self.samples) // 2
        return struct.unpack(f"<{count}h", self.samples[: 2 * count])

    def __str__(self) -> str:
        loudness = max(map(abs, self.values()), default=0)
        return f"{self.seconds:.2f} s at {self.rate} Hz, peak {loudness}"


def strength(sound: Sound, hz: float) -> float:
    """The share of a sound's power that is a sine of `hz`, from 0 (none, or silence) to 1 (nothing else): Goertzel.

    Neighbours closer than about 1 / `sound.seconds` Hz are taken for it.
    """
    values = sound.values()
    power = sum(value * value for value in values)
    if not power:
        return 0.0
    turn = 2 * math.cos(2 * math.pi * hz / sound.rate)
    before = now = 0.0
    for value in values:
        before, now = now, value + turn * now - before
    found = before * before + now * now - turn * before * now
    return 2 * found / (len(values) * power)
