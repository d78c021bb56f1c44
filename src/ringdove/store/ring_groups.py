"""Ring groups in the database."""

from collections.abc import Callable, Iterable

from sqlalchemy import Connection, delete, insert, select, update

from ringdove.model.extension import Extension
from ringdove.model.extension_group import MemberSelect
from ringdove.model.reference import DestinationKind, ObjectKind, Ref
from ringdove.model.ring_group import MemberRef, MemberType, RingGroup, RosterEntry
from ringdove.store import extension_groups, extensions, numbers
from ringdove.store.database import Database
from ringdove.store.errors import Duplicate, Loop
from ringdove.store.listing import Listing, page
from ringdove.store.memory import remembered, remembered_by
from ringdove.store.references import check_existing, check_unused, paths
from ringdove.store.ring_group_rows import columns, load, save_entries
from ringdove.store.tables import ring_group, ring_group_entry

SORTABLE = {name: ring_group.c[name] for name in ("id", "number", "name", "ring_strategy")}
_SEARCHED = [ring_group.c[name] for name in ("number", "name", "ring_strategy")]


class RingGroups:
    """Creates, finds, changes and deletes ring groups, and says whom one would ring."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @remembered
    async def get(self, group_id: int) -> RingGroup | None:
        """Return the ring group with this id."""
        return next(iter(await self.many([group_id])), None)

    async def many(self, ids: Iterable[int]) -> list[RingGroup]:
        """Return those of `ids` that exist, in the order asked for, each once."""
        wanted = list(dict.fromkeys(ids))
        found = await self._database.read(lambda conn: _by_ids(conn, wanted))
        return [found[i] for i in wanted if i in found]

    async def page(self, listing: Listing) -> tuple[int, list[RingGroup]]:
        """Return the number of all matches and the wanted part of them."""

        def work(conn: Connection) -> tuple[int, list[RingGroup]]:
            total, rows = page(conn, select(ring_group), listing, SORTABLE, _SEARCHED)
            return total, load(conn, rows)

        return await self._database.read(work)

    @remembered_by(id)
    async def roster(self, group: RingGroup) -> tuple[RosterEntry, ...]:
        """Return the entries in list order with extension groups expanded; never more than four queries.

        Within one entry each extension stands once, where it was first mentioned.
        """
        return await self._database.read(lambda conn: _roster(conn, group))

    async def create(self, new: RingGroup) -> RingGroup:
        """Save a new group and return it with its id. Raises Duplicate, BrokenReference."""

        def work(conn: Connection) -> RingGroup:
            if taken := numbers.clash(conn, new.number):
                raise Duplicate([taken])
            check_existing(conn, [*new.refs(), *new.audio().values()])
            values = columns(new) | {"number": new.number}
            result = conn.execute(insert(ring_group).values(values).returning(ring_group.c.id))
            saved = new.model_copy(update={"id": result.scalar_one()})
            numbers.claim(conn, saved.number, DestinationKind.RING_GROUP, saved.id)
            save_entries(conn, saved)
            return saved

        return await self._database.write(work)

    async def update(self, group_id: int, change: Callable[[RingGroup], RingGroup]) -> RingGroup | None:
        """Replace the group by what `change` makes of it; its id and number stay. None where there is none.

        Raises BrokenReference, but not for audio that the group named before and is gone since, and Loop where it would
        reach itself (R12).
        """

        def work(conn: Connection) -> RingGroup | None:
            found = _by_ids(conn, [group_id])
            if not found:
                return None
            before = found[group_id]
            after = change(before).model_copy(update={"id": before.id, "number": before.number})
            kept = before.audio()
            audio = [ref for field, ref in after.audio().items() if ref != kept.get(field)]
            check_existing(conn, [*after.refs(), *audio])
            _check_no_loop(conn, after)
            conn.execute(update(ring_group).where(ring_group.c.id == group_id).values(columns(after)))
            conn.execute(delete(ring_group_entry).where(ring_group_entry.c.group_id == group_id))
            save_entries(conn, after)
            return after

        return await self._database.write(work)

    async def delete(self, group_id: int) -> bool:
        """Delete a group; False where there is none. Raises InUse while it is a destination of another one."""

        def work(conn: Connection) -> bool:
            check_unused(conn, Ref(ObjectKind.RING_GROUP, group_id))
            numbers.release(conn, DestinationKind.RING_GROUP, group_id)
            gone = conn.execute(delete(ring_group).where(ring_group.c.id == group_id))
            return gone.rowcount > 0

        return await self._database.write(work)


def _by_ids(conn: Connection, ids: Iterable[int]) -> dict[int, RingGroup]:
    rows = (conn.execute(select(ring_group).where(ring_group.c.id.in_(set(ids))))).all()
    return {group.id: group for group in load(conn, rows)}


def _roster(conn: Connection, group: RingGroup) -> tuple[RosterEntry, ...]:
    mentions = [member for entry in group.member_list for member in entry.members]
    groups = extension_groups.by_ids(conn, (m.id for m in mentions if m.type is MemberType.EXT_GROUP))
    direct = {m.id for m in mentions if m.type is MemberType.EXTENSION}
    if any(g.member_select is MemberSelect.ALL for g in groups.values()):
        everybody = {person.id: person for person in extensions.everybody(conn)}
    else:
        everybody = extensions.by_ids(conn, direct.union(*(g.members for g in groups.values())))

    def expand(member: MemberRef) -> list[int]:
        if member.type is MemberType.EXTENSION:
            return [member.id]
        named = groups.get(member.id)
        if named is None:
            return []
        return list(everybody) if named.member_select is MemberSelect.ALL else list(named.members)

    def people(members: Iterable[MemberRef]) -> tuple[Extension, ...]:
        ids = dict.fromkeys(i for member in members for i in expand(member))
        return tuple(everybody[i] for i in ids if i in everybody)

    return tuple(
        RosterEntry.model_construct(members=people(e.members), delay_time=e.delay_time, timeout=e.timeout)
        for e in group.member_list
    )


def _check_no_loop(conn: Connection, group: RingGroup) -> None:
    """Raise Loop where a call could come back to `group`, however long the way round."""
    onward = paths(conn)
    targets = {"fail_dest": group.fail_dest, "no_agent_online_dest": group.no_agent_online_dest}
    fields = [
        field
        for field, target in targets.items()
        if target and target.kind is DestinationKind.RING_GROUP and _reaches(int(target.value), group.id, onward)
    ]
    if fields:
        raise Loop(fields)


def _reaches(start: int, goal: int, onward: dict[int, set[int]]) -> bool:
    seen, ahead = set[int](), [start]
    while ahead:
        here = ahead.pop()
        if here == goal:
            return True
        if here not in seen:
            seen.add(here)
            ahead.extend(onward.get(here, ()))
    return False
