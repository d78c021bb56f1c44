"""The head of an uploaded audio file. Decoding is not done in our process."""

import struct
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ringdove.media.files.riff import promised

_FOLDER = TemporaryDirectory(prefix="ringdove-fuzz-")
_FILE = Path(_FOLDER.name, "file.wav")
FRAMES = 64
_HEAD = b"RIFF\xa4\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00" + struct.pack("<IIHH", 8000, 16000, 2, 16)
SEEDS: Sequence[bytes] = (
    _HEAD + b"data\x80\x00\x00\x00" + bytes(128),
    _HEAD + b"data\x80\x00\x00\x00" + bytes(64),
    _HEAD + b"LIST\x03\x00\x00\x00abc\x00data\xff\xff\xff\xff" + bytes(16),
    b"OggS",
)
WORDS: Sequence[bytes] = (
    b"RIFF",
    b"WAVE",
    b"data",
    b"LIST",
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x00",
    b"\x00\x00\xff\x7f",
)


def check(data: bytes) -> None:
    """Never less than what is there."""
    _FILE.write_bytes(data)
    frames = promised(_FILE, FRAMES)
    assert frames is not None
    assert frames >= FRAMES
    assert data[:4] == b"RIFF" or frames == FRAMES
    assert promised(_FILE, 2**62) is None
