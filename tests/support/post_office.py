"""Letters on their way into mailboxes, with a real store, library and disk.

async with Office.open(tmp_path) as office:
    office.postbox.send(await office.letter())
    await office.delivered(1)
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from ringdove.events.bus import Bus
from ringdove.events.types import MailboxChanged, MailboxFull, MessageLeft
from ringdove.media.library import Library
from ringdove.model.extension import Extension
from ringdove.model.voicemail import Mailbox, MailboxKind
from ringdove.settings import Settings
from ringdove.shelf import Shelf
from ringdove.store import Store
from ringdove.voicemail.delivery import PACE
from ringdove.voicemail.mailboxes import Mailboxes
from ringdove.voicemail.pace import Pace
from ringdove.voicemail.postbox import Postbox
from ringdove.voicemail.spool import Letter

from .phones import until
from .tone import sound_file

ANN, BEN = Mailbox(MailboxKind.EXTENSION, 1), Mailbox(MailboxKind.EXTENSION, 2)


@dataclass
class Office:
    """A post office with two people, and what the bus was told."""

    store: Store
    library: Library
    bus: Bus
    settings: Settings
    postbox: Postbox
    mailboxes: Mailboxes
    told: list[object]
    calls: Iterator[int] = field(default_factory=lambda: count(1))

    @classmethod
    @asynccontextmanager
    async def open(cls, data: Path, **flags: Any) -> AsyncIterator["Office"]:
        """Open one on an empty folder."""
        settings = Settings.load(data=data, **flags)
        store = await Store.open(settings.database_url)
        for number in ("2001", "2002"):
            await store.extensions.create(Extension(number=number))
        library, bus, told = Library(data / "audio"), Bus(), list[object]()
        for kind in (MailboxChanged, MailboxFull, MessageLeft):
            bus.subscribe(kind, told.append)
        shelf = Shelf(store, library)
        postbox, mailboxes = Postbox(store, shelf, bus, settings), Mailboxes(store, shelf, bus)
        office = cls(store, library, bus, settings, postbox, mailboxes, told)
        await office.postbox.start()
        yield office
        await office.postbox.close()
        await store.close()

    def another(self, pace: Pace = PACE) -> Postbox:
        """The next start of the server."""
        return Postbox(self.store, Shelf(self.store, self.library), self.bus, self.settings, pace)

    async def restart(self, pace: Pace = PACE) -> None:
        """Have the server start again, and deliver at this pace."""
        await self.postbox.close()
        self.postbox = self.another(pace)
        await self.postbox.start()

    async def letter(self, *mailboxes: Mailbox, seconds: float = 3, call_id: str = "") -> Letter:
        """A letter with a tone in it, not sent yet; of another call each unless one is named."""
        call_id = call_id or f"c{next(self.calls)}"
        letter = await self.postbox.begin(mailboxes or (ANN,), caller_number="7", caller_name="Zoë", call_id=call_id)
        sound_file(self.postbox.file(letter), [(440, seconds)], rate=8000)
        return letter

    @property
    def spooled(self) -> list[str]:
        return sorted(path.suffix for path in (self.settings.data / "voicemail").iterdir())

    async def delivered(self, count: int, mailbox: Mailbox = ANN) -> None:
        """Wait until nothing is under way; so many messages are in the mailbox then."""
        await until(
            lambda: not (self.spooled or self.postbox.undelivered().waiting), "a letter is under way", within=10
        )
        assert (await self.store.messages.count(mailbox)).new == count
