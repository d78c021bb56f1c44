"""The sounds that are kept, by content: a folder for each, named after the SHA-256 of the file that it was made of.

A folder never changes and comes and goes as a whole, so that a file can be replaced while somebody listens to it. Who
calls a sound by which name is the store's business.
"""

import asyncio
import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from ringdove.media.codecs import FRAME_BYTES, FRAME_SECONDS, SOUND_FORMATS
from ringdove.media.files.disk import sync
from ringdove.media.files.process import BrokenAudio, transcode

__all__ = ["BrokenAudio", "Kept", "Library"]

log = structlog.get_logger(__name__)

_DIGEST = re.compile(r"[0-9a-f]{64}")
_ORIGINAL = "original"


@dataclass(frozen=True, slots=True)
class Kept:
    """A sound in the library."""

    digest: str
    """What it is called here: 64 hex digits in lower case."""
    seconds: float
    """How long it plays: a whole number of packets."""
    size: int
    """Of the original, in octets."""
    suffix: str
    """What the original really is: ".wav", ".mp3", ".flac" or ".ogg"."""


class Library:
    """The folder of all sounds. Only one may work on a folder at a time. Everything may raise OSError."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._elsewhere: dict[str, Path] = {}
        """Originals that were only referred to, by digest."""
        self.incoming = folder / "incoming"
        """For files on their way in, on the same disk; `sweep` empties it."""
        self.incoming.mkdir(exist_ok=True, mode=0o700)

    async def add(self, source: Path, name: str) -> Kept:
        """Keep an audio file, which stays where it is. `name` is what its sender calls it and only told to the log.

        Content that is here already is found, at no cost. Raises BrokenAudio, and nothing is kept then.
        """
        if found := await self._find(source):
            return found
        async with self._fresh() as fresh:
            try:
                made = await transcode(source, fresh)
            except BrokenAudio as reason:
                log.info("audio_refused", name=name, reason=str(reason))
                raise
            # By the digest of what was read, should the source have changed meanwhile.
            kept = await asyncio.to_thread(self._settle, fresh, made.digest)
        log.info("audio_kept", name=name, seconds=kept.seconds, digest=kept.digest[:12])
        return kept

    async def refer(self, file: Path) -> str:
        """Let a file that stays where it is be had as an original, though not be played; returns its digest."""
        digest = await asyncio.to_thread(_digest, file)
        self._elsewhere[digest] = file
        return digest

    async def adopt(self, folder: Path) -> Kept:
        """Keep a copy of a track that was made elsewhere, by the same process. Raises BrokenAudio."""
        original = _original(folder)
        if found := await self._find(original):
            return found
        async with self._fresh() as fresh:
            await asyncio.to_thread(_copy, folder, fresh)
            return await asyncio.to_thread(self._settle, fresh, await asyncio.to_thread(_digest, original))

    def track(self, digest: str) -> Path:
        """The folder of a sound, as `media.engine.Sound` wants it, whether it is there or not."""
        if not _DIGEST.fullmatch(digest):
            raise ValueError("a digest has 64 hex digits")
        return self._folder / digest

    def original(self, digest: str) -> Path:
        """The file that was added or referred to; its suffix says what it is. Raises FileNotFoundError."""
        return self._elsewhere.get(digest) or _original(self.track(digest))

    async def remove(self, digest: str) -> None:
        """Keep a sound no longer; whoever is listening hears it to the end. Unknown ones are fine."""
        await asyncio.to_thread(self._discard, self.track(digest))

    async def sweep(self, in_use: Set[str]) -> int:
        """Remove what nobody refers to, and what never was complete; how many sounds went. For the start of a server:
        what is on its way in meanwhile would be lost.
        """
        return await asyncio.to_thread(self._sweep, in_use)

    @asynccontextmanager
    async def _fresh(self) -> AsyncIterator[Path]:
        """A name for a folder on its way in; what is there in the end goes away."""
        fresh = self.incoming / secrets.token_hex(16)
        try:
            yield fresh
        finally:
            await asyncio.to_thread(shutil.rmtree, fresh, ignore_errors=True)

    async def _find(self, original: Path) -> Kept | None:
        """What is kept of this content; None where nothing is, or somebody is just removing it."""
        digest = await asyncio.to_thread(_digest, original)
        with suppress(FileNotFoundError):
            return await asyncio.to_thread(_kept, self.track(digest), digest)
        return None

    def _settle(self, fresh: Path, digest: str) -> Kept:
        """Rename a complete folder into its place, unless the same came in at the same time."""
        kept = _kept(fresh, digest)
        try:
            fresh.rename(self.track(digest))
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        sync(self._folder)
        return kept

    def _discard(self, folder: Path) -> None:
        """Out of sight at once, then piece by piece."""
        away = self.incoming / secrets.token_hex(16)
        try:
            folder.rename(away)
        except FileNotFoundError:
            return
        sync(self._folder)
        shutil.rmtree(away, ignore_errors=True)

    def _sweep(self, in_use: Set[str]) -> int:
        shutil.rmtree(self.incoming, ignore_errors=True)
        self.incoming.mkdir(exist_ok=True, mode=0o700)  # what could not be removed stops nobody
        unused = [path for path in self._folder.iterdir() if _DIGEST.fullmatch(path.name) and path.name not in in_use]
        for path in unused:
            self._discard(path)
        return len(unused)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _kept(track: Path, digest: str) -> Kept:
    packets = (track / SOUND_FORMATS["PCMU"]).stat().st_size // FRAME_BYTES
    original = _original(track)
    return Kept(digest, round(packets * FRAME_SECONDS, 2), original.stat().st_size, original.suffix)


def _original(folder: Path) -> Path:
    for path in folder.glob(f"{_ORIGINAL}.*"):
        return path
    raise FileNotFoundError(f"no original in {folder.name}")


def _copy(track: Path, target: Path) -> None:
    """Copy a track, after a look whether it is one."""
    formats = [track / name for name in SOUND_FORMATS.values()]
    sizes = {path.stat().st_size if path.exists() else 0 for path in formats}
    if len(sizes) > 1 or not all(size and size % FRAME_BYTES == 0 for size in sizes):
        raise BrokenAudio("is not a complete track")
    target.mkdir(mode=0o700)
    for path in (*formats, _original(track)):
        with path.open("rb") as content, open(target / path.name, "xb", opener=_private) as copy:
            shutil.copyfileobj(content, copy)
            sync(copy)
    sync(target)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
