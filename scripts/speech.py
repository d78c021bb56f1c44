"""Speaks the texts of every language, in src/ringdove/media/languages. Needs Debian's espeak-ng."""

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr
from instruments import Wave
from reader import read_out

from ringdove.media.codecs import FRAME_BYTES, FRAME_SECONDS, SOUND_FORMATS
from ringdove.media.files.transcode import transcode
from ringdove.media.languages import table
from ringdove.media.speech import LANGUAGES

RATE = 16_000
LOUDNESS = -21.0
"""Of the voice, in dBFS, without its pauses, as a phone with G.711 hears it."""
MARGIN = 0.04
"""Seconds of silence at either end of a track: two of them are between two words."""
LEAD = 25
"""Packets of silence that are coded before a text, and cut off again: half a second."""


def loudness(wave: Wave) -> float:
    """Of the voice, in dBFS: of those 20 ms that are at most 20 dB below the loudest."""
    narrow = soxr.resample(wave, RATE, 8_000)
    powers = np.mean(np.square(narrow[: len(narrow) // 160 * 160].reshape(-1, 160)), axis=1)
    return float(10 * np.log10(np.mean(powers[powers > np.max(powers) / 100])))


def speak(text: str, voice: table.Voice) -> Wave:
    """A text at RATE, with MARGIN, at LOUDNESS."""
    wave, rate = read_out(text, voice=voice.name, speed=voice.speed, pitch=voice.pitch, margin=MARGIN)
    resampled: Wave = soxr.resample(wave, rate, RATE)
    return resampled * 10 ** ((LOUDNESS - loudness(resampled)) / 20)


def write_track(folder: Path, wave: Wave) -> None:
    """What is played of a sound, without the original: nobody downloads it.

    A word follows another one, which G.722's decoder, with only MARGIN between, still knows of. They fit best when the
    coder came from silence.
    """
    with tempfile.TemporaryDirectory() as name:
        source, made = Path(name) / "text.wav", Path(name) / "track"
        soundfile.write(source, np.pad(wave, (LEAD * round(FRAME_SECONDS * RATE), 0)), RATE, subtype="PCM_16")
        transcode(source, made)
        folder.mkdir(parents=True)
        for file in SOUND_FORMATS.values():
            (folder / file).write_bytes((made / file).read_bytes()[LEAD * FRAME_BYTES :])


def main() -> None:
    """Speak all anew."""
    for language in LANGUAGES:
        folder = table.tracks(language)
        shutil.rmtree(folder, ignore_errors=True)
        voice, texts = table.read(language)
        for id_, text in texts.items():
            write_track(folder / id_, speak(text, voice))
        spoken = {"voice": voice._asdict(), "texts": dict(texts)}
        table.spoken(language).write_text(json.dumps(spoken, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
