"""The sounds that come with Ringdove, as they are committed."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from ringdove.media.codecs import FRAME_BYTES, FRAME_SECONDS, SOUND_FORMATS
from ringdove.media.sounds import BEEP, DEMO_GREETING, DEMO_PROMPT, MUSIC, PAUSE, RINGBACK, RINGTONES, SOFT_BREEZE
from support.tone import Samples, Sound, strength
from support.voice import decoded

TRACKS = (*MUSIC, RINGBACK)
FILES = (*RINGTONES, *SOFT_BREEZE, DEMO_PROMPT, DEMO_GREETING)
each_track = pytest.mark.parametrize("track", TRACKS, ids=lambda track: track.name)
each_codec = pytest.mark.parametrize("codec", SOUND_FORMATS)


def original(track: Path) -> Path:
    """What the track was made from."""
    (found,) = track.glob("original.*")
    return found


def read(file: Path) -> Sound:
    """A file, which has to be mono."""
    samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    assert samples.shape[1] == 1
    return Sound(rate, samples[:, 0])


def decibels(value: float) -> float:
    """As dBFS."""
    return float(20 * np.log10(value))


def peak(sound: Sound) -> float:
    """The greatest of its samples."""
    return float(np.max(np.abs(sound.samples)))


def likeness(one: Samples, other: Samples) -> float:
    """How alike two sounds of one rate are wherever they fit best: 1 for the same, 0 for strangers."""
    size = len(one) + len(other)
    match = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    return float(np.max(np.abs(match)) / np.sqrt(float(one @ one) * float(other @ other)))


def share_between(sound: Sound, low: float, high: float) -> float:
    """The share of a sound's power between two frequencies in Hz."""
    power = np.abs(np.fft.rfft(sound.samples)) ** 2
    hz = np.fft.rfftfreq(len(sound.samples), 1 / sound.rate)
    return float(power[(hz >= low) & (hz <= high)].sum() / power.sum())


def test_there_are_the_built_in_ring_tones_Ring0_to_Ring10() -> None:
    assert [file.name for file in RINGTONES] == [f"Ring{number}.mp3" for number in range(11)]


@pytest.mark.parametrize("file", RINGTONES, ids=lambda file: file.stem)
def test_a_ring_tone_is_short_small_and_clean_and_can_be_repeated(file: Path) -> None:
    assert soundfile.info(file).format == "MP3"
    assert file.stat().st_size <= 40_000
    sound = read(file)
    assert 2 <= sound.seconds <= 5
    assert -22 < decibels(sound.rms) < -14
    assert peak(sound) < 0.9
    assert sound.last(0.05).rms < 0.01
    assert abs(sound.samples[0]) < 0.01


def test_no_ring_tone_is_like_another() -> None:
    sounds = [read(file).samples for file in RINGTONES]
    assert max(likeness(one, other) for one, other in combinations(sounds, 2)) < 0.6


@pytest.mark.parametrize("track", [*TRACKS, BEEP, PAUSE], ids=lambda track: track.name)
def test_a_track_is_whole_packets_as_many_in_each_format_and_no_longer_than_its_file(track: Path) -> None:
    assert {file.name for file in track.iterdir()} == {*SOUND_FORMATS.values(), original(track).name}
    sizes = {(track / name).stat().st_size for name in SOUND_FORMATS.values()}
    assert len(sizes) == 1
    packets, rest = divmod(sizes.pop(), FRAME_BYTES)
    assert rest == 0
    assert packets * FRAME_SECONDS == pytest.approx(read(original(track)).seconds)


@each_track
@each_codec
def test_a_track_holds_in_each_format_what_its_file_holds(track: Path, codec: str) -> None:
    source = read(original(track))
    first, sound = decoded(track, codec)
    assert likeness(soxr.resample(source.samples, source.rate, sound.rate), sound.samples) > 0.98
    assert decibels(sound.rms) == pytest.approx(decibels(source.rms), abs=0.2)
    assert max(peak(first), peak(sound)) < 0.9
    assert likeness(first.after(0.3).samples, sound.after(0.3).samples) > 0.99


@pytest.mark.parametrize("track", MUSIC, ids=lambda track: track.name)
def test_the_music_on_hold_is_soft_and_fits_a_telephone(track: Path) -> None:
    sound = read(original(track))
    assert 20 <= sound.seconds <= 30
    assert decibels(sound.rms) == pytest.approx(-20, abs=1)
    assert share_between(sound, 60, 3400) > 0.99
    seconds = [sound.after(second).first(1).rms for second in range(int(sound.seconds))]
    assert decibels(min(seconds)) > -26


@pytest.mark.parametrize("track", MUSIC, ids=lambda track: track.name)
@each_codec
def test_the_music_on_hold_goes_round_without_a_seam(track: Path, codec: str) -> None:
    first, second = decoded(track, codec)
    seam = np.concatenate((first.last(0.1).samples, second.first(0.1).samples))
    assert np.max(np.abs(np.diff(seam))) <= np.max(np.abs(np.diff(first.after(1).samples)))
    wanted = read(original(track)).first(0.1).rms
    assert decibels(second.first(0.1).rms) == pytest.approx(decibels(wanted), abs=1)


@each_codec
def test_the_ringback_tone_is_425_Hz_for_1_s_in_5(codec: str) -> None:
    first, sound = decoded(RINGBACK, codec)
    assert sound.seconds == 5
    for heard in (first, sound):  # G.722 fades in after silence
        assert strength(heard.after(0.06).first(0.94), 425) > 0.98
    assert decibels(sound.first(1).rms) == pytest.approx(-20, abs=1)
    assert sound.after(1.02).rms < 0.001
    edges = (sound.first(0.002), sound.first(1).last(0.002))
    assert all(peak(edge) < 0.25 * peak(sound) for edge in edges)


@each_codec
def test_the_beep_is_1000_Hz_for_0_3_s(codec: str) -> None:
    first, sound = decoded(BEEP, codec)
    assert sound.seconds == pytest.approx(0.3)
    for heard in (first, sound):
        assert strength(heard.after(0.1).first(0.18), 1000) > 0.98
    assert decibels(sound.rms) == pytest.approx(-20, abs=1)


@each_codec
def test_the_pause_is_silent_for_0_3_s(codec: str) -> None:
    _, sound = decoded(PAUSE, codec)
    assert sound.seconds == pytest.approx(0.3)
    assert peak(sound) < 0.001


@pytest.mark.parametrize(("file", "name", "longest"), [(DEMO_PROMPT, "demo.wav", 5), (DEMO_GREETING, "closed.wav", 3)])
def test_what_is_said_in_the_demo_is_a_short_sentence_for_telephones(file: Path, name: str, longest: float) -> None:
    assert (file.name, soundfile.info(file).subtype) == (name, "PCM_16")
    sound = read(file)
    assert sound.rate == 16000
    assert longest - 2 < sound.seconds < longest
    assert -24 < decibels(sound.rms) < -18
    assert peak(sound) < 0.9
    assert share_between(sound, 80, 3400) > 0.9
    assert max(sound.first(0.04).rms, sound.last(0.04).rms) < 0.01 < sound.first(0.3).rms


@pytest.mark.parametrize("file", SOFT_BREEZE, ids=lambda file: file.stem)
def test_the_sample_tracks_are_quiet_music(file: Path) -> None:
    assert soundfile.info(file).format == "MP3"
    sound = read(file)
    assert 20 <= sound.seconds <= 40
    assert decibels(sound.rms) == pytest.approx(-22, abs=1)
    assert peak(sound) < 0.9


def test_no_piece_of_music_is_like_another() -> None:
    assert list(SOFT_BREEZE) == sorted(SOFT_BREEZE)
    pieces = [read(file).samples for file in (*SOFT_BREEZE, *map(original, MUSIC))]
    assert max(likeness(one, other) for one, other in combinations(pieces, 2)) < 0.4


def test_all_of_it_is_small() -> None:
    folder = RINGBACK.parent
    files = [file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    assert sum(file.stat().st_size for file in files) < 2_500_000
    named = {*FILES, *(file for track in (*TRACKS, BEEP, PAUSE) for file in track.iterdir()), folder / "__init__.py"}
    assert set(files) == named
