"""Extension groups in the database."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from ringdove.model.extension_group import ExtensionGroup, MemberSelect
from ringdove.model.reference import ObjectKind, Ref
from ringdove.store.database import Database
from ringdove.store.errors import Builtin, Clash, Duplicate
from ringdove.store.listing import Listing, page
from ringdove.store.memory import remembered
from ringdove.store.references import check_existing
from ringdove.store.ring_group_rows import drop_empty_entries
from ringdove.store.tables import extension_group, extension_group_member

SORTABLE = {"id": extension_group.c.id, "name": extension_group.c.name}


class ExtensionGroups:
    """Creates, finds, changes and deletes extension groups."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @remembered
    async def get(self, group_id: int) -> ExtensionGroup | None:
        """Return the extension group with this id."""
        return next(iter(await self.many([group_id])), None)

    async def many(self, ids: Iterable[int]) -> list[ExtensionGroup]:
        """Return those of `ids` that exist, in the order asked for, each once."""
        wanted = list(dict.fromkeys(ids))
        found = await self._database.read(lambda conn: by_ids(conn, wanted))
        return [found[i] for i in wanted if i in found]

    async def page(self, listing: Listing) -> tuple[int, list[ExtensionGroup]]:
        """Return the number of all matches and the wanted part of them."""

        def work(conn: Connection) -> tuple[int, list[ExtensionGroup]]:
            total, rows = page(conn, select(extension_group), listing, SORTABLE, [extension_group.c.name])
            return total, _with_members(conn, rows)

        return await self._database.read(work)

    async def create(self, new: ExtensionGroup) -> ExtensionGroup:
        """Save a new group and return it with its id. Raises Duplicate, BrokenReference."""

        def work(conn: Connection) -> ExtensionGroup:
            _check(conn, new)
            values = new.model_dump(exclude={"id", "members"})
            result = conn.execute(insert(extension_group).values(values).returning(extension_group.c.id))
            saved = new.model_copy(update={"id": result.scalar_one()})
            _save_members(conn, saved)
            return saved

        return await self._database.write(work)

    async def update(self, group_id: int, change: Callable[[ExtensionGroup], ExtensionGroup]) -> ExtensionGroup | None:
        """Replace the group by what `change` makes of it; None where there is none.

        Raises Duplicate, BrokenReference, and Builtin for any change of the built-in group.
        """

        def work(conn: Connection) -> ExtensionGroup | None:
            found = by_ids(conn, [group_id])
            if not found:
                return None
            before = found[group_id]
            after = change(before).model_copy(update={"id": before.id, "builtin": before.builtin})
            if before.builtin and after != before:
                raise Builtin(before.name)
            _check(conn, after)
            values = after.model_dump(exclude={"id", "members"})
            conn.execute(update(extension_group).where(extension_group.c.id == group_id).values(values))
            conn.execute(delete(extension_group_member).where(extension_group_member.c.group_id == group_id))
            _save_members(conn, after)
            return after

        return await self._database.write(work)

    async def delete(self, group_id: int) -> bool:
        """Delete a group, also out of ring groups; False where there is none. Raises Builtin."""

        def work(conn: Connection) -> bool:
            found = by_ids(conn, [group_id])
            if not found:
                return False
            if found[group_id].builtin:
                raise Builtin(found[group_id].name)
            conn.execute(delete(extension_group).where(extension_group.c.id == group_id))
            drop_empty_entries(conn)
            return True

        return await self._database.write(work)


def by_ids(conn: Connection, ids: Iterable[int]) -> dict[int, ExtensionGroup]:
    """Return those of `ids` that exist, members included; two queries."""
    rows = conn.execute(select(extension_group).where(extension_group.c.id.in_(set(ids)))).all()
    return {group.id: group for group in _with_members(conn, rows)}


def _with_members(conn: Connection, rows: Sequence[Any]) -> list[ExtensionGroup]:
    member = extension_group_member.c
    query = (
        select(member.group_id, member.extension_id)
        .where(member.group_id.in_([row.id for row in rows]))
        .order_by(member.group_id, member.position)
    )
    members: dict[int, list[int]] = {}
    for group_id, extension_id in conn.execute(query).all():
        members.setdefault(group_id, []).append(extension_id)
    return [
        ExtensionGroup(
            id=row.id,
            name=row.name,
            member_select=MemberSelect(row.member_select),
            members=tuple(members.get(row.id, ())),
            builtin=row.builtin,
        )
        for row in rows
    ]


def _check(conn: Connection, group: ExtensionGroup) -> None:
    same_name = select(extension_group.c.id).where(
        extension_group.c.name == group.name, extension_group.c.id != group.id
    )
    if conn.execute(same_name).first():
        raise Duplicate([Clash("name", group.name, ObjectKind.EXT_GROUP, group.name)])
    check_existing(conn, (Ref(ObjectKind.EXTENSION, member) for member in group.members))


def _save_members(conn: Connection, group: ExtensionGroup) -> None:
    rows = [
        {"group_id": group.id, "extension_id": member, "position": position}
        for position, member in enumerate(dict.fromkeys(group.members))
    ]
    if rows:
        conn.execute(insert(extension_group_member), rows)
