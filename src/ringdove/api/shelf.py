"""Content that comes, and the row that names it."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ringdove.api.errors import Refusal
from ringdove.api.services import Services
from ringdove.api.upload import Upload
from ringdove.media.library import BrokenAudio, Kept
from ringdove.model.audio import Audio
from ringdove.model.reference import ObjectKind
from ringdove.store import Clash, Duplicate

T = TypeVar("T")


async def keep(
    came: Upload, name: str, save: Callable[[Kept], Awaitable[tuple[T, Audio | None]]], services: Services
) -> T:
    """Put what came into the library, then save the row that names it.

    `save` returns the new row and the one that it replaced, whose content goes if that was all. One row is saved at a
    time, so that what `save` finds stays as it is. Raises Refusal where it is no audio, and what `save` raises; the
    content goes again then.
    """
    digest = (await _added(came, name, services)).digest
    try:
        async with services.shelf.rows:
            # Once more, for somebody may have deleted the same content meanwhile; what is still there is only found.
            saved, before = await save(await _added(came, name, services))
    except Exception:  # whatever it was, and it goes on up: no content stays without a row
        await services.shelf.discard(digest)
        raise
    if before:
        await services.shelf.discard(before.digest)
    return saved


def taken(kind: ObjectKind, field: str, name: str) -> Refusal:
    """A file of this name is there already."""
    return Refusal.duplicate(Duplicate([Clash(field, name, kind, name)]), "upload file")


async def _added(came: Upload, name: str, services: Services) -> Kept:
    try:
        return await services.audio.add(came.content, name)
    except BrokenAudio as broken:
        raise Refusal.parameter("file", "audio", why=str(broken)) from None
