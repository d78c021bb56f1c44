"""Extensions in the database."""

from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, text, update

from ringdove.model.extension import Extension, Presence
from ringdove.model.reference import DestinationKind, ObjectKind, Ref
from ringdove.model.voicemail import AfterVmNotify, Mailbox, MailboxKind, NewVmNotify
from ringdove.store import numbers
from ringdove.store.database import Database
from ringdove.store.errors import Clash, Duplicate
from ringdove.store.listing import Listing, page
from ringdove.store.mailboxes import check_greeting, clear
from ringdove.store.memory import remembered
from ringdove.store.references import check_unused
from ringdove.store.ring_group_rows import drop_empty_entries
from ringdove.store.tables import extension

SORTABLE = {
    name: extension.c[name]
    for name in ("id", "number", "caller_id_name", "email_addr", "mobile_number", "presence_status")
}
_SEARCHED = [
    extension.c[name] for name in ("number", "first_name", "last_name", "caller_id_name", "email_addr", "mobile_number")
]
_COLUMNS = {column.name for column in extension.c}
_in_use: WeakValueDictionary[tuple[Any, ...], Extension] = WeakValueDictionary()
"""Extensions by their rows: one that is in many rosters is in memory once."""


class Extensions:
    """Creates, finds, changes and deletes extensions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @remembered
    async def get(self, extension_id: int) -> Extension | None:
        """Return the extension with this id."""
        return await self._one(extension.c.id == extension_id)

    @remembered
    async def by_reg_name(self, reg_name: str) -> Extension | None:
        """Return the extension whose phones register under this name."""
        return await self._one(extension.c.reg_name == reg_name)

    async def many(self, ids: Iterable[int]) -> list[Extension]:
        """Return those of `ids` that exist, in the order asked for, each once."""
        wanted = list(dict.fromkeys(ids))
        found = await self._database.read(lambda conn: by_ids(conn, wanted))
        return [found[i] for i in wanted if i in found]

    async def page(self, listing: Listing) -> tuple[int, list[Extension]]:
        """Return the number of all matches and the wanted part of them."""

        def work(conn: Connection) -> tuple[int, list[Extension]]:
            total, rows = page(conn, select(extension), listing, SORTABLE, _SEARCHED)
            return total, [_from_row(row) for row in rows]

        return await self._database.read(work)

    async def count(self) -> int:
        """Return how many extensions there are."""
        query = select(func.count()).select_from(extension)
        return await self._database.read(lambda conn: conn.execute(query).scalar_one())

    async def create(self, new: Extension, id: int | None = None) -> Extension:  # noqa: A002
        """Save a new extension and return it with its id, which is given by the database unless `id` says otherwise.

        Raises Duplicate where the number, the registration name or the e-mail address is taken, and BrokenReference for
        a greeting: it has none yet.
        """

        def work(conn: Connection) -> Extension:
            _check_unique(conn, new, id)
            check_greeting(conn, new.mailbox, new.vm_greeting)
            values = new.model_dump(exclude={"id"}) | ({"id": id} if id else {})
            given = conn.execute(insert(extension).values(values).returning(extension.c.id)).scalar_one()
            if id and conn.dialect.name == "postgresql":
                # There an explicit id leaves the sequence behind.
                conn.execute(
                    text("SELECT setval(pg_get_serial_sequence('extension', 'id'), (SELECT max(id) FROM extension))")
                )
            numbers.claim(conn, new.number, DestinationKind.EXTENSION, given)
            return new.model_copy(update={"id": given})

        return await self._database.write(work)

    async def update(self, extension_id: int, change: Callable[[Extension], Extension]) -> Extension | None:
        """Replace the extension by what `change` makes of it; its id and number stay. None where there is none.

        Raises Duplicate where the registration name or the e-mail address is taken, and BrokenReference where its
        mailbox has no such greeting.
        """

        def work(conn: Connection) -> Extension | None:
            found = by_ids(conn, [extension_id])
            if not found:
                return None
            before = found[extension_id]
            after = change(before).model_copy(update={"id": before.id, "number": before.number})
            _check_unique(conn, after)
            check_greeting(conn, after.mailbox, after.vm_greeting)
            values = after.model_dump(exclude={"id", "number"})
            conn.execute(update(extension).where(extension.c.id == extension_id).values(values))
            return after

        return await self._database.write(work)

    async def delete(self, extension_id: int) -> frozenset[str] | None:
        """Delete an extension with its bindings, memberships and mailbox; None where there is none.

        Returns the digests of the audio in its mailbox, for who asks to discard. Raises InUse while it is a destination
        of a ring group.
        """

        def work(conn: Connection) -> frozenset[str] | None:
            check_unused(conn, Ref(ObjectKind.EXTENSION, extension_id))
            numbers.release(conn, DestinationKind.EXTENSION, extension_id)
            gone = conn.execute(delete(extension).where(extension.c.id == extension_id))
            drop_empty_entries(conn)
            heard = clear(conn, Mailbox(MailboxKind.EXTENSION, extension_id))
            return heard if gone.rowcount > 0 else None

        return await self._database.write(work)

    async def _one(self, condition: ColumnElement[bool]) -> Extension | None:
        query = select(extension).where(condition)
        row = await self._database.read(lambda conn: conn.execute(query).one_or_none())
        return _from_row(row) if row else None


def by_ids(conn: Connection, ids: Iterable[int]) -> dict[int, Extension]:
    """Return those of `ids` that exist."""
    rows = conn.execute(select(extension).where(extension.c.id.in_(set(ids)))).all()
    return {row.id: _from_row(row) for row in rows}


def everybody(conn: Connection) -> list[Extension]:
    """Return every extension, ordered by number."""
    query = select(extension).order_by(func.length(extension.c.number), extension.c.number)
    return [_from_row(row) for row in conn.execute(query).all()]


def _from_row(row: Row[Any]) -> Extension:
    # Stored values have passed the rules already; a rule that became stricter must not make them unreadable.
    values = tuple(row)
    if (found := _in_use.get(values)) is None:
        columns = dict(row._mapping) | {
            "presence_status": Presence(row.presence_status),
            "new_vm_notify": NewVmNotify(row.new_vm_notify),
            "after_vm_notify": AfterVmNotify(row.after_vm_notify),
        }
        found = _in_use[values] = Extension.model_construct(_COLUMNS, **columns)
    return found


def _check_unique(conn: Connection, new: Extension, explicit_id: int | None = None) -> None:
    """Raise Duplicate naming every value of `new` that another extension, or any dialable object, holds."""
    clashes: list[Clash] = []
    if not new.id and (taken := numbers.clash(conn, new.number)):
        clashes.append(taken)
    rivals: dict[str, ColumnElement[bool]] = {"reg_name": extension.c.reg_name == new.reg_name}
    if new.email_addr:
        rivals["email_addr"] = func.lower(extension.c.email_addr) == func.lower(new.email_addr)
    if explicit_id:
        rivals["id"] = extension.c.id == explicit_id
    for field, same in rivals.items():
        holder = conn.execute(select(extension.c.number).where(same, extension.c.id != new.id)).scalar()
        if holder:
            value = explicit_id if field == "id" else getattr(new, field)
            clashes.append(Clash(field, str(value), ObjectKind.EXTENSION, holder))
    if clashes:
        raise Duplicate(clashes)
