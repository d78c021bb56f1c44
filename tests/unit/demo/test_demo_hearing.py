"""What packets are taken for: sounds told by content, position and time."""

import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.demo.audio import Packet
from ringdove.demo.hearing import GAP, UNKNOWN, Ear, Passage, Sound, longest_gap
from ringdove.demo.voice import voice
from ringdove.media.codecs import FRAME_SECONDS
from support.tone import tone_of
from support.voice import DECODERS

SILENCE = b"\xff" * 160


def track(letter: str, length: int, *, silent: int = 0) -> tuple[bytes, ...]:
    """Frames of their own, between some silence."""
    edge = (SILENCE,) * silent
    return (*edge, *(f"{letter}{number}".encode() for number in range(length)), *edge)


PROMPT = Sound("demo.wav", track("p", 10, silent=3))
EVENING = Sound("SoftBreeze", track("e", 20, silent=5), "Evening.mp3")
BOB = Sound("Bob", (b"bob",), endless=True)
EAR = Ear([BOB, EVENING, PROMPT])


def packets(*frames: bytes, start: float = 0.0) -> list[Packet]:
    return [Packet(start + number * FRAME_SECONDS, frame) for number, frame in enumerate(frames)]


def told(passages: list[Passage]) -> list[tuple[Sound, int, int]]:
    return [(passage.sound, passage.first, passage.last) for passage in passages]


def test_silence_belongs_to_the_sound_whose_end_or_beginning_it_is() -> None:
    heard = EAR.recognise(packets(*PROMPT.frames, *EVENING.frames[:12], *[b"bob"] * 4))
    assert told(heard) == [(PROMPT, 0, 15), (EVENING, 0, 11), (BOB, 0, 0)]
    assert heard[0].complete
    assert not heard[1].complete
    assert heard[0].stop == heard[1].start == pytest.approx(16 * FRAME_SECONDS)


def test_a_sound_that_begins_anew_is_heard_twice() -> None:
    assert told(EAR.recognise(packets(*PROMPT.frames, *PROMPT.frames))) == [(PROMPT, 0, 15), (PROMPT, 0, 15)]


def test_a_sound_without_its_beginning_or_end_is_not_complete() -> None:
    for frames in (PROMPT.frames[4:], PROMPT.frames[:-4]):
        (heard,) = EAR.recognise(packets(*frames))
        assert heard.sound is PROMPT
        assert not heard.complete


def test_a_lost_packet_leaves_one_passage_with_fewer_packets() -> None:
    came = packets(*PROMPT.frames)
    del came[7]
    (heard,) = EAR.recognise(came)
    assert (heard.first, heard.last, heard.packets) == (0, 15, 15)


def test_a_gap_ends_a_passage() -> None:
    came = [*packets(b"bob", b"bob"), *packets(b"bob", start=FRAME_SECONDS + GAP + 0.001)]
    first, second = EAR.recognise(came)
    assert first.stop == pytest.approx(2 * FRAME_SECONDS)
    assert second.start == came[-1].at
    assert longest_gap(came) == pytest.approx(GAP + 0.001)


def test_what_nobody_knows_is_something_else() -> None:
    (heard,) = EAR.recognise(packets(b"?", b"!", b"?"))
    assert (heard.sound, heard.packets) == (UNKNOWN, 3)


def test_nothing_is_nothing() -> None:
    assert EAR.recognise([]) == []
    assert longest_gap([]) == 0


@given(
    st.lists(st.sampled_from([*PROMPT.frames, *EVENING.frames, b"bob", b"?"]), max_size=60),
    st.lists(st.sampled_from([FRAME_SECONDS, FRAME_SECONDS, GAP, 0.1]), min_size=60, max_size=60),
)
def test_every_packet_is_in_one_passage_and_in_order(frames: list[bytes], pauses: list[float]) -> None:
    at, came = 0.0, []
    for frame, pause in zip(frames, pauses, strict=False):
        at += pause
        came.append(Packet(at, frame))
    heard = EAR.recognise(came)
    assert sum(passage.packets for passage in heard) == len(came)
    assert all(passage.start < passage.stop for passage in heard)
    assert all(before.stop <= after.start for before, after in pairwise(heard))


@pytest.mark.parametrize("pitch", [300, 450, 950])
def test_a_voice_is_a_tone_that_goes_on_from_packet_to_packet(pitch: int) -> None:
    assert tone_of(DECODERS["PCMU"]()(voice(pitch) * 10), (300, 450, 950)) == pitch


def test_a_voice_that_would_click_is_refused() -> None:
    with pytest.raises(ValueError, match="50 Hz"):
        voice(440)


def test_the_demo_needs_no_numpy() -> None:
    code = "import sys, ringdove.demo.show; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
