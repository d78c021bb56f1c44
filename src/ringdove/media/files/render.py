"""A tape in, a WAV out: 16 bit, one channel per channel of the tape, everything where it was said."""

import os
from mmap import ACCESS_READ, mmap
from pathlib import Path
from struct import pack

import numpy as np
from numpy.typing import NDArray

from ringdove.media.frames import FRAME_SECONDS
from ringdove.media.loudness import LOUD, SHARE

from .channel import Channel, read_channels
from .disk import sync
from .placing import CLOCK
from .wire import Rendered

LONGEST = 12 * 3600
"""Seconds of a recording; what comes later is left out."""

_HEADER = 44
_BIGGEST = 2**32 - 1 - _HEADER  # RIFF has 32 bits for it


def render(tape: Path, into: Path, keep_silence: float | None = None) -> Rendered:
    """Make the WAV `into` of a tape, written beside it, then renamed. Raises OSError.

    All channels begin with whoever was heard first and are equally long; what is not there is silence. 8000 samples in
    a second, 16,000 where there is G.722. With `keep_silence` it ends so many seconds after the last speech, unless it
    ends before.
    """
    with tape.open("rb") as file:
        content: bytes | mmap = b""
        if os.fstat(file.fileno()).st_size:
            content = mmap(file.fileno(), 0, access=ACCESS_READ)
    channels = read_channels(content, LONGEST)
    beside = into.with_name(f"{into.name}.part")
    try:
        seconds = _write(channels, beside, keep_silence)
        beside.replace(into)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync(into.parent)
    return Rendered(seconds, sum(channel.silenced for channel in channels))


def _write(channels: list[Channel], path: Path, keep_silence: float | None) -> float:
    """Write the WAV and return its seconds."""
    begin = min((channel.begin for channel in channels if channel.begin is not None), default=0)
    scale = 2 if any(channel.wide for channel in channels) else 1
    rate = CLOCK * scale
    ticks = max(max(channel.end for channel in channels) - begin, 0)
    frames = min(ticks * scale, LONGEST * rate, _BIGGEST // (2 * len(channels)))
    with path.open("w+b") as out:
        out.write(_header(frames, len(channels), rate))
        out.flush()
        if frames:
            os.posix_fallocate(out.fileno(), 0, _HEADER + frames * len(channels) * 2)
            sound = np.memmap(out, "<i2", "r+", offset=_HEADER, shape=(frames, len(channels)))
            for number, channel in enumerate(channels):
                for at, samples in channel.sound(scale):
                    start = at - begin * scale
                    room = sound[start : start + len(samples), number]
                    room[:] = samples[: len(room)]
            sound.flush()
            if keep_silence is not None:
                frames = min(frames, _spoken(sound, rate) + round(keep_silence * rate))
                out.truncate(_HEADER + frames * len(channels) * 2)
                out.seek(0)
                out.write(_header(frames, len(channels), rate))
        sync(out)
    return frames / rate


def _spoken(sound: NDArray[np.int16], rate: int) -> int:
    """Where the last speech ends, in frames; 0 where nobody spoke."""
    size = round(FRAME_SECONDS * rate)
    for end in range(len(sound) // size, 1, -1):
        two = sound[(end - 2) * size : end * size].reshape(2, size, -1)
        loud = ((two >= LOUD) | (two < -LOUD)).mean(axis=1) > SHARE
        if loud.all(axis=0).any():
            return end * size
    return 0


def _header(frames: int, channels: int, rate: int) -> bytes:
    """Of a WAV file with 16-bit PCM."""
    frame = 2 * channels
    size = frames * frame
    form = pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * frame, frame, 16)
    return pack("<4sI4s", b"RIFF", _HEADER - 8 + size, b"WAVE") + form + pack("<4sI", b"data", size)
