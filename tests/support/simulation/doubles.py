"""What stands in for the parts of the server that need real time: the store, and the process that carries audio."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence, Set
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from ringdove.media.embedded.session import EmbeddedSession
from ringdove.media.embedded.wire import Play, Played, Record, Stream
from ringdove.media.engine import Caps, MediaEvent, PlayEnded, SessionId
from ringdove.model.audio import PlayOrder
from ringdove.model.extension import Extension
from ringdove.model.options import Options
from ringdove.model.reference import DestinationKind, Dialable
from ringdove.model.ring_group import RingGroup, RosterEntry
from ringdove.store.calls import Entry as CallEntry

from ..media import Ports

if TYPE_CHECKING:
    from .world import World

PROMPT = 4.0
"""Seconds that every prompt lasts."""


class SimulatedMedia(Ports):
    """A media engine of which only the ports and the state of each session are real."""

    caps = Caps()

    def __init__(self) -> None:
        super().__init__()
        self.ports = deque(range(30000, 31000, 2))
        self.sessions: dict[SessionId, EmbeddedSession] = {}
        self._played: asyncio.Queue[PlayEnded] = asyncio.Queue()

    async def open(self, sid: SessionId) -> EmbeddedSession:
        return self.sessions.setdefault(sid, EmbeddedSession(sid, self))

    async def recover(self, known: Set[SessionId]) -> set[SessionId]:
        return set(known & self.sessions.keys())

    async def events(self) -> AsyncIterator[MediaEvent]:
        while True:
            yield await self._played.get()

    def tell(self, command: Stream | Play | Record) -> None:
        super().tell(command)
        if isinstance(command, Play) and command.items and command.items[0][2]:  # else it has no end
            item = command.items[0][0]
            loop = asyncio.get_running_loop()
            loop.call_later(PROMPT, self._item_ends, command.port, command.number, item)

    def _item_ends(self, port: int, number: int, item: str) -> None:
        session, party = self.owners[port]
        report = Played(port, number, item, False, asyncio.get_running_loop().time())
        if (event := session.played(party, report)) is not None:
            self._played.put_nowait(event)

    def forget(self, session: SessionId) -> None:
        del self.sessions[session]


class Shelves:
    """A library in which every sound is."""

    @staticmethod
    def track(digest: str) -> Path:
        return Path("/sounds") / digest


class Shelf:
    """What calls ask of the store, in memory, as slow as the script says."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.extensions = SimpleNamespace(get=self._extension, by_reg_name=self._by_name)
        self.ring_groups = SimpleNamespace(get=self._group, roster=self._roster)
        self.numbers = SimpleNamespace(find=self._find)
        self.sounds = SimpleNamespace(find=self._sound)
        self.options = SimpleNamespace(get=self._options)
        self.calls = SimpleNamespace(save=self._save, close_open=self._close_open)

    async def _wait(self) -> None:
        await asyncio.sleep(self._world.dice.uniform(0, self._world.script.lag))

    async def _extension(self, id_: int) -> Extension | None:
        await self._wait()
        found = self._world.extensions.get(id_)
        self._world.extension_read(id_, found)
        return found

    async def _by_name(self, name: str) -> Extension | None:
        await self._wait()
        return next((e for e in self._world.extensions.values() if e.reg_name == name), None)

    async def _group(self, id_: int) -> RingGroup | None:
        await self._wait()
        return self._world.groups.get(id_)

    async def _options(self) -> Options:
        await self._wait()
        return Options()

    async def _roster(self, group: RingGroup) -> list[RosterEntry]:
        await self._wait()
        return self._world.begin_group(group.id)

    async def _find(self, number: str) -> Dialable | None:
        await self._wait()
        id_ = int(number[1:])
        if number[0] == "2" and id_ in self._world.extensions:
            return Dialable(DestinationKind.EXTENSION, id_)
        return Dialable(DestinationKind.RING_GROUP, id_) if number[0] == "6" and id_ in self._world.groups else None

    async def _sound(self, name: str) -> SimpleNamespace:
        await self._wait()
        prompt = SimpleNamespace(digest=name, seconds=PROMPT)
        return SimpleNamespace(files=[prompt], play_order=PlayOrder.ALPHABETICAL)

    async def _close_open(self, node: str, reason: str) -> None:
        await self._wait()

    async def _save(self, entries: Sequence[CallEntry]) -> None:
        self._world.chronicle.stories += [deepcopy(entry.story) for entry in entries if entry.node is None]
        await self._wait()
