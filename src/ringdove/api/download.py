"""How files go out: an interface answers a link, and the link is good for half an hour and for the same token only.

A link is its own proof, so that nothing has to be remembered about it: it is signed with the token that asked for it.
"""

import asyncio
import hashlib
import hmac
import os
from enum import StrEnum
from typing import Any, BinaryIO, Protocol
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import FileResponse
from pydantic import Field
from starlette.types import Receive, Scope, Send

from ringdove.api.auth import family
from ringdove.api.envelope import Done
from ringdove.api.errors import Code, Refusal
from ringdove.api.routing import access_token
from ringdove.api.services import Injected, Services

LINK_SECONDS = 1800

router = family("download")

_MEDIA_TYPES = {".wav": "audio/wav", ".mp3": "audio/mpeg", ".flac": "audio/flac", ".ogg": "audio/ogg"}


_URL = Field(
    description="To be put behind the base URL of the server. Good for 30 minutes, with the same `access_token`."
)


class Fetchable(Protocol):
    """Something with a name whose content is in the library."""

    @property
    def file(self) -> str:
        """What it is called by who fetches it."""
        ...

    @property
    def digest(self) -> str:
        """What its content is called in the library."""
        ...


class Link(Done):
    """Where to fetch a file."""

    file: str
    download_resource_url: str = _URL


class PlayLink(Done):
    """Where to hear a file."""

    file: str
    play_resource_url: str = _URL


class Disposition(StrEnum):
    """What a browser does with a file (RFC 6266, section 4.2): save or play it."""

    ATTACHMENT = "attachment"
    INLINE = "inline"


def link(audio: Fetchable, request: Request, services: Services) -> Link:
    """Return the link by which whoever asked can save a file."""
    return Link(file=audio.file, download_resource_url=_url(Disposition.ATTACHMENT, audio, request, services))


def play_link(audio: Fetchable, request: Request, services: Services) -> PlayLink:
    """Return the link by which whoever asked can hear a file."""
    return PlayLink(file=audio.file, play_resource_url=_url(Disposition.INLINE, audio, request, services))


@router.get("/{disposition}/{expires}/{signature}/{digest}/{file}", name="fetch", include_in_schema=False)
async def fetch(
    disposition: Disposition,
    expires: str,
    signature: str,
    digest: str,
    file: str,
    request: Request,
    services: Injected,
) -> FileResponse:
    """Send a file as it was uploaded, or the range of it that is asked for."""
    right = _signature(access_token(request), expires, digest, file)
    if not hmac.compare_digest(signature.encode(), right.encode()) or services.clock() >= int(expires):
        raise Refusal(Code.TOKEN_EXPIRED)
    try:
        original = await asyncio.to_thread(services.audio.original, digest)
        content = await asyncio.to_thread(original.open, "rb")
    except FileNotFoundError:  # deleted since
        raise Refusal.parameter("file", "exist") from None
    return _OpenFile(
        content,
        media_type=_MEDIA_TYPES[original.suffix],
        filename=file,
        content_disposition_type=disposition,
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"},
    )


class _OpenFile(FileResponse):
    """Sends a file that is open, so that it can be deleted meanwhile."""

    def __init__(self, content: BinaryIO, **how: Any) -> None:
        # Opened once more by this name it is the same file, though its own name is gone.
        super().__init__(f"/dev/fd/{content.fileno()}", stat_result=os.fstat(content.fileno()), **how)
        self._content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it (ASGI)."""
        with self._content:
            await super().__call__(scope, receive, send)


def _url(disposition: Disposition, audio: Fetchable, request: Request, services: Services) -> str:
    expires = str(int(services.clock()) + LINK_SECONDS)
    # All of it is path: clients put "?access_token=…" behind whatever they get.
    url = request.app.url_path_for(
        "fetch",
        disposition=disposition,
        expires=expires,
        signature=_signature(access_token(request), expires, audio.digest, audio.file),
        digest=audio.digest,
        file=quote(audio.file, safe=""),
    )
    return str(url)


def _signature(token: str, expires: str, digest: str, file: str) -> str:
    return hmac.new(token.encode(), f"{expires}\n{digest}\n{file}".encode(), hashlib.sha256).hexdigest()
