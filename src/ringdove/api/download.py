"""How files go out: an interface answers a link, and the link is good for half an hour and for the same token only.

A link is its own proof, so that nothing has to be remembered about it: it is signed with the token that asked for it.
"""

import asyncio
import hashlib
import hmac
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import FileResponse
from pydantic import Field

from ringdove.api.auth import family
from ringdove.api.envelope import Done
from ringdove.api.errors import Code, Refusal
from ringdove.api.routing import access_token
from ringdove.api.services import Injected, Services
from ringdove.model.audio import Audio

LINK_SECONDS = 1800

router = family("download")

_MEDIA_TYPES = {".wav": "audio/wav", ".mp3": "audio/mpeg", ".flac": "audio/flac", ".ogg": "audio/ogg"}


class Link(Done):
    """Where to fetch a file."""

    file: str
    download_resource_url: str = Field(
        description="To be put behind the base URL of the server. Good for 30 minutes, with the same `access_token`."
    )


def link(audio: Audio, request: Request, services: Services) -> Link:
    """Return the link to a file for whoever asked."""
    expires = str(int(services.clock()) + LINK_SECONDS)
    # All of it is path: clients put "?access_token=…" behind whatever they get.
    url = request.app.url_path_for(
        "fetch",
        expires=expires,
        signature=_signature(access_token(request), expires, audio.digest, audio.file),
        digest=audio.digest,
        file=quote(audio.file, safe=""),
    )
    return Link(file=audio.file, download_resource_url=str(url))


@router.get("/{expires}/{signature}/{digest}/{file}", name="fetch", include_in_schema=False)
async def fetch(
    expires: str, signature: str, digest: str, file: str, request: Request, services: Injected
) -> FileResponse:
    """Send a file as it was uploaded, or the range of it that is asked for."""
    right = _signature(access_token(request), expires, digest, file)
    if not hmac.compare_digest(signature.encode(), right.encode()) or services.clock() >= int(expires):
        raise Refusal(Code.TOKEN_EXPIRED)
    try:
        original = await asyncio.to_thread(services.audio.original, digest)
    except FileNotFoundError:  # deleted since
        raise Refusal.parameter("file", "exist") from None
    return FileResponse(
        original,
        media_type=_MEDIA_TYPES[original.suffix],
        filename=file,
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"},
    )


def _signature(token: str, expires: str, digest: str, file: str) -> str:
    return hmac.new(token.encode(), f"{expires}\n{digest}\n{file}".encode(), hashlib.sha256).hexdigest()
