"""Tones: made, written into files, and found again in what was heard."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Mono, from -1 to 1."""

OTHER: Final = 0.0
"""What `tone_of` calls sound that is none of the tones."""

_LEVEL = 0.25
_SILENT = 0.003
"""RMS below which nobody hears anything (-50 dBFS)."""
_PURE = 0.8
"""How much of a sound has to be a tone to be called so; G.711 and G.722 leave more than that even of 20 ms."""


@dataclass(frozen=True)
class Sound:
    """Mono sound, `rate` samples in a second."""

    rate: int
    samples: Samples

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.rate

    def after(self, seconds: float) -> "Sound":
        """What follows after so many seconds."""
        return Sound(self.rate, self.samples[round(seconds * self.rate) :])

    def first(self, seconds: float) -> "Sound":
        """The beginning of it."""
        return Sound(self.rate, self.samples[: round(seconds * self.rate)])

    def last(self, seconds: float) -> "Sound":
        """The end of it."""
        return Sound(self.rate, self.samples[max(0, len(self.samples) - round(seconds * self.rate)) :])

    @property
    def rms(self) -> float:
        """How loud it is: 1 would be a square wave of full scale, 0 is silence."""
        return float(np.sqrt(np.mean(np.square(self.samples)))) if len(self.samples) else 0.0

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s at {self.rate} Hz, RMS {self.rms:.3f}"


def sine(hz: float, seconds: float, rate: int, *, start: float = 0.0) -> Samples:
    """So many seconds of a tone at -15 dBFS, from so many seconds after its beginning; 0 Hz is silence."""
    moments = start + np.arange(round(seconds * rate)) / rate
    return (_LEVEL * np.sin(2 * np.pi * hz * moments)).astype(np.float32)


def sound_file(path: Path, parts: Iterable[tuple[float, float]], *, rate: int = 16000, channels: int = 1) -> Path:
    """Write tones one after the other, each as (Hz, seconds), 0 Hz for silence; the suffix says in which format."""
    mono = np.concatenate([sine(hz, seconds, rate) for hz, seconds in parts])
    soundfile.write(path, np.tile(mono[:, None], channels), rate)
    return path


def strength(sound: Sound, hz: float) -> float:
    """The share of a sound's power that is a sine of `hz`, from 0 (none, or silence) to 1 (nothing else).

    Neighbours closer than about 1 / `sound.seconds` Hz are taken for it.
    """
    values: NDArray[Any] = sound.samples.astype(np.float64)
    power = float(values @ values)
    if not power:
        return 0.0
    found = abs(values @ np.exp(-2j * np.pi * hz / sound.rate * np.arange(len(values))))
    return float(2 * found**2 / (len(values) * power))


def tone_of(sound: Sound, tones: Iterable[float]) -> float | None:
    """Which of these tones a sound is; None for silence, OTHER for anything else."""
    if sound.rms < _SILENT:
        return None
    share, hz = max(((strength(sound, hz), hz) for hz in tones), default=(0.0, OTHER))
    return hz if share > _PURE else OTHER
