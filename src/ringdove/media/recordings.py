"""WAV files of recordings, made of their tapes, also of those that a crash left behind."""

import asyncio
import wave
from collections.abc import Iterator
from pathlib import Path

from ringdove.media.files import process
from ringdove.media.frames import FRAME_SECONDS
from ringdove.media.loudness import QUIET_UPPER, SHARE, speech

KEPT_SILENCE = 0.5
"""Seconds of the silence at the end that stay in what somebody has said."""
_AT_ONCE = 3000
"""Frames that are read into memory at a time: a minute."""


def tape_of(file: Path) -> Path:
    """Where what will be this WAV file is kept while it is recorded: beside it."""
    return file.with_name(f"{file.name}.tape")


async def finish(file: Path, keep_silence: float | None = None) -> float:
    """Make a WAV file of its tape, which is complete and is removed when all of the file is on the disk. Returns how
    many seconds it lasts.

    16 bit, one channel for each of the tape, placed as it was said: gaps are silence, jitter, reordered and doubled
    packets are put right. 8000 samples in a second, or 16,000 where there is G.722; Opus becomes silence. With
    `keep_silence` no more than so many seconds are kept after somebody spoke last. Raises OSError; the tape is still
    there then, and no half of a file.
    """
    tape = tape_of(file)
    seconds = await process.render(tape, file, keep_silence)
    await asyncio.to_thread(tape.unlink, missing_ok=True)  # up to a GB, which takes the disk a while
    return seconds


async def recover(file: Path, keep_silence: float | None = None) -> float | None:
    """Make the WAV file of a recording that nobody stopped, for instance because the server died. Returns how many
    seconds it lasts; None where no sound was kept, and then there is neither file nor tape.

    May be asked again: what is a WAV file already stays as it is. Nothing else may work on it meanwhile. Raises
    OSError as `finish` does, and BrokenAudio where the file has something in it and is no WAV.
    """
    if await asyncio.to_thread(tape_of(file).exists):
        await finish(file, keep_silence)
    return await asyncio.to_thread(_kept, file)


async def heard(file: Path) -> float:
    """Seconds of a WAV file of one channel in which somebody speaks, short pauses between words included; noise of a
    line is no speech (see `media.loudness`). Raises OSError, and wave.Error where it is no WAV.
    """
    return await asyncio.to_thread(lambda: speech(_loud(file)) * FRAME_SECONDS)


def _loud(file: Path) -> Iterator[bool]:
    """Each 20 ms of a WAV file of one channel, whether they are loud."""
    with wave.open(str(file), "rb") as sound:
        size = round(FRAME_SECONDS * sound.getframerate())
        while upper := sound.readframes(_AT_ONCE * size)[1::2]:
            for start in range(0, len(upper), size):
                yield len(upper[start : start + size].translate(None, QUIET_UPPER)) > SHARE * size


def _kept(file: Path) -> float | None:
    """How many seconds a WAV file lasts; None, and no file any more, where that is none."""
    try:
        if file.stat().st_size:
            with wave.open(str(file), "rb") as sound:
                if frames := sound.getnframes():
                    return frames / sound.getframerate()
    except FileNotFoundError:
        return None
    except (wave.Error, EOFError) as why:
        raise process.BrokenAudio("is no WAV") from why
    file.unlink(missing_ok=True)
    return None
