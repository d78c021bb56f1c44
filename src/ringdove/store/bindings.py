"""Bindings in the database, so that phones need not register again after a restart."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from ringdove.model.binding import StoredBinding
from ringdove.store.database import Database
from ringdove.store.tables import binding, extension

_REFRESHED = ("call_id", "cseq", "user_agent", "q", "expires_at", "registered_at")
"""What a phone may say anew without being anywhere else."""
_REFRESH = (
    update(binding)
    .where(binding.c.extension_id == bindparam("owner"), binding.c.key == bindparam("name"))
    .values({name: bindparam(f"new_{name}") for name in _REFRESHED})
)


class Bindings:
    """Keeps the bindings of all extensions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[StoredBinding]:
        """Return every binding, oldest first."""
        query = select(binding).order_by(binding.c.registered_at, binding.c.key)
        rows = await self._database.read(lambda conn: conn.execute(query).all())
        return [StoredBinding.model_validate(dict(row._mapping)) for row in rows]

    async def put(self, new: StoredBinding) -> bool:
        """Save a binding in place of the one with the same extension and key; False where the extension is gone."""
        return await self.change(new.extension_id, saved=[new])

    async def change(
        self, extension_id: int, *, saved: Sequence[StoredBinding] = (), forgotten: Sequence[str] = ()
    ) -> bool:
        """Forget some bindings of an extension by their keys and save others, all of it or nothing.

        False where there was something to save and the extension is gone.
        """

        def work(conn: Connection) -> bool:
            owner = select(extension.c.id).where(extension.c.id == extension_id)
            if saved and not conn.execute(owner).first():
                return False
            for key in (*forgotten, *(new.key for new in saved)):
                _delete(conn, extension_id, key)
            for new in saved:
                conn.execute(insert(binding).values(new.model_dump()))
            return True

        return await self._database.write(work, settings=False)

    async def refresh(self, bindings: Sequence[StoredBinding]) -> None:
        """Save what phones said anew, of the bindings that are still there; all of it in one transaction."""
        values = [
            {"owner": one.extension_id, "name": one.key, **{f"new_{name}": getattr(one, name) for name in _REFRESHED}}
            for one in bindings
        ]

        def work(conn: Connection) -> None:
            conn.execute(_REFRESH, values)

        await self._database.write(work, settings=False)


def _delete(conn: Connection, extension_id: int, key: str) -> None:
    conn.execute(delete(binding).where(binding.c.extension_id == extension_id, binding.c.key == key))
