"""Tells calls what changes about the people whom they ring (R9)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from ringdove.events.bus import Bus
from ringdove.events.types import BindingsChanged, BusyChanged, ExtensionChanged, ExtensionDeleted
from ringdove.model.extension import Extension

from .inbox import CallEvent, Inbox, MemberChanged, SettingsChanged

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Watched:
    extension: Extension
    inboxes: set[Inbox] = field(default_factory=set)


class Lookout:
    """Puts into the inboxes of calls what the bus tells of their members; `read` gives the settings of an extension.

    However many calls ring, an event costs only those that ring the person whom it is about.
    """

    def __init__(self, bus: Bus, read: Callable[[int], Awaitable[Extension | None]]) -> None:
        self._read = read
        self._watching: dict[int, _Watched] = {}
        """By member."""
        self._readings: set[asyncio.Task[None]] = set()
        bus.subscribe(BindingsChanged, self._changed)
        bus.subscribe(BusyChanged, self._in_calls)
        bus.subscribe(ExtensionChanged, self._edited)
        bus.subscribe(ExtensionDeleted, self._deleted)

    def __len__(self) -> int:
        """How many people are watched."""
        return len(self._watching)

    @contextmanager
    def watch(self, members: Iterable[Extension], inbox: Inbox) -> Iterator[None]:
        """Tell `inbox` of these members while the block runs."""
        ids = [member.id for member in members]
        for member in members:
            watched = self._watching.get(member.id)
            if watched is None:
                watched = self._watching[member.id] = _Watched(member)
            watched.inboxes.add(inbox)
        try:
            yield
        finally:
            for member_id in ids:
                watched = self._watching[member_id]
                watched.inboxes.discard(inbox)
                if not watched.inboxes:
                    del self._watching[member_id]

    async def close(self) -> None:
        """Read nothing any more."""
        for reading in self._readings:
            reading.cancel()
        await asyncio.gather(*self._readings, return_exceptions=True)

    def _changed(self, event: BindingsChanged) -> None:
        if event.extension_id in self._watching:
            self._tell(event.extension_id, MemberChanged(event.extension_id))

    def _in_calls(self, event: BusyChanged) -> None:
        """With call waiting it rings as before, unless it may be in no more calls (R1)."""
        watched = self._watching.get(event.extension_id)
        if watched is not None and (event.full or not watched.extension.enb_call_waiting):
            self._tell(event.extension_id, MemberChanged(event.extension_id))

    def _deleted(self, event: ExtensionDeleted) -> None:
        self._tell(event.extension_id, SettingsChanged(event.extension_id, None))

    def _edited(self, event: ExtensionChanged) -> None:
        if event.extension_id in self._watching:
            reading = asyncio.get_running_loop().create_task(self._reread(event.extension_id))
            self._readings.add(reading)
            reading.add_done_callback(self._readings.discard)

    async def _reread(self, member: int) -> None:
        """Read new settings beside the ringing, which must not wait for a store that is slow or fails."""
        try:
            extension = await self._read(member)
        except Exception:
            log.exception("settings_not_read", extension=member)
        else:
            if extension is not None and member in self._watching:
                self._watching[member].extension = extension
            self._tell(member, SettingsChanged(member, extension))

    def _tell(self, member: int, event: CallEvent) -> None:
        if (watched := self._watching.get(member)) is not None:
            for inbox in watched.inboxes:
                inbox.put(event)
