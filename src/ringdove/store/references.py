"""Questions about objects that point at each other."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, and_, or_, select, update

from ringdove.model.destination import REFERS_TO
from ringdove.model.reference import AudioRef, DestinationKind, Mention, ObjectKind, Ref
from ringdove.model.ring_group import AUDIO_FIELDS
from ringdove.model.rules import MAX_ID
from ringdove.store.database import Database
from ringdove.store.errors import BrokenReference, InUse, Usage
from ringdove.store.tables import extension, extension_group, playlist, prompt, ring_group, ringtone, vm_group

_KEYS: dict[ObjectKind, Column[Any]] = {
    ObjectKind.EXTENSION: extension.c.id,
    ObjectKind.EXT_GROUP: extension_group.c.id,
    ObjectKind.RING_GROUP: ring_group.c.id,
    ObjectKind.GROUP_VM: vm_group.c.id,
    ObjectKind.PROMPT: prompt.c.file,
    ObjectKind.PLAYLIST: playlist.c.list_name,
    ObjectKind.RINGTONE: ringtone.c.file,
}
"""By what each kind is mentioned."""

DESTINATIONS: dict[str, tuple[Column[str | None], Column[str]]] = {
    "fail_dest": (ring_group.c.fail_dest, ring_group.c.fail_dest_value),
    "no_agent_online_dest": (ring_group.c.no_agent_online_dest, ring_group.c.no_agent_online_value),
}
"""Every pair of columns that holds a destination, under the name of its field."""


class References:
    """Says which objects do not exist."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def missing(self, refs: Iterable[Mention]) -> frozenset[Mention]:
        """Return those of `refs` that do not exist; one query per kind."""
        wanted = frozenset(refs)
        return await self._database.read(lambda conn: missing(conn, wanted))


def missing(conn: Connection, refs: Iterable[Mention]) -> frozenset[Mention]:
    """Return those of `refs` that do not exist."""
    wanted = frozenset(refs)
    found = set[tuple[ObjectKind, int | str]]()
    for kind in sorted({kind for kind, _ in wanted}):
        keys = [key for of, key in wanted if of is kind and (isinstance(key, str) or key <= MAX_ID)]
        column = _KEYS[kind]
        known = conn.execute(select(column).where(column.in_(keys)))
        found.update((kind, key) for key in known.scalars())
    return wanted - found


def check_existing(conn: Connection, refs: Iterable[Mention]) -> None:
    """Raise BrokenReference unless every one of `refs` exists."""
    if gone := missing(conn, refs):
        raise BrokenReference(gone)


def check_unused(conn: Connection, ref: Mention) -> None:
    """Raise InUse where a ring group still names `ref`; a group's own destinations do not count."""
    mentions = _mentions(ref)
    query = select(
        ring_group.c.id,
        ring_group.c.number,
        ring_group.c.name,
        *(condition.label(f"in_{field}") for field, condition in mentions.items()),
    ).where(or_(*mentions.values()))
    if isinstance(ref, Ref) and ref.kind is ObjectKind.RING_GROUP:
        query = query.where(ring_group.c.id != ref.id)
    rows = conn.execute(query.order_by(ring_group.c.id)).all()
    users = [
        Usage(row.id, row.number, row.name, field) for row in rows for field in mentions if row._mapping[f"in_{field}"]
    ]
    if users:
        raise InUse(users)


def rename(conn: Connection, ref: AudioRef, name: str) -> None:
    """Have every ring group that names `ref` use its new name."""
    for field, condition in _mentions(ref).items():
        conn.execute(update(ring_group).where(condition).values({field: name}))


def _mentions(ref: Mention) -> dict[str, ColumnElement[bool]]:
    """Return the conditions under which a ring group names `ref`, by the name of the field."""
    if isinstance(ref, Ref):
        kinds = [kind for kind, target in REFERS_TO.items() if target is ref.kind]
        return {field: and_(kind.in_(kinds), value == str(ref.id)) for field, (kind, value) in DESTINATIONS.items()}
    found: dict[str, ColumnElement[bool]] = {
        field: ring_group.c[field] == ref.name for field, kinds in AUDIO_FIELDS.items() if ref.kind in kinds
    }
    if ref.kind is ObjectKind.PROMPT:
        for kind, value in DESTINATIONS.values():
            found[value.name] = and_(kind == DestinationKind.PLAY_GREETING, value == ref.name)
    return found


def paths(conn: Connection) -> dict[int, set[int]]:
    """Return where each ring group can send a call on to: ring group id to ring group ids."""
    onward: dict[int, set[int]] = {}
    for kind, value in DESTINATIONS.values():
        query = select(ring_group.c.id, value).where(kind == DestinationKind.RING_GROUP)
        for source, target in conn.execute(query).all():
            onward.setdefault(source, set()).add(int(target))
    return onward
