"""The tests' own judgement of sound."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from support.tone import OTHER, Sound, sine, sound_file, strength, tone_of

TONES = (425, 600, 1000, 1700, 2900)


@given(st.sampled_from(TONES), st.sampled_from((8000, 16000, 44100)), st.floats(0.02, 0.5), st.floats(0, 1))
def test_a_tone_is_told_from_the_others_even_in_20_ms(hz: int, rate: int, seconds: float, start: float) -> None:
    sound = Sound(rate, sine(hz, seconds, rate, start=start))
    assert tone_of(sound, TONES) == hz
    assert strength(sound, hz) > 0.9
    assert all(strength(sound, other) < 0.15 for other in TONES if other != hz)


def test_what_is_no_single_tone_is_something_else() -> None:
    both = Sound(8000, sine(600, 0.2, 8000) + sine(1000, 0.2, 8000))
    noise = Sound(8000, np.random.default_rng(1).uniform(-0.5, 0.5, 1600).astype(np.float32))
    unasked = Sound(8000, sine(700, 0.2, 8000))
    assert [tone_of(sound, TONES) for sound in (both, noise, unasked)] == [OTHER] * 3
    assert tone_of(unasked, ()) == OTHER


@pytest.mark.parametrize("level", [0.0, 0.001])
def test_what_nobody_hears_is_silence(level: float) -> None:
    assert tone_of(Sound(8000, (sine(600, 0.2, 8000) * level).astype(np.float32)), TONES) is None
    assert tone_of(Sound(8000, sine(0, 0.2, 8000)), TONES) is None


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_sound_file_holds_its_tones_one_after_the_other(tmp_path: Path, suffix: str, channels: int) -> None:
    file = sound_file(tmp_path / f"tones.{suffix}", [(600, 0.5), (0, 0.3), (1000, 0.4)], rate=44100, channels=channels)
    values, rate = soundfile.read(file, dtype="float32", always_2d=True)
    assert (rate, values.shape[1]) == (44100, channels)
    sound = Sound(rate, values[:, 0])
    assert sound.seconds == pytest.approx(1.2, abs=0.06)
    assert tone_of(sound.after(0.1).first(0.3), TONES) == 600
    assert tone_of(sound.after(0.6).first(0.1), TONES) is None
    assert tone_of(sound.after(0.9).first(0.2), TONES) == 1000
