"""The log of each extension: what the records of calls say of one extension."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from ringdove.model.call_log import Direction, Line, LogResult
from ringdove.model.reference import ObjectKind
from ringdove.model.story import Story
from ringdove.store.database import Database
from ringdove.store.tables import call, call_object


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which calls are wanted; None does not narrow. Unix seconds, [since, until)."""

    direction: Direction | None = None
    result: LogResult | None = None
    since: float | None = None
    until: float | None = None


class Logged(NamedTuple):
    """A call that is over, and how it stands in the log."""

    story: Story
    line: Line


class CallLog:
    """Reads what `Calls` writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        extension_id: int,
        wanted: LogFilter,
        *,
        offset: int = 0,
        limit: int = 10_000,
        descending: bool = True,
    ) -> tuple[int, list[Logged]]:
        """Return how many calls match, and the wanted part of them in the order they began. None of them runs."""
        matching = list(_conditions(extension_id, wanted))
        order = [call.c.started_at, call.c.id]
        both = call_object.join(call)
        count = select(func.count()).select_from(both).where(*matching)
        query = select(call.c.story, call_object.c.direction, call_object.c.result).select_from(both).where(*matching)
        query = query.order_by(*((key.desc() for key in order) if descending else order)).offset(offset).limit(limit)

        def work(conn: Connection) -> tuple[int, list[Logged]]:
            total = conn.execute(count).scalar_one()
            return total, [
                Logged(Story.from_json(text), Line(Direction(direction), LogResult(result)))
                for text, direction, result in conn.execute(query)
            ]

        return await self._database.read(work)


def _conditions(extension_id: int, wanted: LogFilter) -> Iterator[ColumnElement[bool]]:
    yield call_object.c.kind == ObjectKind.EXTENSION
    yield call_object.c.object_id == extension_id
    yield call_object.c.result.is_not(None)
    yield call.c.node.is_(None)
    if wanted.direction is not None:
        yield call_object.c.direction == wanted.direction
    if wanted.result is not None:
        yield call_object.c.result == wanted.result
    if wanted.since is not None:
        yield call.c.started_at >= wanted.since
    if wanted.until is not None:
        yield call.c.started_at < wanted.until
