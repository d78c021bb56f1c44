"""Playlists in the database; the content of their files is in the library."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from ringdove.model.audio import MAX_FILES, Audio, Playlist, PlayOrder, alphabetical
from ringdove.model.reference import AudioRef, ObjectKind
from ringdove.store.database import Database
from ringdove.store.errors import Builtin, Clash, Duplicate, Full
from ringdove.store.listing import Listing, page
from ringdove.store.references import check_unused, rename
from ringdove.store.tables import playlist, playlist_file

SORTABLE = {name: playlist.c[name] for name in ("id", "list_name", "play_order")}


class Playlists:
    """Creates, finds, changes, fills and deletes playlists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, list_id: int) -> Playlist | None:
        """Return the playlist with this id."""
        return next(iter(await self.many([list_id])), None)

    async def many(self, ids: Iterable[int]) -> list[Playlist]:
        """Return those of `ids` that exist, in the order asked for, each once."""
        wanted = list(dict.fromkeys(ids))
        found = {one.id: one for one in await self._database.read(lambda conn: _found(conn, playlist.c.id.in_(wanted)))}
        return [found[i] for i in wanted if i in found]

    async def by_name(self, list_name: str) -> Playlist | None:
        """Return the playlist of this name."""
        return await self._database.read(lambda conn: by_name(conn, list_name))

    async def page(self, listing: Listing) -> tuple[int, list[Playlist]]:
        """Return the number of all matches and the wanted part of them."""

        def work(conn: Connection) -> tuple[int, list[Playlist]]:
            total, rows = page(conn, select(playlist), listing, SORTABLE, [playlist.c.list_name])
            return total, _with_files(conn, rows)

        return await self._database.read(work)

    async def create(self, new: Playlist) -> Playlist:
        """Save a new playlist with its files and return it with its id. Raises Duplicate."""
        return await self._database.write(lambda conn: create(conn, new))

    async def update(self, list_id: int, change: Callable[[Playlist], Playlist]) -> Playlist | None:
        """Give a playlist the name and order of what `change` makes of it; None where there is none.

        A new name goes into the ring groups that use it. Raises Duplicate, and Builtin where the built-in playlist
        would be renamed.
        """

        def work(conn: Connection) -> Playlist | None:
            before = next(iter(_found(conn, playlist.c.id == list_id)), None)
            if before is None:
                return None
            wanted = change(before)
            after = before.model_copy(update={"list_name": wanted.list_name, "play_order": wanted.play_order})
            if after.list_name != before.list_name:
                if before.builtin:
                    raise Builtin(before.list_name)
                _check_unique(conn, after.list_name)
                rename(conn, AudioRef(ObjectKind.PLAYLIST, before.list_name), after.list_name)
            values = after.model_dump(include={"list_name", "play_order"})
            conn.execute(update(playlist).where(playlist.c.id == list_id).values(values))
            return after

        return await self._database.write(work)

    async def delete(self, list_id: int) -> Playlist | None:
        """Delete a playlist with its files and return what it was; None where there is none.

        Raises InUse while a ring group names it, and Builtin.
        """

        def work(conn: Connection) -> Playlist | None:
            found = next(iter(_found(conn, playlist.c.id == list_id)), None)
            if found is None:
                return None
            if found.builtin:
                raise Builtin(found.list_name)
            check_unused(conn, AudioRef(ObjectKind.PLAYLIST, found.list_name))
            conn.execute(delete(playlist).where(playlist.c.id == list_id))
            return found

        return await self._database.write(work)

    async def add_file(self, list_name: str, audio: Audio) -> bool:
        """Add music, where the file name is taken in place of that; False where there is no such playlist.

        Raises Full.
        """

        def work(conn: Connection) -> bool:
            found = by_name(conn, list_name)
            if found is None:
                return False
            if len({one.file for one in found.files} | {audio.file}) > MAX_FILES:
                raise Full(list_name)
            _remove_file(conn, found.id, audio.file)
            _save_files(conn, found.id, [audio])
            return True

        return await self._database.write(work)

    async def remove_file(self, list_name: str, file: str) -> Audio | None:
        """Take music out and return what it was; None where there is no such file or playlist."""

        def work(conn: Connection) -> Audio | None:
            found = by_name(conn, list_name)
            if found is None:
                return None
            _remove_file(conn, found.id, file)
            return next((audio for audio in found.files if audio.file == file), None)

        return await self._database.write(work)


def by_name(conn: Connection, list_name: str) -> Playlist | None:
    """Return the playlist of this name."""
    return next(iter(_found(conn, playlist.c.list_name == list_name)), None)


def create(conn: Connection, new: Playlist) -> Playlist:
    """Save a new playlist with its files and return it with its id. Raises Duplicate."""
    _check_unique(conn, new.list_name)
    values = new.model_dump(exclude={"id", "files"})
    made = conn.execute(insert(playlist).values(values).returning(playlist.c.id))
    saved = new.model_copy(update={"id": made.scalar_one()})
    _save_files(conn, saved.id, saved.files)
    return saved


def _found(conn: Connection, condition: Any) -> list[Playlist]:
    return _with_files(conn, conn.execute(select(playlist).where(condition)).all())


def _with_files(conn: Connection, rows: Sequence[Any]) -> list[Playlist]:
    wanted = playlist_file.c.playlist_id.in_([row.id for row in rows])
    files: dict[int, list[Audio]] = {}
    for row in conn.execute(select(playlist_file).where(wanted)).all():
        audio = Audio.model_construct(file=row.file, digest=row.digest, seconds=row.seconds, size=row.size)
        files.setdefault(row.playlist_id, []).append(audio)
    return [
        Playlist.model_construct(
            id=row.id,
            list_name=row.list_name,
            play_order=PlayOrder(row.play_order),
            builtin=row.builtin,
            files=alphabetical(files.get(row.id, ())),
        )
        for row in rows
    ]


def _check_unique(conn: Connection, list_name: str) -> None:
    if conn.execute(select(playlist.c.id).where(playlist.c.list_name == list_name)).first():
        raise Duplicate([Clash("list_name", list_name, ObjectKind.PLAYLIST, list_name)])


def _save_files(conn: Connection, list_id: int, files: Iterable[Audio]) -> None:
    rows = [{"playlist_id": list_id} | audio.model_dump() for audio in files]
    if rows:
        conn.execute(insert(playlist_file), rows)


def _remove_file(conn: Connection, list_id: int, file: str) -> None:
    this = (playlist_file.c.playlist_id == list_id, playlist_file.c.file == file)
    conn.execute(delete(playlist_file).where(*this))
