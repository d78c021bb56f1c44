"""Tapes: what is recorded, as it came in. The media process writes them; a WAV is made of one when it is complete.

A tape is a file: 8 octets that say so, a mark of 16 random ones, then reels. A reel is the mark again, the number of
channels, and records: channel, codec, arrival, RTP time stamp, size, payload; everything little endian. A reel ends at
the next mark or in the middle of a record, as a crash or a full disk left it. The media process imports this, so it
imports next to nothing.
"""

import os
from collections.abc import Iterator
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mmap import mmap

CODECS = ("pcmu", "pcma", "g722", "opus")
"""What can be put on a tape, by names in lower case."""

_NUMBERS = {codec: number for number, codec in enumerate(CODECS)}
_TAPE = b"ringtape"
_MARK = 16
_RECORD = Struct("<BBdIH")
_ENOUGH = 65_536

LONGEST = 1 << 30
"""Octets that a tape may have: 15 hours of two that talk in 10 ms packets; the disk is everybody's."""


class Packet(NamedTuple):
    """A packet on a tape; its payload are `size` octets of the file from `start`."""

    channel: int
    codec: str
    at: float
    """When it came: monotonic time in seconds."""
    timestamp: int
    """Of RTP."""
    start: int
    size: int


class TapeWriter:
    """Writes a tape, or goes on with one where the file exists. `channels`: there are so many, should some stay silent.
    What does not fit into `longest` octets is lost.

    Everything may raise OSError, for instance because the disk is full. What was not written is lost then; trying
    again later is fine, and so is closing.
    """

    def __init__(self, path: str | os.PathLike[str], channels: int = 1, longest: int = LONGEST) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        head = os.pread(self._file, len(_TAPE) + _MARK, 0)
        self._buffer = bytearray()
        if len(head) < len(_TAPE) + _MARK:  # new, or died while it was new
            os.truncate(self._file, 0)
            head = _TAPE + os.urandom(_MARK)
            self._buffer += head
        self._reel = head[len(_TAPE) :] + bytes([channels])
        self._buffer += self._reel
        self._left = longest - os.fstat(self._file).st_size - len(self._buffer)

    def put(self, channel: int, codec: str, at: float, timestamp: int, payload: bytes) -> None:
        """Add a packet, to be written soon: `codec` as in CODECS, others are ignored; `at` as in Packet."""
        number = _NUMBERS.get(codec)
        size = _RECORD.size + len(payload)
        if number is None or size > self._left:
            return
        self._left -= size
        self._buffer += _RECORD.pack(channel, number, at, timestamp, len(payload))
        self._buffer += payload
        if len(self._buffer) >= _ENOUGH:
            self.flush()

    def flush(self) -> None:
        """Write now what was put."""
        pending, self._buffer = self._buffer, bytearray()
        try:
            while pending:
                del pending[: os.write(self._file, pending)]
        except OSError:
            self._buffer += self._reel  # so that what follows a torn record can be told from it
            raise

    def close(self) -> None:
        """Write the rest and let go of the file, even when writing fails."""
        try:
            self.flush()
        finally:
            os.close(self._file)


def reels(tape: "bytes | mmap") -> Iterator[tuple[int, Iterator[Packet]]]:
    """The reels of a tape, each with its number of channels and its packets in the order in which they came.

    Takes the whole file, for instance mapped into memory. Whatever it holds, this ends without an error.
    """
    mark = tape[len(_TAPE) : len(_TAPE) + _MARK]
    if tape[: len(_TAPE)] != _TAPE or len(mark) < _MARK:
        return
    start = tape.find(mark, len(_TAPE) + _MARK)
    while start >= 0:
        after = tape.find(mark, start + _MARK)
        first = start + _MARK
        if first < len(tape):
            yield tape[first], _packets(tape, first + 1, after if after >= 0 else len(tape))
        start = after


def _packets(tape: "bytes | mmap", start: int, end: int) -> Iterator[Packet]:
    while (payload := start + _RECORD.size) <= end:
        channel, number, at, timestamp, size = _RECORD.unpack_from(tape, start)
        start = payload + size
        if start > end or number >= len(CODECS):
            return
        yield Packet(channel, CODECS[number], at, timestamp, payload, size)
