"""Makes the sounds that come with Ringdove, in src/ringdove/media/sounds. Needs Debian's espeak-ng for the speech.

All of it is composed and computed here; nothing is taken from elsewhere.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr
from instruments import (
    RATE,
    Instrument,
    Note,
    Wave,
    bell,
    clapper,
    drop,
    level,
    marimba,
    pad,
    perform,
    pluck,
    room,
    tone,
    warble,
)
from reader import read_out

from ringdove.media.files.process import transcode

SOUNDS = Path(__file__).parent.parent / "src" / "ringdove" / "media" / "sounds"
WELCOME = "Welcome to Ringdove. We will be with you in a moment."
CLOSED = "We are closed. Please leave a message."

CALM = (
    "C3 E4 G4 B4",
    "A2 E4 G4 C5",
    "F2 E4 A4 C5",
    "G2 D4 G4 B4",
    "E3 D4 G4 B4",
    "A2 E4 G4 C5",
    "D3 F4 A4 C5",
    "G2 D4 F4 B4",
)
MORNING = (
    "G2 B3 D4 F#4",
    "E3 B3 D4 G4",
    "C3 C4 E4 G4",
    "D3 C4 F#4 A4",
    "B2 B3 D4 F#4",
    "C3 C4 E4 G4",
    "A2 C4 E4 G4",
    "D3 A3 D4 F#4",
)
EVENING = ("D3 F3 A3 C4", "Bb2 F3 A3 D4", "F2 F3 A3 C4", "C3 E3 G3 D4")


def calm() -> Wave:
    """The hold music of the playlist `default`: slow chords under a plucked figure; 24 s."""
    chords = [chord.split() for chord in CALM]
    strings = [(4.0 * bar, name, 4.0) for bar, chord in enumerate(chords) for name in chord]
    figure = [
        (4.0 * bar + eighth / 2, up(chord[step], 1 if step else 2), 0.5)
        for bar, chord in enumerate(chords)
        for eighth, step in enumerate((0, 1, 2, 3, 2, 1, 2, 1))
    ]
    return piece([(pad, 0.16, strings), (pluck, 0.3, figure)], beat=0.75, beats=32, rms=-20)


def morning() -> Wave:
    """For the playlist SoftBreeze: a slow waltz of bells and plucked strings; 28.8 s."""
    chords = [chord.split() for chord in MORNING] * 2
    bass = [(3.0 * bar, up(chord[0], 1), 3.0) for bar, chord in enumerate(chords)]
    waltz = [(3.0 * bar + beat, name, 1.0) for bar, chord in enumerate(chords) for beat in (1, 2) for name in chord[1:]]
    tune = "B4 D5 F#5 D5 E5 G5 E5 F#5 D5 B4 C5 E5 E5 D5 A4 B4"
    bells = line(0, tune, 3, length=2)
    bells += [(3.0 * bar + 2.5, up(chord[2], 1), 0.5) for bar, chord in enumerate(chords) if bar % 2]
    return piece([(pluck, 0.4, bass), (pluck, 0.12, waltz), (bell, 0.28, bells)], beat=0.6, beats=48, rms=-22)


def evening() -> Wave:
    """For the playlist SoftBreeze: long chords and a few marimba notes; 32 s."""
    chords = [chord.split() for chord in EVENING] * 2
    strings = [
        (4.0 * bar, up(name, 1 if step else 0), 4.0) for bar, ch in enumerate(chords) for step, name in enumerate(ch)
    ]
    wood = [
        (4.0 * bar + at, up(chord[step], 1), 0.5)
        for bar, chord in enumerate(chords)
        for at, step in ((0.5, 1), (1.0, 2), (2.5, 3), (3.0, 2))
    ]
    return piece([(pad, 0.2, strings), (marimba, 0.3, wood)], beat=1.0, beats=32, rms=-22)


def rings() -> list[Wave]:
    """Ring0 to Ring10, in beats of a quarter of a second; each can be repeated and begins and ends quietly."""
    gongs = [(0, "C6", 4), (6, "C6", 4)]
    scores: list[tuple[Instrument, Sequence[Note], int]] = [
        (clapper, gongs, 16),
        (bell, [(0, "A5", 3), (3, "F#5", 4)], 16),
        (marimba, line(0, "C5 E5 G5 C6") + line(5, "C5 E5 G5 C6"), 12),
        (pluck, line(0, "A5 G5 E5 D5 C5 A4"), 14),
        (warble, [(0, "A4", 4), (5, "A4", 4)], 14),
        (bell, line(0, "C5 E5 G5 B5", 0) + line(6, "C5 F5 A5 C6", 0), 16),
        (bell, line(0, "G5 E5 F5 C5", 2), 16),
        (pluck, line(0, "D5 A5 D6 A5 D5 A5 D6 A5", 0.5) + line(6, "C5 G5 C6 G5 C5 G5 C6 G5", 0.5), 16),
        (drop, line(0, "C5 G5 E5 C6", 0.75) + line(5, "D5 A5 F5 D6", 0.75), 12),
        (pad, line(0, "F4 A4 C5 E5", 0.5, length=6), 16),
        (marimba, line(0, "G4 G4 D5", 0.75) + line(2, "C5 G4") + line(3.75, "A4 G4", 0.75), 10),
    ]
    return [piece([(instrument, 0.3, notes)], beat=0.25, beats=beats, rms=-16) for instrument, notes, beats in scores]


def ringback() -> Wave:
    """What a caller hears while phones ring: 425 Hz, 1 s in 5 (ITU-T E.180)."""
    wave = np.zeros(5 * RATE)
    wave[:RATE] = 0.15 * tone(425, 1)
    return wave


def beep() -> Wave:
    """After which callers speak: 1000 Hz for 0.3 s."""
    return level(tone(1000, 0.3), rms=-20)


def pause() -> Wave:
    """What is between two spoken sentences: 0.3 s of silence."""
    return np.zeros(round(0.3 * RATE))


def line(start: float, names: str, step: float = 1, *, length: float = 1) -> list[Note]:
    """Notes one after the other."""
    return [(start + step * index, name, length) for index, name in enumerate(names.split())]


def up(name: str, octaves: int) -> str:
    """The same pitch so many octaves higher."""
    return f"{name[:-1]}{int(name[-1]) + octaves}"


def piece(parts: Iterable[tuple[Instrument, float, Sequence[Note]]], *, beat: float, beats: float, rms: float) -> Wave:
    """Perform it in a room, as loud as that."""
    return level(room(perform(parts, beat, beats)), rms=rms)


def write_mp3(path: Path, wave: Wave, *, rate: int = RATE, smallness: float) -> None:
    """Mono, of a constant bit rate."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = soxr.resample(wave, RATE, rate) if rate != RATE else wave
    soundfile.write(path, samples, rate, format="MP3", bitrate_mode="CONSTANT", compression_level=smallness)


def write_speech(path: Path, text: str) -> None:
    """Read out, at 16 kHz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    wave, rate = read_out(text, voice="en-gb-x-rp", speed=165, pitch=45, margin=0.05)
    soundfile.write(path, level(soxr.resample(wave, rate, 16_000), rms=-20), 16_000, subtype="PCM_16")


def write_track(folder: Path, original: Path) -> None:
    """A sound with all that is made of it on upload, so that a first start need not."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    asyncio.run(transcode(original, folder))
    folder.chmod(0o755)  # uploads are private, these are not
    for file in folder.iterdir():
        file.chmod(0o644)


def main() -> None:
    """Make all anew."""
    for made in ("beep", "music", "pause", "ringback", "ringtones", "samples"):
        shutil.rmtree(SOUNDS / made, ignore_errors=True)
    for number, wave in enumerate(rings()):
        write_mp3(SOUNDS / "ringtones" / f"Ring{number}.mp3", wave, smallness=0.9)
    write_mp3(SOUNDS / "samples" / "SoftBreeze" / "Morning.mp3", morning(), rate=16_000, smallness=0.8)
    write_mp3(SOUNDS / "samples" / "SoftBreeze" / "Evening.mp3", evening(), rate=16_000, smallness=0.8)
    write_speech(SOUNDS / "samples" / "demo.wav", WELCOME)
    write_speech(SOUNDS / "samples" / "closed.wav", CLOSED)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_mp3(folder / "Calm.mp3", calm(), rate=16_000, smallness=0.8)
        write_track(SOUNDS / "music" / "Calm", folder / "Calm.mp3")
        for name, wave in (("ringback", ringback()), ("beep", beep()), ("pause", pause())):
            original = folder / f"{name}.flac"
            soundfile.write(original, soxr.resample(wave, RATE, 8_000), 8_000)
            write_track(SOUNDS / name, original)


if __name__ == "__main__":
    main()
