"""What a crash left of a recording becomes a WAV file, once, whatever is asked when."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from ringdove.media.loudness import PAUSE, speech
from ringdove.media.recordings import KEPT_SILENCE, finish, heard, recover, tape_of
from ringdove.media.tape import TapeWriter

START = 5000.0
PACKET = 160
LOUD, SOFT = b"\x00", b"\xff"


def left_behind(file: Path, *said: tuple[bytes, float]) -> None:
    """The tape of a recording that nobody stopped: an octet for so many seconds each."""
    writer = TapeWriter(tape_of(file))
    number = 0
    for octet, seconds in said:
        for _ in range(round(seconds / 0.02)):
            writer.put(0, "pcmu", START + number * 0.02, number * PACKET, octet * PACKET)
            number += 1
    writer.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "message.wav"


def contents(folder: Path) -> dict[str, bytes]:
    """All files in a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_a_tape_becomes_its_wav_and_asking_again_changes_nothing(file: Path) -> None:
    left_behind(file, (LOUD, 1.0), (SOFT, 4.0))
    assert await recover(file, keep_silence=0.5) == 1.5
    once = contents(file.parent)
    assert set(once) == {file.name}
    assert await recover(file) == 1.5
    assert contents(file.parent) == once


async def test_a_crash_between_the_wav_and_the_end_of_its_tape_is_none(file: Path) -> None:
    left_behind(file, (LOUD, 1.0))
    tape = contents(file.parent)[tape_of(file).name]
    await finish(file)
    once = contents(file.parent)
    tape_of(file).write_bytes(tape)
    file.with_name(f"{file.name}.part").write_bytes(b"RIFF and no more")
    assert await recover(file) == 1.0
    assert contents(file.parent) == once


async def test_what_is_whole_of_a_torn_tape_is_kept(file: Path) -> None:
    left_behind(file, (LOUD, 1.0))
    os.truncate(tape_of(file), tape_of(file).stat().st_size - 3)
    assert await recover(file) == pytest.approx(0.98)
    assert soundfile.info(file).frames == 49 * PACKET


@pytest.mark.parametrize("content", [None, b"", b"ringta", b"ringtape0123456789abcdef", b"something else"])
async def test_where_nothing_was_kept_nothing_is_left(file: Path, content: bytes | None) -> None:
    if content is not None:
        tape_of(file).write_bytes(content)
    for _ in range(2):
        assert await recover(file) is None
        assert os.listdir(file.parent) == []


async def test_where_nobody_spoke_and_no_silence_is_kept_nothing_is_left(file: Path) -> None:
    left_behind(file, (SOFT, 1.0))
    assert await recover(file, keep_silence=0) is None
    assert os.listdir(file.parent) == []


async def test_what_fails_keeps_the_tape_for_the_next_time(file: Path) -> None:
    left_behind(file, (LOUD, 1.0))
    obstacle = file.with_name(f"{file.name}.part")
    obstacle.mkdir()
    with pytest.raises(OSError, match="directory"):
        await recover(file)
    obstacle.rmdir()
    assert os.listdir(file.parent) == [tape_of(file).name]
    assert await recover(file) == 1.0


# What is heard


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ([(SOFT, 3.0)], 0.0),
        ([(LOUD, 1.0)], 1.0),
        ([(SOFT, 2.0), (LOUD, 1.0), (SOFT, 2.0)], 1.0),
        ([(LOUD, 0.4), (SOFT, 0.4), (LOUD, 0.4)], 1.2),  # a breath
        ([(LOUD, 0.4), (SOFT, 0.6), (LOUD, 0.4)], 0.8),
        ([(SOFT, 1.0), (LOUD, 0.02), (SOFT, 1.0)], 0.0),  # a tap on the table
    ],
)
async def test_silence_is_not_heard_but_short_pauses_between_words_are_speech(
    file: Path, said: list[tuple[bytes, float]], seconds: float
) -> None:
    left_behind(file, *said)
    await recover(file)
    assert await heard(file) == pytest.approx(seconds)
    await recover(file, KEPT_SILENCE)
    assert await heard(file) == pytest.approx(seconds), "what is cut off is not heard"


@pytest.mark.parametrize("rate", [8000, 16_000])
async def test_the_noise_of_a_line_is_not_heard_and_low_speech_is(file: Path, rate: int) -> None:
    noise = np.random.default_rng(1).normal(size=90 * rate)
    for dbov, seconds in ((-50, 0.0), (-36, 90.0)):
        soundfile.write(file, noise * 10 ** (dbov / 20), rate, "PCM_16")
        assert await heard(file) == pytest.approx(seconds, abs=0.1)


@given(st.lists(st.booleans(), max_size=200))
def test_speech_is_every_word_and_every_short_pause_between_words(loud: list[bool]) -> None:
    frames = range(len(loud))
    words = {frame for start in frames[1:] if loud[start - 1] and loud[start] for frame in (start - 1, start)}
    pauses = {
        frame
        for frame in set(frames) - words
        if words
        and min(words) < frame < max(words)
        and min(word for word in words if word > frame) - max(word for word in words if word < frame) - 1 <= PAUSE
    }
    assert speech(loud) == len(words | pauses)
