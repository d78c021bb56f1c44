"""Mails about messages that are owed to people; what is sent, or not wanted any more, is not here."""

import time
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from ringdove.model.voicemail import AfterVmNotify, MailboxKind, Message, NewVmNotify
from ringdove.store import vm_groups
from ringdove.store.database import Database
from ringdove.store.tables import extension, vm_mail, vm_message


class OwedMail(NamedTuple):
    """Somebody is to be told of a message; `since` is Unix seconds."""

    id: int
    message_id: int
    extension_id: int
    since: float


class Mails:
    """Keeps the mails that are owed. They come with the messages (`Messages.deliver`) and go with them, too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def owed(self, *, after: int = 0) -> list[OwedMail]:
        """Return those with a higher id than `after`, oldest first."""
        query = select(vm_mail).where(vm_mail.c.id > after).order_by(vm_mail.c.id)
        rows = await self._database.read(lambda conn: conn.execute(query).all())
        return [OwedMail(row.id, row.message_id, row.extension_id, row.since) for row in rows]

    async def settle(self, mail: OwedMail, after: AfterVmNotify = AfterVmNotify.NO) -> bool:
        """It is not owed any more, and the message is marked as read or deleted; whether that changed a mailbox."""
        gone = delete(vm_mail).where(vm_mail.c.id == mail.id)
        this = vm_message.c.id == mail.message_id

        def work(conn: Connection) -> bool:
            conn.execute(gone)
            match after:
                case AfterVmNotify.MARK_AS_READ:
                    unread = update(vm_message).where(this, vm_message.c.read.is_(False))
                    return conn.execute(unread.values(read=True)).rowcount > 0
                case AfterVmNotify.DELETE:
                    return conn.execute(delete(vm_message).where(this)).rowcount > 0
            return False

        return await self._database.write(work, settings=False)


def owe(conn: Connection, messages: Iterable[Message]) -> None:
    """Note who is to be told of new messages: the owner of the mailbox, or everybody who shares it."""
    to_tell = [
        (message.id, person)
        for message in messages
        for person in (
            [message.mailbox.id]
            if message.mailbox.kind is MailboxKind.EXTENSION
            else vm_groups.people(conn, message.mailbox.id)
        )
    ]
    wanting = select(extension.c.id).where(
        extension.c.id.in_({person for _, person in to_tell}),
        extension.c.new_vm_notify != NewVmNotify.NO,
        extension.c.email_addr.is_not(None),
    )
    want, now = set(conn.execute(wanting).scalars()), time.time()
    rows = [{"message_id": message, "extension_id": who, "since": now} for message, who in to_tell if who in want]
    if rows:
        conn.execute(insert(vm_mail), rows)
