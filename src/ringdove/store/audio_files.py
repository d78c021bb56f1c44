"""Prompts and ring tones in the database; their content is in the library."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Table, delete, insert, select, update

from ringdove.model.audio import Prompt, Ringtone, RingtoneType
from ringdove.model.reference import AudioRef, ObjectKind
from ringdove.store.database import Database
from ringdove.store.errors import Builtin, Clash, Duplicate
from ringdove.store.listing import Listing, page
from ringdove.store.references import check_unused, rename
from ringdove.store.tables import prompt, ringtone

F = TypeVar("F", Prompt, Ringtone)


class AudioFiles(ABC, Generic[F]):
    """Keeps files of one kind, each under its name."""

    kind: ClassVar[ObjectKind]
    table: ClassVar[Table]
    sortable: ClassVar[dict[str, ColumnElement[Any]]]

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, file_id: int) -> F | None:
        """Return the file with this id."""
        return await self._database.read(lambda conn: self._one(conn, self.table.c.id == file_id))

    async def by_file(self, file: str) -> F | None:
        """Return the file of this name."""
        return await self._database.read(lambda conn: self._one(conn, self.table.c.file == file))

    async def page(self, listing: Listing) -> tuple[int, list[F]]:
        """Return the number of all matches and the wanted part of them."""

        def work(conn: Connection) -> tuple[int, list[F]]:
            total, rows = page(conn, select(self.table), listing, self.sortable, [self.table.c.file])
            return total, [self._from_row(row) for row in rows]

        return await self._database.read(work)

    async def save(self, new: F) -> F:
        """Save a file, where its name is taken in place of that one, and return it with its id. Raises Builtin."""

        def work(conn: Connection) -> F:
            values = new.model_dump(exclude={"id"})
            if old := self._one(conn, self.table.c.file == new.file):
                _check_changeable(old)
                conn.execute(update(self.table).where(self.table.c.id == old.id).values(values))
                return new.model_copy(update={"id": old.id})
            made = conn.execute(insert(self.table).values(values).returning(self.table.c.id))
            return new.model_copy(update={"id": made.scalar_one()})

        return await self._database.write(work)

    async def update(self, file_id: int, change: Callable[[F], F]) -> F | None:
        """Give a file the name and content of what `change` makes of it; None where there is none.

        A new name goes into the ring groups that use it. Raises Duplicate, Builtin.
        """

        def work(conn: Connection) -> F | None:
            before = self._one(conn, self.table.c.id == file_id)
            if before is None:
                return None
            _check_changeable(before)
            after = change(before).model_copy(update={"id": before.id})
            if after.file != before.file:
                if self._one(conn, self.table.c.file == after.file):
                    raise Duplicate([Clash("file", after.file, self.kind, after.file)])
                rename(conn, AudioRef(self.kind, before.file), after.file)
            values = after.model_dump(exclude={"id"})
            conn.execute(update(self.table).where(self.table.c.id == before.id).values(values))
            return after

        return await self._database.write(work)

    async def delete(self, file_id: int) -> F | None:
        """Delete a file and return what it was; None where there is none.

        Raises InUse while a ring group names it, and Builtin.
        """

        def work(conn: Connection) -> F | None:
            found = self._one(conn, self.table.c.id == file_id)
            if found is None:
                return None
            _check_changeable(found)
            check_unused(conn, AudioRef(self.kind, found.file))
            conn.execute(delete(self.table).where(self.table.c.id == file_id))
            return found

        return await self._database.write(work)

    def _one(self, conn: Connection, condition: ColumnElement[bool]) -> F | None:
        row = conn.execute(select(self.table).where(condition)).one_or_none()
        return self._from_row(row) if row else None

    @staticmethod
    @abstractmethod
    def _from_row(row: Any) -> F:
        """Return the file of a row, unchecked: a rule that became stricter must not make it unreadable."""


class Prompts(AudioFiles[Prompt]):
    """Keeps the prompts."""

    kind = ObjectKind.PROMPT
    table = prompt
    sortable: ClassVar[dict[str, ColumnElement[Any]]] = {
        "id": prompt.c.id,
        "file": prompt.c.file,
        "duration": prompt.c.seconds,
        "size": prompt.c.size,
        "upload_time": prompt.c.uploaded_at,
    }

    @staticmethod
    def _from_row(row: Any) -> Prompt:
        return Prompt.model_construct(**row._mapping)


class Ringtones(AudioFiles[Ringtone]):
    """Keeps the ring tones of web clients."""

    kind = ObjectKind.RINGTONE
    table = ringtone
    sortable: ClassVar[dict[str, ColumnElement[Any]]] = {name: ringtone.c[name] for name in ("id", "file", "type")}

    @staticmethod
    def _from_row(row: Any) -> Ringtone:
        return Ringtone.model_construct(**dict(row._mapping) | {"type": RingtoneType(row.type)})


def _check_changeable(file: Prompt | Ringtone) -> None:
    if isinstance(file, Ringtone) and file.type is RingtoneType.BUILT_IN:
        raise Builtin(file.file)
