"""How a ring group lies in its three tables."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, exists, insert, select

from ringdove.model.destination import Destination
from ringdove.model.reference import DestinationKind
from ringdove.model.ring_group import Entry, MemberRef, MemberType, RingGroup
from ringdove.ring.plan import Strategy
from ringdove.store.tables import ring_group_entry, ring_group_member

_PLAIN = {
    "name",
    "ring_strategy",
    "ring_timeout",
    "join_prompt",
    "play_full_join_prompt",
    "welcome_prompt",
    "moh",
    "alert_info",
    "client_unique_ringtone",
    "enb_miss_call",
}


def columns(group: RingGroup) -> dict[str, Any]:
    """Return the columns of `ring_group` except id and number."""
    nobody = group.no_agent_online_dest
    return group.model_dump(include=_PLAIN) | {
        "fail_dest": group.fail_dest.kind,
        "fail_dest_prefix": group.fail_dest.prefix,
        "fail_dest_value": group.fail_dest.value,
        "no_agent_online_dest": nobody.kind if nobody else None,
        "no_agent_online_prefix": nobody.prefix if nobody else None,
        "no_agent_online_value": nobody.value if nobody else "",
    }


def save_entries(conn: Connection, group: RingGroup) -> None:
    """Write the member list of a group that has none yet in the database."""
    entries = [
        {"group_id": group.id, "position": i, "delay_time": entry.delay_time, "timeout": entry.timeout}
        for i, entry in enumerate(group.member_list)
    ]
    members = [
        {
            "group_id": group.id,
            "entry": i,
            "position": j,
            "extension_id": member.id if member.type is MemberType.EXTENSION else None,
            "extension_group_id": member.id if member.type is MemberType.EXT_GROUP else None,
        }
        for i, entry in enumerate(group.member_list)
        for j, member in enumerate(entry.members)
    ]
    if members:
        conn.execute(insert(ring_group_entry), entries)
        conn.execute(insert(ring_group_member), members)


def drop_empty_entries(conn: Connection) -> None:
    """Remove the entries whose last member was deleted."""
    entry, member = ring_group_entry.c, ring_group_member.c
    left = exists().where(member.group_id == entry.group_id, member.entry == entry.position)
    conn.execute(delete(ring_group_entry).where(~left))


def load(conn: Connection, rows: Sequence[Any]) -> list[RingGroup]:
    """Make ring groups of rows of `ring_group`; one query for all their members."""
    entry, member = ring_group_entry.c, ring_group_member.c
    query = (
        select(
            entry.group_id,
            entry.position,
            entry.delay_time,
            entry.timeout,
            member.extension_id,
            member.extension_group_id,
        )
        .join_from(ring_group_entry, ring_group_member)
        .where(entry.group_id.in_([row.id for row in rows]))
        .order_by(entry.group_id, entry.position, member.position)
    )
    entries: dict[int, dict[int, Entry]] = {}
    for found in conn.execute(query).all():
        of_group = entries.setdefault(found.group_id, {})
        before = of_group.get(found.position)
        of_group[found.position] = Entry(
            members=(*(before.members if before else ()), _member(found)),
            delay_time=found.delay_time,
            timeout=found.timeout,
        )
    return [_group(row, tuple(entries.get(row.id, {}).values())) for row in rows]


def _member(row: Any) -> MemberRef:
    if row.extension_id is not None:
        return MemberRef(type=MemberType.EXTENSION, id=row.extension_id)
    return MemberRef(type=MemberType.EXT_GROUP, id=row.extension_group_id)


def _group(row: Any, entries: tuple[Entry, ...]) -> RingGroup:
    columns = row._mapping
    return RingGroup.model_construct(
        **{name: columns[name] for name in ("id", "number", *_PLAIN)} | {"ring_strategy": Strategy(row.ring_strategy)},
        member_list=entries,
        fail_dest=Destination.model_construct(
            kind=DestinationKind(row.fail_dest), prefix=row.fail_dest_prefix, value=row.fail_dest_value
        ),
        no_agent_online_dest=Destination.model_construct(
            kind=DestinationKind(row.no_agent_online_dest),
            prefix=row.no_agent_online_prefix,
            value=row.no_agent_online_value,
        )
        if row.no_agent_online_dest
        else None,
    )
