"""The tracks of every language, as they are committed."""

import json
from pathlib import Path

import numpy as np
import pytest

from ringdove.media.codecs import FRAME_BYTES, FRAME_SECONDS, SOUND_FORMATS
from ringdove.media.languages import table
from ringdove.media.speech import LANGUAGES
from support.tone import Samples, Sound
from support.voice import decoded

FRAME = 0.02
SILENT = 0.001
"""-60 dBFS."""
each_language = pytest.mark.parametrize("language", LANGUAGES)
each_track = pytest.mark.parametrize(
    "track",
    [track for language in LANGUAGES for track in sorted(table.tracks(language).iterdir()) if track.is_dir()],
    ids=lambda track: f"{track.parts[-3]}-{track.name}",
)


def levels(sound: Sound) -> Samples:
    """RMS of each 20 ms."""
    frame = round(FRAME * sound.rate)
    rms: Samples = np.sqrt(np.mean(np.square(sound.samples.reshape(-1, frame)), axis=1))
    return rms


def silences(sound: Sound) -> list[float]:
    """Seconds of silence: at the beginning, wherever there is one within, at the end."""
    runs = "".join(" " if level < SILENT else "x" for level in levels(sound)).split("x")
    return [len(run) * FRAME for run in runs]


@each_language
def test_the_tracks_are_those_of_the_texts(language: str) -> None:
    voice, texts = table.read(language)
    made_of = json.loads(table.spoken(language).read_text("utf-8"))
    assert made_of == {"voice": voice._asdict(), "texts": texts}, "make speech"
    assert {path.name for path in table.tracks(language).iterdir()} == {*texts, table.spoken(language).name}


@each_language
def test_a_language_is_small(language: str) -> None:
    assert sum(path.stat().st_size for path in table.tracks(language).rglob("*")) < 4_500_000


@each_track
def test_a_track_is_as_many_packets_in_each_format_and_nothing_else(track: Path) -> None:
    assert {file.name for file in track.iterdir()} == set(SOUND_FORMATS.values())
    (size,) = {file.stat().st_size for file in track.iterdir()}
    assert size > 0
    assert size % FRAME_BYTES == 0


@each_track
def test_a_track_takes_as_long_as_its_text_does(track: Path) -> None:
    letters = len(table.read(track.parts[-3]).texts[track.name])
    seconds = (track / SOUND_FORMATS["PCMU"]).stat().st_size / FRAME_BYTES * FRAME_SECONDS
    assert 0.15 + 0.03 * letters < seconds < 0.35 + 0.08 * letters


@each_track
def test_a_voice_is_as_loud_as_every_other_in_each_format_and_never_clipped(track: Path) -> None:
    for codec, tolerance in (("PCMU", 0.5), ("PCMA", 0.5), ("G722", 4)):  # which hisses, too
        first, sound = decoded(track, codec)
        power = np.square(levels(sound))
        assert 10 * np.log10(np.mean(power[power > power.max() / 100])) == pytest.approx(-21, abs=tolerance)
        assert np.max(np.abs((first.samples, sound.samples))) < 0.9


@each_track
def test_words_can_follow_each_other(track: Path) -> None:
    text = table.read(track.parts[-3]).texts[track.name]
    sound, _ = decoded(track, "PCMU")
    before, *within, after = silences(sound)
    assert before == pytest.approx(0.04)
    assert 0.04 <= after <= 0.08
    assert max(within, default=0) <= (0.4 if {",", "."} & set(text[:-1]) else 0.1)


@each_track
def test_no_word_begins_with_a_bang_where_another_one_ended(track: Path) -> None:
    """G.722's decoder, which adapts, comes from another end than its coder came from."""
    narrow, _ = decoded(track, "PCMU")
    _, wide = decoded(track, "G722")
    beginning = slice(0, round(0.1 / FRAME))
    assert np.max(levels(wide)[beginning]) < 2 * np.max(levels(narrow))
