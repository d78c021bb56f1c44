"""Greetings of mailboxes in the database; their audio is in the library."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from ringdove.model.audio import FOLLOW_SYSTEM
from ringdove.model.reference import ObjectKind
from ringdove.model.voicemail import Greeting, Mailbox, MailboxKind
from ringdove.store.database import Database
from ringdove.store.errors import BrokenReference, InUse, Usage
from ringdove.store.listing import Listing, page
from ringdove.store.mailboxes import inside, mailbox_of
from ringdove.store.memory import remembered
from ringdove.store.references import missing
from ringdove.store.tables import extension, vm_greeting, vm_group

SORTABLE = {
    "id": vm_greeting.c.id,
    "file": vm_greeting.c.file,
    "duration": vm_greeting.c.seconds,
    "size": vm_greeting.c.size,
    "time": vm_greeting.c.uploaded_at,
}


class Greetings:
    """Keeps the greetings of all mailboxes, each under its name there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, greeting_id: int) -> Greeting | None:
        """Return the greeting with this id."""
        return await self._database.read(lambda conn: _one(conn, vm_greeting.c.id == greeting_id))

    @remembered
    async def of(self, mailbox: Mailbox) -> tuple[Greeting, ...]:
        """Return all greetings of a mailbox, by name."""
        query = select(vm_greeting).where(inside(vm_greeting, mailbox)).order_by(vm_greeting.c.file)
        rows = await self._database.read(lambda conn: conn.execute(query).all())
        return tuple(_from_row(row) for row in rows)

    async def chosen(self, mailbox: Mailbox, name: str) -> Greeting | None:
        """Return what the `vm_greeting` of the owner of a mailbox stands for; None is the system's greeting."""
        if name == FOLLOW_SYSTEM:
            return None
        return next((greeting for greeting in await self.of(mailbox) if greeting.file == name), None)

    async def page(self, mailbox: Mailbox, listing: Listing) -> tuple[int, list[Greeting]]:
        """Return the number of all greetings of a mailbox and the wanted part of them."""
        query = select(vm_greeting).where(inside(vm_greeting, mailbox))

        def work(conn: Connection) -> tuple[int, list[Greeting]]:
            total, rows = page(conn, query, listing, SORTABLE, [vm_greeting.c.file])
            return total, [_from_row(row) for row in rows]

        return await self._database.read(work)

    async def save(self, new: Greeting) -> tuple[Greeting, Greeting | None]:
        """Save a greeting, where its name is taken in place of that one: return it with its id, and what it replaced.

        Raises BrokenReference where the owner of the mailbox is gone.
        """

        def work(conn: Connection) -> tuple[Greeting, Greeting | None]:
            if gone := missing(conn, [new.mailbox.owner]):
                raise BrokenReference(gone)
            values = new.model_dump(exclude={"id", "mailbox"})
            old = _one(conn, inside(vm_greeting, new.mailbox) & (vm_greeting.c.file == new.file))
            if old:
                conn.execute(update(vm_greeting).where(vm_greeting.c.id == old.id).values(values))
                return new.model_copy(update={"id": old.id}), old
            values |= {"mailbox_kind": new.mailbox.kind, "mailbox_id": new.mailbox.id}
            given = conn.execute(insert(vm_greeting).values(values).returning(vm_greeting.c.id)).scalar_one()
            return new.model_copy(update={"id": given}), None

        return await self._database.write(work)

    async def delete(self, greeting_id: int) -> Greeting | None:
        """Delete a greeting and return what it was; None where there is none. Raises InUse while it is chosen."""

        def work(conn: Connection) -> Greeting | None:
            found = _one(conn, vm_greeting.c.id == greeting_id)
            if found is None:
                return None
            _check_unused(conn, found)
            conn.execute(delete(vm_greeting).where(vm_greeting.c.id == greeting_id))
            return found

        return await self._database.write(work)


def _one(conn: Connection, condition: ColumnElement[bool]) -> Greeting | None:
    row = conn.execute(select(vm_greeting).where(condition)).one_or_none()
    return _from_row(row) if row else None


def _from_row(row: Any) -> Greeting:
    fields = {name: row._mapping[name] for name in Greeting.model_fields if name != "mailbox"}
    return Greeting.model_construct(**fields, mailbox=mailbox_of(row))


def _check_unused(conn: Connection, greeting: Greeting) -> None:
    kind, owner_id = greeting.mailbox
    if kind is MailboxKind.EXTENSION:
        owner, name = extension, extension.c.caller_id_name
    else:
        owner, name = vm_group, vm_group.c.name
    query = select(owner.c.id, owner.c.number, name.label("name"))
    row = conn.execute(query.where(owner.c.id == owner_id, owner.c.vm_greeting == greeting.file)).one_or_none()
    if row:
        raise InUse([Usage(row.id, row.number, row.name, "vm_greeting", ObjectKind(kind))])
