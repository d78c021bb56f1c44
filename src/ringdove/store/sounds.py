"""What concerns all audio: finding it by the names in ring groups, what is kept at all, and what is built in."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, exists, insert, or_, select, union

from ringdove.model.audio import (
    BUILT_IN_RINGTONES,
    SYSTEM_PLAYLIST,
    Audio,
    Playlist,
    PlayOrder,
    Ringtone,
    RingtoneType,
    Selection,
)
from ringdove.store import playlists
from ringdove.store.database import Database
from ringdove.store.memory import remembered
from ringdove.store.tables import playlist_file, prompt, ringtone, vm_greeting, vm_message

_NAMING = (prompt, ringtone, playlist_file, vm_greeting, vm_message)
"""Every table whose rows name content."""


class Sounds:
    """Finds what calls are to play, and keeps what every system has."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @remembered
    async def find(self, name: str) -> Selection | None:
        """Return what a name stands for, a prompt or else a playlist; None where there is neither."""

        def work(conn: Connection) -> Selection | None:
            row = conn.execute(select(prompt).where(prompt.c.file == name)).one_or_none()
            if row:
                audio = Audio.model_construct(file=row.file, digest=row.digest, seconds=row.seconds, size=row.size)
                return Selection((audio,), PlayOrder.ALPHABETICAL)
            found = playlists.by_name(conn, name)
            return Selection(found.files, found.play_order) if found else None

        return await self._database.read(work)

    async def digests(self) -> frozenset[str]:
        """Return the digests of all content that anything names."""
        query = union(*(select(table.c.digest) for table in _NAMING))
        return await self._database.read(lambda conn: frozenset(conn.execute(query).scalars()))

    async def uses(self, digest: str) -> bool:
        """Say whether anything names this content."""
        query = select(or_(*(exists().where(table.c.digest == digest) for table in _NAMING)))
        return await self._database.read(lambda conn: bool(conn.execute(query).scalar_one()))

    async def keep_built_ins(self, ringtones: Sequence[Ringtone], music: Sequence[Audio]) -> None:
        """Enter the ring tones that come with this release in place of others, as ids from 1, at most 11 of them.

        The playlist of the system is made of `music` where there is none yet; afterwards it is the administrator's.
        """
        rows = [
            tone.model_dump() | {"id": position, "type": RingtoneType.BUILT_IN}
            for position, tone in enumerate(ringtones, start=1)
        ]

        def work(conn: Connection) -> None:
            names = [tone.file for tone in ringtones]
            conn.execute(delete(ringtone).where(or_(ringtone.c.id <= BUILT_IN_RINGTONES, ringtone.c.file.in_(names))))
            if rows:
                conn.execute(insert(ringtone), rows)
            if playlists.by_name(conn, SYSTEM_PLAYLIST) is None:
                system = Playlist(
                    list_name=SYSTEM_PLAYLIST, play_order=PlayOrder.RANDOM, builtin=True, files=tuple(music)
                )
                playlists.create(conn, system)

        await self._database.write(work)
