"""Recordings as the child writes them. Whatever the disk does, calls go on: what cannot be written is lost."""

from contextlib import suppress

from ..tape import TapeWriter
from .ear import Vigil


class Recorder:
    """One tape, on which several parties may be put; `vigil`, if given, listens."""

    def __init__(self, path: str, channels: int, vigil: Vigil | None = None) -> None:
        self._vigil = vigil
        self._writer: TapeWriter | None = None
        with suppress(OSError):
            self._writer = TapeWriter(path, channels)

    def put(self, channel: int, codec: str, at: float, timestamp: int, payload: bytes) -> None:
        """Keep a packet."""
        if self._vigil is not None:
            self._vigil.hear(channel, codec, at, payload)
        if self._writer is not None:
            with suppress(OSError):
                self._writer.put(channel, codec, at, timestamp, payload)

    def flush(self) -> None:
        """Write what was kept."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.flush()

    def close(self) -> None:
        """Write the rest."""
        if self._vigil is not None:
            self._vigil.end()
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
            self._writer = None
