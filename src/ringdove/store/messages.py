"""Voicemail messages in the database; their audio is in the library."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Integer, cast, delete, func, insert, select, update

from ringdove.model.voicemail import PLAYED_OCTETS, Mailbox, MailboxUsage, Message, MessageCount, NewMessage
from ringdove.store.database import Database
from ringdove.store.listing import Listing, page
from ringdove.store.mailboxes import inside, mailbox_of
from ringdove.store.mails import owe
from ringdove.store.references import missing
from ringdove.store.tables import vm_message

SORTABLE = {
    "id": vm_message.c.id,
    "caller": vm_message.c.caller_number,
    "time": vm_message.c.time,
    "duration": vm_message.c.seconds,
    "read": vm_message.c.read,
}
_SEARCHED = [vm_message.c.caller_number, vm_message.c.caller_name]
_OCTETS = vm_message.c.size + cast(PLAYED_OCTETS * vm_message.c.seconds, Integer)
_ADD = insert(vm_message).returning(vm_message.c.id, sort_by_parameter_order=True)


class Messages:
    """Delivers, finds, marks and deletes messages. They are not settings: no call asks for one by heart."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def deliver(
        self, recording: str, mailboxes: Iterable[Mailbox], new: NewMessage, *, mail: bool = False
    ) -> list[Message]:
        """Put what was recorded into mailboxes, once into each; returns what is there new.

        A mailbox that has this recording already, or whose owner is gone, is passed over: so it can be done again after
        a crash. With `mail` whoever wants to be told by e-mail is owed one from then on, see `Mails`.
        """
        wanted = list(dict.fromkeys(mailboxes))
        content = new.model_dump(include=set(NewMessage.model_fields))

        def work(conn: Connection) -> list[Message]:
            known = select(vm_message.c.mailbox_kind, vm_message.c.mailbox_id).where(
                vm_message.c.recording == recording
            )
            there = {mailbox_of(row) for row in conn.execute(known).all()}
            gone = missing(conn, (mailbox.owner for mailbox in wanted))
            places = [mailbox for mailbox in wanted if mailbox not in there and mailbox.owner not in gone]
            if not places:
                return []
            values = content | {"recording": recording, "read": False}
            ids = conn.execute(_ADD, [values | _columns(mailbox) for mailbox in places]).scalars()
            made = [
                Message.model_construct(**values, id=given, mailbox=mailbox)
                for given, mailbox in zip(ids, places, strict=True)
            ]
            if mail:
                owe(conn, made)
            return made

        return await self._database.write(work, settings=False)

    async def get(self, message_id: int) -> Message | None:
        """Return the message with this id."""
        return next(iter(await self.many([message_id])), None)

    async def many(self, ids: Iterable[int]) -> list[Message]:
        """Return those of `ids` that exist, in the order asked for, each once."""
        wanted = list(dict.fromkeys(ids))
        query = select(vm_message).where(vm_message.c.id.in_(wanted))
        rows = await self._database.read(lambda conn: conn.execute(query).all())
        found = {row.id: _from_row(row) for row in rows}
        return [found[i] for i in wanted if i in found]

    async def page(self, mailbox: Mailbox, listing: Listing, *, read: bool | None = None) -> tuple[int, list[Message]]:
        """Return the number of all matches in a mailbox and the wanted part of them; `read` None is both."""
        query = select(vm_message).where(inside(vm_message, mailbox))
        if read is not None:
            query = query.where(vm_message.c.read == read)

        def work(conn: Connection) -> tuple[int, list[Message]]:
            total, rows = page(conn, query, listing, SORTABLE, _SEARCHED)
            return total, [_from_row(row) for row in rows]

        return await self._database.read(work)

    async def mark(self, message_id: int, read: bool) -> Message | None:
        """Say whether somebody has listened to a message; returns it as it is now, None where there is none."""
        query = update(vm_message).where(vm_message.c.id == message_id).values(read=read).returning(vm_message)

        def work(conn: Connection) -> Message | None:
            row = conn.execute(query).one_or_none()
            return _from_row(row) if row else None

        return await self._database.write(work, settings=False)

    async def delete(self, *message_ids: int) -> list[Message]:
        """Delete messages and return those that were there. Their audio is for who asks to discard."""
        query = delete(vm_message).where(vm_message.c.id.in_(message_ids)).returning(vm_message)

        def work(conn: Connection) -> list[Message]:
            return [_from_row(row) for row in conn.execute(query).all()]

        return await self._database.write(work, settings=False)

    async def count(self, mailbox: Mailbox) -> MessageCount:
        """Return how many messages of a mailbox are new, and how many are not."""
        return (await self.counts([mailbox]))[mailbox]

    async def counts(self, mailboxes: Iterable[Mailbox]) -> dict[Mailbox, MessageCount]:
        """Return how many messages of each mailbox are new, and how many are not; one query per kind."""
        counts = dict.fromkeys(mailboxes, MessageCount(0, 0))
        box = vm_message.c

        def work(conn: Connection) -> None:
            for kind in {mailbox.kind for mailbox in counts}:
                ids = [mailbox.id for mailbox in counts if mailbox.kind is kind]
                of_kind = (box.mailbox_kind == kind, box.mailbox_id.in_(ids))
                query = select(box.mailbox_kind, box.mailbox_id, box.read, func.count().label("number")).where(*of_kind)
                for row in conn.execute(query.group_by(box.mailbox_kind, box.mailbox_id, box.read)).all():
                    before = counts[mailbox_of(row)]
                    counts[mailbox_of(row)] = (
                        before._replace(old=row.number) if row.read else before._replace(new=row.number)
                    )

        await self._database.read(work)
        return counts

    async def usage_in_total(self) -> MailboxUsage:
        """Return what all mailboxes hold: a message in several of them counts for each, and is once on disk."""
        per_content = select(func.count().label("number"), func.max(_OCTETS).label("octets")).group_by(
            vm_message.c.digest
        )
        each = per_content.subquery()
        query = select(func.coalesce(func.sum(each.c.number), 0), func.coalesce(func.sum(each.c.octets), 0))
        row = await self._database.read(lambda conn: conn.execute(query).one())
        return MailboxUsage(*(int(number) for number in row))


def _columns(mailbox: Mailbox) -> dict[str, Any]:
    return {"mailbox_kind": mailbox.kind, "mailbox_id": mailbox.id}


def _from_row(row: Any) -> Message:
    fields = {name: row._mapping[name] for name in Message.model_fields if name != "mailbox"}
    return Message.model_construct(**fields, mailbox=mailbox_of(row))
