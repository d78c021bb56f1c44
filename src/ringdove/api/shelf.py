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
    """Keep what came, and the row that names it; see `Shelf.keep`. Raises Refusal where it is no audio."""
    try:
        return await services.shelf.keep(came.content, name, save)
    except BrokenAudio as broken:
        raise Refusal.parameter("file", "audio", why=str(broken)) from None


def taken(kind: ObjectKind, field: str, name: str) -> Refusal:
    """A file of this name is there already."""
    return Refusal.duplicate(Duplicate([Clash(field, name, kind, name)]), "upload file")
