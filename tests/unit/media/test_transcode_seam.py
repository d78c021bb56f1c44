"""Tracks that follow each other, or themselves, with nothing heard between."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from ringdove.media.codecs import FRAME_BYTES, SOUND_FORMATS
from ringdove.media.files.process import transcode
from support.tone import Sound, sound_file, strength
from support.voice import DECODERS


async def track(folder: Path, codec: str, *parts: tuple[float, float]) -> bytes:
    """What is played of a file of these tones."""
    made = folder / f"{parts[0][0]}"
    await transcode(sound_file(made.with_suffix(".wav"), parts), made)
    return await asyncio.to_thread((made / SOUND_FORMATS[codec]).read_bytes)


def heard(content: bytes, codec: str) -> Sound:
    """By one phone, packet by packet."""
    decode = DECODERS[codec]()
    sounds = [decode(content[at : at + FRAME_BYTES]) for at in range(0, len(content), FRAME_BYTES)]
    return Sound(sounds[0].rate, np.concatenate([sound.samples for sound in sounds]))


def loudest(sound: Sound) -> float:
    """0.25 is what is played here; full scale is what a new G.722 coder does to a decoder that is not new."""
    return float(np.max(np.abs(sound.samples)))


@pytest.mark.parametrize("codec", SOUND_FORMATS)
@pytest.mark.parametrize("seconds", [0.1, 1.0])
async def test_a_loud_track_goes_round_without_a_bang(tmp_path: Path, codec: str, seconds: float) -> None:
    whole = heard(3 * await track(tmp_path, codec, (600, seconds)), codec)
    assert whole.seconds == pytest.approx(3 * seconds)
    assert loudest(whole) < 0.4
    assert strength(whole.last(2 * seconds), 600) > 0.98


@pytest.mark.parametrize("codec", SOUND_FORMATS)
async def test_a_track_that_ends_in_silence_follows_a_loud_one_without_a_bang(tmp_path: Path, codec: str) -> None:
    loud = await track(tmp_path, codec, (440, 1))
    prompt = await track(tmp_path, codec, (600, 1), (0, 0.5))
    whole = heard(loud + prompt + prompt, codec)
    assert loudest(whole) < 0.4
    assert strength(whole.after(1.06).first(0.94), 600) > 0.98
    assert strength(whole.after(2.56).first(0.94), 600) > 0.98
