"""Tracks that follow each other, or themselves, with nothing heard between."""

from pathlib import Path

import numpy as np
import pytest

from ringdove.media.codecs import FRAME_BYTES, SOUND_FORMATS
from ringdove.media.files.process import transcode
from support.tone import Sound, sound_file, strength
from support.voice import DECODERS


@pytest.mark.parametrize("codec", SOUND_FORMATS)
@pytest.mark.parametrize("seconds", [0.1, 1.0])
async def test_a_loud_track_goes_round_without_a_bang(tmp_path: Path, codec: str, seconds: float) -> None:
    await transcode(sound_file(tmp_path / "tone.wav", [(600, seconds)]), tmp_path / "track")
    content = (tmp_path / "track" / SOUND_FORMATS[codec]).read_bytes() * 3
    decode = DECODERS[codec]()
    sounds = [decode(content[at : at + FRAME_BYTES]) for at in range(0, len(content), FRAME_BYTES)]
    whole = Sound(sounds[0].rate, np.concatenate([sound.samples for sound in sounds]))
    assert whole.seconds == pytest.approx(3 * seconds)
    assert np.max(np.abs(whole.samples)) < 0.4  # 0.25 were played; full scale is what a coder that begins anew gives
    assert strength(whole.last(2 * seconds), 600) > 0.98
