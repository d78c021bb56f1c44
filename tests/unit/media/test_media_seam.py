"""G.722 changes hands without a bang."""

from itertools import islice

import numpy as np
import pytest

from ringdove.media.embedded.seam import Seam
from ringdove.media.frames import FRAME_BYTES
from ringdove.media.sounds import MUSIC
from support.tone import OTHER, tone_of
from support.voice import DECODERS, G722, packets_of


def music() -> list[bytes]:
    """Three seconds of hold music."""
    content = (MUSIC[0] / "g722").read_bytes()
    return [content[i : i + FRAME_BYTES] for i in range(0, 150 * FRAME_BYTES, FRAME_BYTES)]


def voice(hz: float, packets: int = 50) -> list[bytes]:
    """A phone that begins to say a tone."""
    return list(islice(packets_of(G722, hz), packets))


def loudness(packets: list[bytes], *, since: int) -> list[float]:
    """What a listener hears of each packet from this one on (RMS), one decoder from first to last."""
    decode = DECODERS[G722.name]()
    heard = [decode(packet).samples for packet in packets]
    return [float(np.sqrt(np.mean(samples**2))) for samples in heard[since:]]


def mended(*sources: list[bytes]) -> list[bytes]:
    """What goes to the listener when these sources follow each other."""
    seam = Seam()
    return [seam.mend(number, packet) for number, source in enumerate(sources) for packet in source]


@pytest.mark.parametrize("hz", [300, 900])
def test_a_voice_after_music_begins_without_the_bang_that_it_would_make(hz: int) -> None:
    raw = loudness(music() + voice(hz), since=150)
    level = raw[-1]
    assert max(raw[:4]) > 2.5 * level, "this is what has to be mended"
    assert max(loudness(mended(music(), voice(hz)), since=150)) < 1.25 * level


def test_music_after_a_voice_begins_without_a_bang() -> None:
    raw = loudness(voice(900, 100) + music(), since=100)
    smooth = loudness(mended(voice(900, 100), music()), since=100)
    assert max(smooth) < max(loudness(music(), since=0)) + 0.05 < max(raw)


def test_it_is_still_the_voice_that_is_heard() -> None:
    decode = DECODERS[G722.name]()
    sounds = [decode(packet) for packet in mended(music(), voice(900))][150:]
    tones = [tone_of(sound, (900,)) for sound in sounds[5:]]
    assert OTHER not in tones
    assert set(tones) == {900}


def test_only_the_first_fifth_of_a_second_after_a_change_is_touched() -> None:
    first, second = music(), voice(900)
    heard = mended(first, second)
    assert heard[:150] == first, "nothing was heard before"
    assert heard[160:] == second[10:]
    assert heard[150:160] != second[:10]


def test_packets_of_any_length_pass() -> None:
    seam = Seam()
    for number, size in enumerate((160, 0, 1, 80, 240, 1400)):
        assert len(seam.mend(number, b"\x5a" * size)) == size
