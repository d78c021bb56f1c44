"""The records of calls."""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Executable, Table, exists, func, select

from ringdove.model.call_log import Line, lines
from ringdove.model.reference import DestinationKind, ObjectKind, Ref
from ringdove.model.story import Disposition, EndedBy, HopOutcome, Story
from ringdove.store.database import Database
from ringdove.store.tables import call, call_object


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls are wanted; None does not narrow. Numbers match as a whole; Unix seconds, [since, until)."""

    caller: str | None = None
    dialled: str | None = None
    extension_id: int | None = None
    ring_group_id: int | None = None
    disposition: Disposition | None = None
    since: float | None = None
    until: float | None = None

    def matches(self, story: Story) -> bool:
        """Say whether a call belongs to what is wanted."""
        took_part = participants(story)
        wanted = (
            self.caller in (None, story.caller.number),
            self.dialled in (None, story.dialled),
            self.extension_id is None or Ref(ObjectKind.EXTENSION, self.extension_id) in took_part,
            self.ring_group_id is None or Ref(ObjectKind.RING_GROUP, self.ring_group_id) in took_part,
            self.disposition in (None, story.disposition),
            self.since is None or self.since <= story.started_at,
            self.until is None or story.started_at < self.until,
        )
        return all(wanted)


class Role(NamedTuple):
    """Somebody who took part in a call, and how it stands in their log, as far as that is known by now."""

    ref: Ref
    line: Line | None


class Entry(NamedTuple):
    """A call as it is to be written down. `node`: where it runs; None when it is over."""

    story: Story
    node: str | None = None
    new: Collection[Role] | None = None
    """Those who take part, as far as they may not be written down like this yet; None: everybody."""


class Calls:
    """Keeps one story per call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, entries: Sequence[Entry]) -> None:
        """Enter calls as they are now, known before or not, in one transaction; each call once.

        The stories are read before this waits for anything, so they may go on.
        """
        rows = _Rows(entries)
        await self._database.write(rows.save, settings=False)

    async def get(self, call_id: str) -> Story | None:
        """Return the story of one call."""
        query = select(call.c.story).where(call.c.id == call_id)
        text = await self._database.read(lambda conn: conn.execute(query).scalar())
        return Story.from_json(text) if text else None

    async def page(
        self,
        wanted: CallFilter,
        *,
        without: Collection[str] = (),
        offset: int = 0,
        limit: int = 10_000,
        descending: bool = True,
    ) -> tuple[int, list[Story]]:
        """Return how many calls match, and the wanted part of them in the order they began.

        A call that runs is told as it began. Those with an id in `without` are left out: who asks knows them better.
        """
        matching = list(_conditions(wanted))
        if without:
            matching.append(call.c.id.not_in(list(without)))
        order = [call.c.started_at, call.c.id]
        query = select(call.c.story).where(*matching).offset(offset).limit(limit)
        query = query.order_by(*((key.desc() for key in order) if descending else order))

        def work(conn: Connection) -> tuple[int, list[Story]]:
            total = conn.execute(select(func.count()).select_from(call).where(*matching)).scalar_one()
            return total, [Story.from_json(text) for text in conn.execute(query).scalars()]

        return await self._database.read(work)

    async def close_open(self, node: str, reason: str, now: float | None = None) -> int:
        """Close the calls that a crash of this node left open with `reason`, and say how many.

        What is known of them stays: one that was answered is ANSWERED, one that came to voicemail VOICEMAIL, the others
        FAILED. Those of other nodes run on.
        `now` is Unix seconds.
        """
        now = time.time() if now is None else now

        def work(conn: Connection) -> int:
            texts = conn.execute(select(call.c.story).where(call.c.node == node)).scalars().all()
            stories = [Story.from_json(text) for text in texts]
            for story in stories:
                story.ended_at = max(story.answered_at or 0.0, round(now - story.started_at, 3))
                story.ended_by = EndedBy.SERVER
                story.disposition = _disposition(story)
                story.reason = reason
            _Rows([Entry(story) for story in stories]).save(conn)
            return len(stories)

        return await self._database.write(work, settings=False)


def _disposition(story: Story) -> Disposition:
    """How a call counts of which nobody knows how it went on."""
    if story.answered_at is not None:
        return Disposition.ANSWERED
    return Disposition.VOICEMAIL if any(hop.outcome in _VOICEMAIL for hop in story.hops) else Disposition.FAILED


_VOICEMAIL = frozenset({HopOutcome.MESSAGE_LEFT, HopOutcome.NO_MESSAGE, HopOutcome.MAILBOX_FULL})
"""How hops stand that lead to a mailbox for messages, also before the caller has left one."""


def participants(story: Story) -> set[Ref]:
    """Every extension and ring group that took part, as caller, member (skipped or not), destination or answerer."""
    people = [story.caller, story.answered_by]
    found = set[Ref]()
    for hop in story.hops:
        people += [attempt.member for attempt in hop.attempts]
        if (kind := _TAKES_PART.get(hop.kind)) is not None and hop.id.isdecimal():
            found.add(Ref(kind, int(hop.id)))
    ids = {person.id for person in people if person is not None}
    found.update([Ref(ObjectKind.EXTENSION, id_) for id_ in ids if id_ is not None])
    return found


_TAKES_PART: dict[str, ObjectKind] = {
    DestinationKind.EXTENSION: ObjectKind.EXTENSION,
    DestinationKind.RING_GROUP: ObjectKind.RING_GROUP,
}


def roles(story: Story) -> set[Role]:
    """The same, with how the call stands in their logs."""
    told = lines(story)
    return {Role(ref, told.get(ref.id) if ref.kind is ObjectKind.EXTENSION else None) for ref in participants(story)}


class _Rows:
    """What entries look like in the tables."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._calls = [
            {
                "id": story.id,
                "started_at": story.started_at,
                "node": node,
                "caller": story.caller.number,
                "dialled": story.dialled,
                "disposition": story.disposition,
                "answered_by": story.answered_by.number if story.answered_by else None,
                "story": story.to_json(),
            }
            for story, node, _ in entries
        ]
        self._objects = [
            {
                "call_id": story.id,
                "kind": ref.kind,
                "object_id": ref.id,
                "direction": line and line.direction,
                "result": line and line.result,
            }
            for story, _, new in entries
            for ref, line in (roles(story) if new is None else new)
        ]

    def save(self, conn: Connection) -> None:
        """Write them, in two statements."""
        upsert_calls, upsert_objects = _statements(conn.dialect.name)
        if self._calls:
            conn.execute(upsert_calls, self._calls)
        if self._objects:
            conn.execute(upsert_objects, self._objects)


@cache
def _statements(dialect: str) -> tuple[Executable, Executable]:
    """How to write calls, and those who took part in them, known or not."""
    insert = import_module(f"sqlalchemy.dialects.{dialect}").insert  # each has its own, of the same form

    def upsert(table: Table, *changing: str) -> Executable:
        new = insert(table)
        changed = {name: new.excluded[name] for name in changing}
        executable: Executable = new.on_conflict_do_update(index_elements=table.primary_key.columns, set_=changed)
        return executable

    return upsert(call, "node", "disposition", "answered_by", "story"), upsert(call_object, "direction", "result")


def _conditions(wanted: CallFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.caller is not None:
        yield call.c.caller == wanted.caller
    if wanted.dialled is not None:
        yield call.c.dialled == wanted.dialled
    if wanted.disposition is not None:
        yield call.c.disposition == wanted.disposition
    if wanted.since is not None:
        yield call.c.started_at >= wanted.since
    if wanted.until is not None:
        yield call.c.started_at < wanted.until
    for kind, object_id in (
        (ObjectKind.EXTENSION, wanted.extension_id),
        (ObjectKind.RING_GROUP, wanted.ring_group_id),
    ):
        if object_id is not None:
            yield exists().where(
                call_object.c.call_id == call.c.id, call_object.c.kind == kind, call_object.c.object_id == object_id
            )
