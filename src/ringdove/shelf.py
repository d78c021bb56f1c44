"""The library and the rows that name its content: content comes first and goes last, so that no row names nothing."""

import asyncio

from ringdove.media.library import Library
from ringdove.store import Store


class Shelf:
    """Keeps library and store in step."""

    def __init__(self, store: Store, audio: Library) -> None:
        self._store, self._audio = store, audio
        self.rows = asyncio.Lock()
        """Held from when content is added until the row that names it is saved, and while content goes."""

    async def discard(self, *digests: str) -> None:
        """Take content out of the library if no row names it any more; whoever listens to it hears it to its end."""
        for digest in digests:
            async with self.rows:
                if not await self._store.sounds.uses(digest):
                    await self._audio.remove(digest)
