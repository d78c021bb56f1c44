"""The records of calls."""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringdove.model.reference import DestinationKind, ObjectKind, Ref
from ringdove.model.story import Disposition, EndedBy, Story
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
        took_part = set(participants(story))
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


class Calls:
    """Keeps one story per call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, story: Story, node: str) -> None:
        """Enter a call that has begun and runs on this node."""
        await self._database.write(lambda conn: _upsert(conn, story, node), settings=False)

    async def finish(self, story: Story) -> None:
        """Enter a call that has ended, begun before or not; doing so again changes nothing."""
        await self._database.write(lambda conn: _upsert(conn, story, None), settings=False)

    async def get(self, call_id: str) -> Story | None:
        """Return the story of one call."""
        async with self._database.read() as conn:
            text = (await conn.execute(select(call.c.story).where(call.c.id == call_id))).scalar()
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
        async with self._database.read() as conn:
            total = (await conn.execute(select(func.count()).select_from(call).where(*matching))).scalar_one()
            texts = (await conn.execute(query)).scalars().all()
        return total, [Story.from_json(text) for text in texts]

    async def close_open(self, node: str, reason: str, now: float | None = None) -> int:
        """Close the calls that a crash of this node left open with `reason`, and say how many.

        What is known of them stays: one that was answered is ANSWERED, the others FAILED. Those of other nodes run on.
        `now` is Unix seconds.
        """
        now = time.time() if now is None else now

        async def work(conn: AsyncConnection) -> int:
            texts = (await conn.execute(select(call.c.story).where(call.c.node == node))).scalars().all()
            for text in texts:
                story = Story.from_json(text)
                story.ended_at = max(story.answered_at or 0.0, round(now - story.started_at, 3))
                story.ended_by = EndedBy.SERVER
                story.disposition = Disposition.FAILED if story.answered_at is None else Disposition.ANSWERED
                story.reason = reason
                await _upsert(conn, story, None)
            return len(texts)

        return await self._database.write(work, settings=False)


def participants(story: Story) -> Iterator[Ref]:
    """Every extension and ring group that took part, as caller, member (skipped or not), destination or answerer."""
    people = [story.caller, story.answered_by]
    for hop in story.hops:
        people.extend(attempt.member for attempt in hop.attempts)
        if hop.id.isdecimal() and hop.kind in {DestinationKind.EXTENSION, DestinationKind.RING_GROUP}:
            yield Ref(ObjectKind(hop.kind), int(hop.id))
    yield from (Ref(ObjectKind.EXTENSION, person.id) for person in people if person and person.id is not None)


async def _upsert(conn: AsyncConnection, story: Story, node: str | None) -> None:
    values = {
        "started_at": story.started_at,
        "node": node,
        "caller": story.caller.number,
        "dialled": story.dialled,
        "disposition": story.disposition,
        "answered_by": story.answered_by.number if story.answered_by else None,
        "story": story.to_json(),
    }
    known = await conn.execute(update(call).where(call.c.id == story.id).values(values))
    if known.rowcount == 0:
        await conn.execute(insert(call).values(id=story.id, **values))
    await conn.execute(delete(call_object).where(call_object.c.call_id == story.id))
    rows = [{"call_id": story.id, "kind": ref.kind, "object_id": ref.id} for ref in set(participants(story))]
    if rows:
        await conn.execute(insert(call_object), rows)


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
