"""What a crash left of a recording becomes a WAV file, once, whatever is asked when."""

import os
from pathlib import Path

import pytest
import soundfile

from ringdove.media.recordings import finish, recover, tape_of
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
    assert await recover(file, keep_quiet=0.5) == 1.5
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
    assert await recover(file, keep_quiet=0) is None
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
