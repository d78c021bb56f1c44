"""The library and the rows that name its content: content comes first and goes last, so that no row names nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from ringdove.media.library import Kept, Library
from ringdove.model.audio import Audio
from ringdove.store import Store

T = TypeVar("T")


class Shelf:
    """Keeps library and store in step."""

    def __init__(self, store: Store, audio: Library) -> None:
        self._store, self._audio = store, audio
        self.rows = asyncio.Lock()
        """Held from when content is added until the row that names it is saved, and while content goes."""

    async def keep(self, content: Path, name: str, save: Callable[[Kept], Awaitable[tuple[T, Audio | None]]]) -> T:
        """Put an audio file into the library, then save the row that names it; returns that.

        `save` returns the new row and the one that it replaced, whose content goes if that was all. One row is saved at
        a time, so that what `save` finds stays as it is. Raises BrokenAudio, and what `save` raises; the content goes
        again then.
        """
        digest = (await self._audio.add(content, name)).digest
        try:
            async with self.rows:
                # Once more, for somebody may have deleted the same meanwhile; what is still there is only found.
                saved, before = await save(await self._audio.add(content, name))
        except Exception:  # whatever it was, and it goes on up: no content stays without a row
            await self.discard(digest)
            raise
        if before:
            await self.discard(before.digest)
        return saved

    async def listen(self, content: Path) -> Path:
        """The track of an audio file that no row names yet; the next `discard` or start of the server takes it away.

        Raises BrokenAudio.
        """
        return self._audio.track((await self._audio.add(content, content.name)).digest)

    async def discard(self, *digests: str) -> None:
        """Take content out of the library if no row names it any more; whoever listens to it hears it to its end."""
        for digest in digests:
            async with self.rows:
                if not await self._store.sounds.uses(digest):
                    await self._audio.remove(digest)
