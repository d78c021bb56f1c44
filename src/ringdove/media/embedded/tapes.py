"""The recordings of one call in the parent: what the child is to put on which tape, and what becomes of it."""

import asyncio
from collections.abc import Callable, Set
from dataclasses import dataclass
from pathlib import Path

from ringdove.media.embedded.switch import Switch
from ringdove.media.embedded.wire import Record
from ringdove.media.engine import PartyId, Recording, RecordingFailed, RecordingId
from ringdove.media.recordings import finish, tape_of


@dataclass(slots=True)
class Tape:
    """What becomes a recording: `file` with one channel for each party."""

    file: Path
    parties: tuple[PartyId, ...]
    quiet: float
    """As in `wire.Record`."""
    told: Record | None = None
    """What the child was told last of it."""
    complete: asyncio.Future[None] | None = None
    """Done when nothing more is written to it; None while it runs."""

    @property
    def path(self) -> str:
        """Where it is kept until the file is made of it."""
        return str(tape_of(self.file))


class Tapes:
    """Those of one session."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._tapes: dict[RecordingId, Tape] = {}
        self._running: list[Tape] = []

    def begin(self, r: RecordingId, tape: Tape) -> None:
        """Another one; what it needs is told by `push`. Raises ValueError."""
        if r in self._tapes or tape.file in {other.file for other in self._tapes.values()} or not tape.parties:
            raise ValueError("a recording wants an id and a file of its own, and at least one party")
        self._tapes[r] = tape
        self._running.append(tape)

    @property
    def recorded(self) -> Set[PartyId]:
        """Who is on a tape that runs."""
        return {party for tape in self._running for party in tape.parties}

    def push(self, port: Callable[[PartyId], int]) -> None:
        """Tell the child what is not as it was told last. `port`: that of a party, 0 where it has none now."""
        for tape in self._running:
            record = Record(tape.path, [port(party) for party in tape.parties], tape.quiet)
            if tape.told != record:
                tape.told = record
                self._switch.tell(record)

    def forget(self) -> None:
        """Another child is there that was told nothing."""
        for tape in self._tapes.values():
            tape.told = None

    def of(self, path: str) -> RecordingId | None:
        """The recording that is kept there, as long as it runs."""
        return next((r for r, tape in self._tapes.items() if tape.path == path and tape.complete is None), None)

    async def stop(self, r: RecordingId, keep_silence: float | None) -> Recording:
        """End one and make its file; see `MediaSession.stop_record`."""
        tape = self._tapes[r]
        await asyncio.shield(self._complete(tape))
        try:
            seconds = await finish(tape.file, keep_silence)
        except OSError as error:
            raise RecordingFailed(str(error)) from error
        self._tapes.pop(r, None)
        return Recording(tape.file, seconds)

    def end(self) -> None:
        """Nothing is recorded any more; `stop` makes the files."""
        for tape in self._running.copy():
            self._complete(tape)

    def _complete(self, tape: Tape) -> asyncio.Future[None]:
        if tape.complete is None:
            self._running.remove(tape)
            tape.complete = self._switch.complete(tape.path)
        return tape.complete
