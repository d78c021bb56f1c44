"""The numbering plan: one table for everything that can be dialled."""

from sqlalchemy import Connection, delete, insert, select

from ringdove.model.reference import DestinationKind, Dialable, ObjectKind
from ringdove.store.database import Database
from ringdove.store.errors import Clash
from ringdove.store.memory import remembered
from ringdove.store.tables import number_plan


class Numbers:
    """Finds what a number leads to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @remembered
    async def find(self, number: str) -> Dialable | None:
        """Say what is reached by dialling `number`."""
        query = select(number_plan.c.kind, number_plan.c.object_id).where(number_plan.c.number == number)
        row = await self._database.read(lambda conn: conn.execute(query).one_or_none())
        return Dialable(DestinationKind(row.kind), row.object_id) if row else None


def clash(conn: Connection, number: str) -> Clash | None:
    """Say who holds `number`, if anybody does."""
    kind = conn.execute(select(number_plan.c.kind).where(number_plan.c.number == number)).scalar()
    return Clash("number", number, ObjectKind(kind), number) if kind else None


def claim(conn: Connection, number: str, kind: DestinationKind, object_id: int) -> None:
    """Enter a new object under its number."""
    conn.execute(insert(number_plan).values(number=number, kind=kind, object_id=object_id))


def release(conn: Connection, kind: DestinationKind, object_id: int) -> None:
    """Take an object out of the plan."""
    conn.execute(delete(number_plan).where(number_plan.c.kind == kind, number_plan.c.object_id == object_id))
