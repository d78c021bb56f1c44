"""What one party hears: items of tracks, as one row of frames read from files."""

import os
import random
from collections.abc import Callable, Iterator, Sequence
from io import BufferedReader
from itertools import count

from ..frames import FRAME_BYTES, FRAME_SECONDS

Items = Sequence[tuple[str, Sequence[str], int, bool]]
"""As in `wire.Play`: name, folders of the tracks, how often (0: without end), shuffled or not."""


class Programme:
    """Frame after frame without a gap. One file is open at a time.

    A track that cannot be read is left out. An item ends as broken when nothing of it could be read in one round.
    One track that is heard so many times is opened once: whatever becomes of its folder, it is heard so often.
    """

    def __init__(self, items: Items, file: str, skip: float, ended: Callable[[str, bool], None]) -> None:
        """`file`: which one of each folder; `skip`: seconds to leave out; `ended`: told each item that is over, and
        whether it was broken.
        """
        self._file = file
        self._skip = round(skip / FRAME_SECONDS)
        self._ended = ended
        self._sounded = False
        self._counted = False
        """Whether the item has an end; one without ends as broken when its track is replaced."""
        self._track: BufferedReader | None = None
        self._tracks = self._row(items)

    def frame(self) -> bytes | None:
        """The next FRAME_BYTES; None when all is through."""
        while True:
            if self._track is not None:
                frame = _read(self._track)
                if len(frame) == FRAME_BYTES:
                    self._sounded = True
                    return frame
            folder = next(self._tracks, None)
            if folder is None:
                self.close()
                return None
            self._open(folder)

    def use(self, file: str) -> None:
        """Go on in another file of the same tracks."""
        if file == self._file:
            return
        self._file = file
        if self._track is not None:
            folder, position = os.path.dirname(self._track.name), self._track.tell()
            self.close()
            self._skip = position // FRAME_BYTES
            self._open(folder)

    def close(self) -> None:
        """Let go of the file."""
        if self._track is not None:
            self._track.close()
            self._track = None

    def _row(self, items: Items) -> Iterator[str]:
        """Folder after folder."""
        for name, folders, times, shuffled in items:
            over = self._rounds_over(folders, times)
            self._sounded = over > 0
            self._counted = times > 0
            for _ in range(over, times) if times else count():
                self._sounded = False
                yield from random.sample(folders, len(folders)) if shuffled else folders
                if not self._sounded:
                    break
            self._ended(name, not self._sounded)

    def _rounds_over(self, folders: Sequence[str], times: int) -> int:
        """How many rounds of an item `skip` covers; it is less by those then."""
        length = sum(map(self._frames, folders)) if self._skip else 0
        if not length:
            return 0
        over = self._skip // length
        if times:
            over = min(over, times)
        self._skip -= over * length
        return over

    def _frames(self, folder: str) -> int:
        try:
            return os.path.getsize(os.path.join(folder, self._file)) // FRAME_BYTES
        except OSError:
            return 0

    def _open(self, folder: str) -> None:
        """Open a track behind what is to be skipped; leave it out when there is nothing to be read."""
        if self._counted and self._track is not None and os.path.dirname(self._track.name) == folder and not self._skip:
            self._track.seek(0)
            return
        self.close()
        skip = min(self._skip, self._frames(folder))
        try:
            track = open(os.path.join(folder, self._file), "rb")  # noqa: SIM115 - closed by `close`
            track.seek(skip * FRAME_BYTES)
        except OSError:
            return
        self._skip -= skip
        self._sounded |= skip > 0
        self._track = track


def _read(track: BufferedReader) -> bytes:
    """A frame; less at the end, and where the disk fails."""
    try:
        return track.read(FRAME_BYTES)
    except OSError:
        return b""
