"""Group voicemails in the database."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update

from ringdove.model.extension_group import MemberSelect
from ringdove.model.reference import DestinationKind, ObjectKind, Ref
from ringdove.model.voicemail import Mailbox, MailboxKind, VmGroup, VmMode
from ringdove.store import extension_groups, numbers
from ringdove.store.database import Database
from ringdove.store.errors import Duplicate
from ringdove.store.listing import Listing, page
from ringdove.store.mailboxes import check_greeting, clear
from ringdove.store.memory import remembered
from ringdove.store.references import check_existing, check_unused
from ringdove.store.tables import extension, extension_group, extension_group_member, vm_group, vm_group_member

SORTABLE = {name: vm_group.c[name] for name in ("id", "number", "name", "mode")} | {"type": vm_group.c.id}
"""There is only one type, `custom`."""
_SEARCHED = [vm_group.c.number, vm_group.c.name]
_PLAIN = {"name", "mode", "enb_vm_pin", "vm_pin", "vm_greeting"}


class VmGroups:
    """Creates, finds, changes and deletes group voicemails, and says where their messages go."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @remembered
    async def get(self, group_id: int) -> VmGroup | None:
        """Return the group voicemail with this id."""
        return next(iter(await self.many([group_id])), None)

    async def many(self, ids: Iterable[int]) -> list[VmGroup]:
        """Return those of `ids` that exist, in the order asked for, each once."""
        wanted = list(dict.fromkeys(ids))
        found = await self._database.read(lambda conn: _by_ids(conn, wanted))
        return [found[i] for i in wanted if i in found]

    async def page(self, listing: Listing) -> tuple[int, list[VmGroup]]:
        """Return the number of all matches and the wanted part of them."""

        def work(conn: Connection) -> tuple[int, list[VmGroup]]:
            total, rows = page(conn, select(vm_group), listing, SORTABLE, _SEARCHED)
            return total, _load(conn, rows)

        return await self._database.read(work)

    @remembered
    async def people(self, group_id: int) -> tuple[int, ...]:
        """Return the ids of the extensions in a group, extension groups expanded, each once; () where there is none."""

        return await self._database.read(lambda conn: people(conn, group_id))

    async def mailboxes(self, group: VmGroup) -> list[Mailbox]:
        """Return where a message for a group goes: to its own mailbox, or to that of every member."""
        if group.mode is VmMode.SHARE:
            return [group.mailbox]
        return [Mailbox(MailboxKind.EXTENSION, member) for member in await self.people(group.id)]

    @remembered
    async def of_member(self, extension_id: int) -> tuple[VmGroup, ...]:
        """Return the groups in mode `share` that an extension is in, also by an extension group, ordered by id."""
        return await self._database.read(lambda conn: _of_member(conn, extension_id))

    async def create(self, new: VmGroup) -> VmGroup:
        """Save a new group and return it with its id. Raises Duplicate, BrokenReference."""

        def work(conn: Connection) -> VmGroup:
            if taken := numbers.clash(conn, new.number):
                raise Duplicate([taken])
            check_existing(conn, new.refs())
            check_greeting(conn, new.mailbox, new.vm_greeting)
            values = new.model_dump(include=_PLAIN | {"number"})
            given = conn.execute(insert(vm_group).values(values).returning(vm_group.c.id)).scalar_one()
            saved = new.model_copy(update={"id": given})
            numbers.claim(conn, saved.number, DestinationKind.GROUP_VM, saved.id)
            _save_members(conn, saved)
            return saved

        return await self._database.write(work)

    async def update(self, group_id: int, change: Callable[[VmGroup], VmGroup]) -> VmGroup | None:
        """Replace the group by what `change` makes of it; its id and number stay. None where there is none.

        In another mode the messages stay where they are. Raises BrokenReference.
        """

        def work(conn: Connection) -> VmGroup | None:
            found = _by_ids(conn, [group_id])
            if not found:
                return None
            before = found[group_id]
            after = change(before).model_copy(update={"id": before.id, "number": before.number})
            check_existing(conn, after.refs())
            check_greeting(conn, after.mailbox, after.vm_greeting)
            conn.execute(update(vm_group).where(vm_group.c.id == group_id).values(after.model_dump(include=_PLAIN)))
            conn.execute(delete(vm_group_member).where(vm_group_member.c.group_id == group_id))
            _save_members(conn, after)
            return after

        return await self._database.write(work)

    async def delete(self, group_id: int) -> frozenset[str] | None:
        """Delete a group with its messages and greetings; returns the digests of their audio, None where there is none.

        Raises InUse while it is a destination of a ring group.
        """

        def work(conn: Connection) -> frozenset[str] | None:
            ref = Ref(ObjectKind.GROUP_VM, group_id)
            check_unused(conn, ref)
            numbers.release(conn, DestinationKind.GROUP_VM, group_id)
            heard = clear(conn, Mailbox(MailboxKind.GROUP, group_id))
            gone = conn.execute(delete(vm_group).where(vm_group.c.id == group_id))
            return heard if gone.rowcount > 0 else None

        return await self._database.write(work)


def people(conn: Connection, group_id: int) -> tuple[int, ...]:
    """Return the ids of the extensions in a group, extension groups expanded, each once; () where there is none."""
    found = _by_ids(conn, [group_id])
    return _people(conn, found[group_id].members) if found else ()


def _by_ids(conn: Connection, ids: Iterable[int]) -> dict[int, VmGroup]:
    rows = conn.execute(select(vm_group).where(vm_group.c.id.in_(set(ids)))).all()
    return {group.id: group for group in _load(conn, rows)}


def _load(conn: Connection, rows: Sequence[Any]) -> list[VmGroup]:
    """Make groups of rows of `vm_group`; one query for all their members."""
    member = vm_group_member.c
    query = select(vm_group_member).where(member.group_id.in_([row.id for row in rows]))
    members: dict[int, list[Ref]] = {}
    for found in conn.execute(query.order_by(member.group_id, member.position)).all():
        members.setdefault(found.group_id, []).append(_ref(found))
    return [
        VmGroup.model_construct(
            id=row.id,
            number=row.number,
            **{name: row._mapping[name] for name in _PLAIN} | {"mode": VmMode(row.mode)},
            members=tuple(members.get(row.id, ())),
        )
        for row in rows
    ]


def _ref(row: Any) -> Ref:
    if row.extension_id is not None:
        return Ref(ObjectKind.EXTENSION, row.extension_id)
    return Ref(ObjectKind.EXT_GROUP, row.extension_group_id)


def _save_members(conn: Connection, group: VmGroup) -> None:
    rows = [
        {
            "group_id": group.id,
            "position": position,
            "extension_id": ref.id if ref.kind is ObjectKind.EXTENSION else None,
            "extension_group_id": ref.id if ref.kind is ObjectKind.EXT_GROUP else None,
        }
        for position, ref in enumerate(dict.fromkeys(group.members))
    ]
    if rows:
        conn.execute(insert(vm_group_member), rows)


def _people(conn: Connection, members: Iterable[Ref]) -> tuple[int, ...]:
    members = list(members)
    groups = extension_groups.by_ids(conn, (ref.id for ref in members if ref.kind is ObjectKind.EXT_GROUP))
    people: dict[int, None] = {}
    for ref in members:
        if ref.kind is ObjectKind.EXTENSION:
            people[ref.id] = None
        elif groups[ref.id].member_select is MemberSelect.ALL:
            people.update(dict.fromkeys(conn.execute(select(extension.c.id).order_by(extension.c.id)).scalars()))
        else:
            people.update(dict.fromkeys(groups[ref.id].members))
    return tuple(people)


def _of_member(conn: Connection, extension_id: int) -> tuple[VmGroup, ...]:
    in_groups = select(extension_group_member.c.group_id).where(extension_group_member.c.extension_id == extension_id)
    everybody = select(extension_group.c.id).where(extension_group.c.member_select == MemberSelect.ALL)
    member = vm_group_member.c
    mine = select(member.group_id).where(
        or_(
            member.extension_id == extension_id,
            member.extension_group_id.in_(in_groups),
            member.extension_group_id.in_(everybody),
        )
    )
    query = select(vm_group).where(vm_group.c.mode == VmMode.SHARE, vm_group.c.id.in_(mine)).order_by(vm_group.c.id)
    return tuple(_load(conn, conn.execute(query).all()))
