"""Instruments of sines, and what makes a recording of them. Everything is computed, so it is the same every time."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

Wave = NDArray[np.float64]
Instrument = Callable[[float, float], Wave]
"""Given a pitch in Hz and how long it is played in seconds; what it gives may ring on for longer."""
Note = tuple[float, str, float]
"""When in beats, pitch, for how many beats."""

RATE = 32_000
_TOP = 6_500.0
"""Nothing above: telephones carry 3.4 or 7 kHz."""
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def pitch(name: str) -> float:
    """Hz of a pitch such as `A4` or `F#3`, in equal temperament."""
    step = _STEPS[name[0]] + name.count("#") - name.count("b") + 12 * int(name[-1])
    return float(440 * 2 ** ((step - 57) / 12))


def pluck(hz: float, seconds: float) -> Wave:
    """A soft string: harmonics that fade, the higher the sooner."""
    return _partials(hz, ((n, n**-1.7, 1.1 + 0.9 * n) for n in range(1, 9)), min(seconds, 1) + 1.6, attack=0.006)


def marimba(hz: float, seconds: float) -> Wave:
    """A wooden bar: dry and short."""
    return _partials(hz, ((1, 1, 7), (3.93, 0.3, 16), (9.2, 0.08, 30)), min(seconds, 0.5) + 0.6, attack=0.004)


def bell(hz: float, seconds: float) -> Wave:
    """A small bell that rings on."""
    partials = ((1, 1, 1.6), (2, 0.35, 2.4), (2.76, 0.25, 3.2), (5.4, 0.1, 6))
    return _partials(hz, partials, min(seconds, 1) + 2.2, attack=0.004)


def pad(hz: float, seconds: float) -> Wave:
    """Strings from afar: two that are a little apart, swelling and ebbing."""
    length = seconds + 1.2
    both = [_partials(hz * off, ((n, n**-2.0, 0) for n in range(1, 6)), length, attack=0.0) for off in (0.9985, 1.0015)]
    swell = np.minimum(np.linspace(0, length / 0.9, len(both[0])), 1) * np.minimum(
        np.linspace(length / 1.2, 0, len(both[0])), 1
    )
    strings: Wave = np.sin(np.pi / 2 * swell) ** 2 * (both[0] + both[1])
    return strings


def warble(hz: float, seconds: float) -> Wave:
    """Two tones, a third apart, taking turns twenty times a second: an electronic ring."""
    time = np.arange(round(seconds * RATE)) / RATE
    share = 0.5 + 0.5 * np.tanh(4 * np.sin(2 * np.pi * 10 * time))
    tones = share * np.sin(2 * np.pi * hz * time) + (1 - share) * np.sin(2 * np.pi * hz * 1.26 * time)
    return _soften(tones, 0.03)


def clapper(hz: float, seconds: float) -> Wave:
    """The two gongs of an old telephone, struck 25 times a second."""
    length = seconds + 0.8
    wave = np.zeros(round(length * RATE) + RATE)
    for strike in range(round(seconds * 25)):
        gong = _partials(hz * (1, 1.19)[strike % 2], ((1, 1, 9), (2.3, 0.4, 14), (3.6, 0.2, 22)), 0.5, attack=0.002)
        start = round(strike * RATE / 25)
        wave[start : start + len(gong)] += gong
    return wave[: round(length * RATE)]


def drop(hz: float, seconds: float) -> Wave:
    """A drop of water: the pitch goes up while it fades."""
    time = np.arange(round(0.22 * RATE)) / RATE
    phase = 2 * np.pi * hz * (time + 1.6 * time**2)
    return _soften(np.sin(phase) * np.exp(-16 * time), 0.004)


def tone(hz: float, seconds: float) -> Wave:
    """Nothing but the tone, with soft edges."""
    return _soften(np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE), 0.01)


def perform(parts: Iterable[tuple[Instrument, float, Iterable[Note]]], beat: float, beats: float) -> Wave:
    """Instruments, each with its loudness and its notes; `beat` in seconds. What rings on at the end is heard at the
    beginning, so that the whole can be repeated without a seam.
    """
    wave = np.zeros(round(beat * beats * RATE))
    for instrument, level, notes in parts:
        for start, name, length in notes:
            sound = level * instrument(pitch(name), length * beat)
            places = (round(start * beat * RATE) + np.arange(len(sound))) % len(wave)
            np.add.at(wave, places, sound)
    return wave


def room(wave: Wave, share: float = 0.25, seconds: float = 1.2) -> Wave:
    """The sound in a room, going round as `perform` does."""
    noise = np.random.default_rng(1871).standard_normal(round(seconds * RATE))
    echo = np.zeros(len(wave))
    echo[: len(noise)] = noise * np.exp(-np.linspace(0, 7, len(noise)))
    spectrum = np.fft.rfft(echo)
    frequencies = np.fft.rfftfreq(len(wave), 1 / RATE)
    spectrum *= np.exp(-((frequencies / 2500) ** 2)) * (1 - np.exp(-((frequencies / 200) ** 2)))
    wet: Wave = np.fft.irfft(np.fft.rfft(wave) * spectrum, len(wave))
    return wave + share * _rms(wave) / _rms(wet) * wet


def level(wave: Wave, *, rms: float, peak: float = -3.0) -> Wave:
    """As loud as that (dBFS), or less where it would have peaks above `peak`."""
    wanted = 10 ** (rms / 20) / _rms(wave)
    most = 10 ** (peak / 20) / float(np.max(np.abs(wave)))
    return wave * min(wanted, most)


def _rms(wave: Wave) -> float:
    return float(np.sqrt(np.mean(wave**2)))


def _partials(hz: float, partials: Iterable[tuple[float, float, float]], seconds: float, *, attack: float) -> Wave:
    """Sines at multiples of a pitch, each with its loudness and how fast it fades (1/s), ending in silence."""
    time = np.arange(round(seconds * RATE)) / RATE
    wave = np.zeros(len(time))
    for multiple, loud, fading in partials:
        if hz * multiple < _TOP:
            wave += loud * np.exp(-fading * time) * np.sin(2 * np.pi * hz * multiple * time)
    return _soften(wave, attack, 0.3)


def _soften(wave: Wave, attack: float, release: float | None = None) -> Wave:
    """Edges of so many seconds, in the shape of half a cosine."""
    wave = wave.copy()
    for edge, seconds in ((wave, attack), (wave[::-1], attack if release is None else release)):
        length = min(len(wave), round(seconds * RATE))
        edge[:length] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(length) / max(1, length))
    return wave
