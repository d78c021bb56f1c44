"""Questions about objects that point at each other."""

from collections.abc import Iterable

from sqlalchemy import Column, Table, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringdove.model.destination import REFERS_TO
from ringdove.model.reference import DestinationKind, ObjectKind, Ref
from ringdove.model.rules import MAX_ID
from ringdove.store.database import Database
from ringdove.store.errors import BrokenReference, InUse, Usage
from ringdove.store.tables import extension, extension_group, ring_group

_TABLES: dict[ObjectKind, Table] = {
    ObjectKind.EXTENSION: extension,
    ObjectKind.EXT_GROUP: extension_group,
    ObjectKind.RING_GROUP: ring_group,
}

DESTINATIONS: dict[str, tuple[Column[str | None], Column[str]]] = {
    "fail_dest": (ring_group.c.fail_dest, ring_group.c.fail_dest_value),
    "no_agent_online_dest": (ring_group.c.no_agent_online_dest, ring_group.c.no_agent_online_value),
}
"""Every pair of columns that holds a destination, under the name of its field."""


class References:
    """Says which objects do not exist."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def missing(self, refs: Iterable[Ref]) -> frozenset[Ref]:
        """Return those of `refs` that do not exist; one query per kind."""
        async with self._database.read() as conn:
            return await missing(conn, refs)


async def missing(conn: AsyncConnection, refs: Iterable[Ref]) -> frozenset[Ref]:
    """Return those of `refs` that do not exist."""
    wanted = frozenset(refs)
    found: set[Ref] = set()
    for kind in sorted({ref.kind for ref in wanted}):
        ids = [ref.id for ref in wanted if ref.kind is kind and ref.id <= MAX_ID]
        column = _TABLES[kind].c.id
        found.update(Ref(kind, row) for row in (await conn.execute(select(column).where(column.in_(ids)))).scalars())
    return wanted - found


async def check_existing(conn: AsyncConnection, refs: Iterable[Ref]) -> None:
    """Raise BrokenReference unless every one of `refs` exists."""
    if gone := await missing(conn, refs):
        raise BrokenReference(gone)


async def check_unused(conn: AsyncConnection, ref: Ref) -> None:
    """Raise InUse where a ring group still sends calls to `ref`; a group's own destinations do not count."""
    kinds = [kind for kind, target in REFERS_TO.items() if target is ref.kind]
    points_here = {field: and_(kind.in_(kinds), value == str(ref.id)) for field, (kind, value) in DESTINATIONS.items()}
    query = select(
        ring_group.c.id,
        ring_group.c.number,
        ring_group.c.name,
        *(condition.label(field) for field, condition in points_here.items()),
    ).where(or_(*points_here.values()))
    if ref.kind is ObjectKind.RING_GROUP:
        query = query.where(ring_group.c.id != ref.id)
    rows = (await conn.execute(query.order_by(ring_group.c.id))).all()
    users = [Usage(row.id, row.number, row.name, field) for row in rows for field in points_here if row._mapping[field]]
    if users:
        raise InUse(users)


async def paths(conn: AsyncConnection) -> dict[int, set[int]]:
    """Return where each ring group can send a call on to: ring group id to ring group ids."""
    onward: dict[int, set[int]] = {}
    for kind, value in DESTINATIONS.values():
        query = select(ring_group.c.id, value).where(kind == DestinationKind.RING_GROUP)
        for source, target in (await conn.execute(query)).all():
            onward.setdefault(source, set()).add(int(target))
    return onward
