"""What voicemail needs of a server to send mails, and messages to tell of.

async with MailServer.open() as server, PostRoom.open(tmp_path, server.port) as room:
    ada = await room.person()
    await room.leave(ada.mailbox)
    mail = await server.mail()
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ringdove.events.bus import Bus
from ringdove.events.types import MailboxChanged, MessageLeft
from ringdove.media.library import Library
from ringdove.model.extension import Extension
from ringdove.model.voicemail import Mailbox, Message, NewMessage
from ringdove.settings import Settings
from ringdove.shelf import Shelf
from ringdove.store import Store
from ringdove.voicemail.mail import Mailer
from ringdove.voicemail.pace import Pace

from .tone import sound_file

QUICK = Pace(first=0.05, longest=0.2, limit=60)
SENDER = "pbx@example.com"


class PostRoom:
    """What voicemail needs of a server to send mails, on a data folder that can be opened again."""

    def __init__(self, store: Store, settings: Settings, pace: Pace) -> None:
        self.store = store
        self.audio = Library(settings.data / "audio")
        self.shelf = Shelf(store, self.audio)
        self.bus = Bus()
        self.changed: list[Mailbox] = []
        self.bus.subscribe(MailboxChanged, lambda event: self.changed.append(event.mailbox))
        self.mailer = Mailer(store, self.shelf, self.audio, self.bus, settings, pace)

    @classmethod
    @asynccontextmanager
    async def open(cls, data: Path, port: int, *, pace: Pace = QUICK, **settings: Any) -> AsyncIterator["PostRoom"]:
        """Open one that sends to this port."""
        flags = {"smtp": f"127.0.0.1:{port}", "smtp_security": "none", "smtp_from": SENDER, "data": data, **settings}
        loaded = Settings.load(**flags)
        store = await Store.open(loaded.database_url)
        room = cls(store, loaded, pace)
        room.mailer.start()
        try:
            yield room
        finally:
            await room.mailer.close()
            await store.close()

    async def person(self, number: str = "2001", **fields: Any) -> Extension:
        """Somebody who wants mails."""
        wanted = {"email_addr": f"x{number}@example.com", "new_vm_notify": "email_without_attachment", **fields}
        return await self.store.extensions.create(Extension(number=number, **wanted))

    async def leave(self, *mailboxes: Mailbox, pitch: float = 440, seconds: float = 0.5) -> tuple[list[Message], bytes]:
        """Have a message left in mailboxes, as the postbox does it; returns also its WAV."""
        file = sound_file(self.audio.incoming / f"{time.monotonic_ns()}.wav", [(pitch, seconds)], rate=8000)
        kept = await self.audio.add(file, file.name)
        new = NewMessage(
            caller_number="6001",
            caller_name="Bob Brown",
            time=time.time() - seconds,
            seconds=seconds,
            digest=kept.digest,
            size=kept.size,
        )
        left = await self.store.messages.deliver(f"r{time.monotonic_ns()}", mailboxes, new, mail=True)
        for message in left:
            self.bus.publish(MessageLeft(message))
        return left, file.read_bytes()

    async def idle(self) -> None:
        """Wait until no mail is owed."""
        deadline = time.monotonic() + 10
        while self.mailer.waiting or await self.store.mails.owed():
            assert time.monotonic() < deadline, "mails are owed"
            await asyncio.sleep(0.01)


async def until(holds: Callable[[], object], within: float = 10.0) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it does not come about"
        await asyncio.sleep(0.01)
