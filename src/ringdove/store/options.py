"""Switches of the whole system in the database."""

from collections.abc import Callable

from sqlalchemy import Connection, select, update

from ringdove.model.options import Options as Values
from ringdove.store.database import Database
from ringdove.store.memory import remembered
from ringdove.store.tables import options

_ONLY = 1
"""The id of the one row, which is always there."""


class Options:
    """Keeps the switches."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self) -> Values:
        """Return how they stand."""
        return await self._row(_ONLY)

    async def update(self, change: Callable[[Values], Values]) -> Values:
        """Replace them by what `change` makes of them."""

        def work(conn: Connection) -> Values:
            after = change(_read(conn, _ONLY))
            conn.execute(update(options).values(after.model_dump()))
            return after

        return await self._database.write(work)

    @remembered
    async def _row(self, row_id: int) -> Values:
        return await self._database.read(lambda conn: _read(conn, row_id))


def _read(conn: Connection, row_id: int) -> Values:
    row = conn.execute(select(options).where(options.c.id == row_id)).one()
    return Values.model_construct(**{name: row._mapping[name] for name in Values.model_fields})
