"""What the names of prompts and playlists stand for, looked up at the moment when they are to be heard."""

from dataclasses import dataclass

import structlog

from ringdove.media.engine import Sound
from ringdove.media.library import Library
from ringdove.model.audio import FOLLOW_SYSTEM, PlayOrder
from ringdove.store import Store

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tune:
    """A sound under the name that the administrator gave it. `seconds`: once through."""

    name: str
    sound: Sound
    seconds: float


@dataclass(frozen=True, slots=True)
class Program:
    """What a caller is to hear in one place until somebody answers: `join` once, then `welcome` over and over."""

    join: Tune | None = None
    welcome: Tune | None = None


SILENT = Program()
"""Nothing of its own."""


class Sounds:
    """The prompts and playlists of this server. `system` is the playlist that `follow_system` stands for."""

    def __init__(self, store: Store, library: Library, system: str) -> None:
        self._store = store
        self._library = library
        self._system = system

    async def program(self, join_prompt: str, welcome_prompt: str) -> Program:
        """What the two settings of a group mean now."""
        return Program(await self.find(join_prompt), await self.find(welcome_prompt))

    async def music(self, moh: str) -> Tune | None:
        """The music for a call on hold, by the `moh` of the group that it came through."""
        return await self.find(self._system if moh == FOLLOW_SYSTEM else moh)

    async def find(self, name: str) -> Tune | None:
        """The prompt or playlist of this name; None for "", and where there is none (any more) or it is empty.

        A store that fails costs the sound, not the call.
        """
        try:
            found = await self._store.sounds.find(name) if name else None
        except Exception:
            log.exception("sound_not_read", name=name)
            return None
        if found is None or not found.files:
            return None
        tracks = tuple(self._library.track(file.digest) for file in found.files)
        shuffled = found.play_order is PlayOrder.RANDOM
        return Tune(name, Sound(tracks, shuffled), sum(file.seconds for file in found.files))
