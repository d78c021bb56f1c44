"""What all that lies in mailboxes has in common: rows that name their mailbox, and go with its owner."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, select

from ringdove.model.audio import FOLLOW_SYSTEM
from ringdove.model.reference import AudioRef, ObjectKind
from ringdove.model.voicemail import Mailbox, MailboxKind
from ringdove.store.errors import BrokenReference
from ringdove.store.tables import vm_greeting, vm_message


def inside(table: Table, mailbox: Mailbox) -> ColumnElement[bool]:
    """The condition that a row is in this mailbox."""
    return and_(table.c.mailbox_kind == mailbox.kind, table.c.mailbox_id == mailbox.id)


def mailbox_of(row: Any) -> Mailbox:
    """Return the mailbox that a row is in."""
    return Mailbox(MailboxKind(row.mailbox_kind), row.mailbox_id)


def clear(conn: Connection, mailbox: Mailbox) -> frozenset[str]:
    """Delete everything in a mailbox; returns the digests of what could be heard there."""
    gone = set[str]()
    for table in (vm_message, vm_greeting):
        query = delete(table).where(inside(table, mailbox)).returning(table.c.digest)
        gone.update(conn.execute(query).scalars())
    return frozenset(gone)


def check_greeting(conn: Connection, mailbox: Mailbox, file: str) -> None:
    """Raise BrokenReference unless a mailbox has the greeting that is to be used."""
    if file == FOLLOW_SYSTEM:
        return
    query = select(vm_greeting.c.id).where(inside(vm_greeting, mailbox), vm_greeting.c.file == file)
    if not conn.execute(query).first():
        raise BrokenReference(frozenset({AudioRef(ObjectKind.GREETING, file)}))
