"""What is done with what lies in mailboxes, on the phone and over the interface; who watches them is told."""

import time
from collections.abc import Iterable
from pathlib import Path

from ringdove.events.bus import Bus
from ringdove.events.types import ExtensionChanged, MailboxChanged
from ringdove.media.library import Kept
from ringdove.model.voicemail import Greeting, Mailbox, MailboxKind, Message
from ringdove.shelf import Shelf
from ringdove.store import Store


class Mailboxes:
    """Marks and deletes messages, saves and chooses greetings."""

    def __init__(self, store: Store, shelf: Shelf, bus: Bus) -> None:
        self._store = store
        self._shelf = shelf
        self._bus = bus

    async def mark(self, message_id: int, read: bool) -> Message | None:
        """Say whether somebody has listened to a message; returns it as it is now, None where there is none."""
        message = await self._store.messages.mark(message_id, read)
        if message is not None:
            self._bus.publish(MailboxChanged(message.mailbox))
        return message

    async def delete(self, message_ids: Iterable[int]) -> None:
        """Messages are not wanted any more; those that are gone already are fine."""
        gone = await self._store.messages.delete(*message_ids)
        for mailbox in {message.mailbox for message in gone}:
            self._bus.publish(MailboxChanged(mailbox))
        await self._shelf.discard(*{message.digest for message in gone})

    async def save_greeting(self, mailbox: Mailbox, name: str, recording: Path) -> None:
        """Keep a recording as the greeting of this name, in place of the one before. Raises as `Shelf.keep`."""

        async def save(kept: Kept) -> tuple[Greeting, Greeting | None]:
            greeting = Greeting(
                mailbox=mailbox,
                file=name,
                digest=kept.digest,
                seconds=kept.seconds,
                size=kept.size,
                uploaded_at=time.time(),
            )
            return await self._store.greetings.save(greeting)

        await self._shelf.keep(recording, name, save)

    async def choose_greeting(self, mailbox: Mailbox, name: str) -> None:
        """Have callers hear this greeting of a mailbox from now on, or the system's (FOLLOW_SYSTEM)."""
        if mailbox.kind is MailboxKind.GROUP:
            await self._store.vm_groups.update(mailbox.id, lambda group: group.model_copy(update={"vm_greeting": name}))
            return
        await self._store.extensions.update(mailbox.id, lambda one: one.model_copy(update={"vm_greeting": name}))
        self._bus.publish(ExtensionChanged(mailbox.id))
