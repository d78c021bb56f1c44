"""How files come in: `multipart/form-data` (RFC 7578), read while it streams; one chunk at a time is in memory."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from ringdove.api.errors import Problem, Refusal

_MAX_PARTS = 32
_MAX_TEXT = 16_384
"""Octets of all parts together that are not the file."""
_OVERHEAD = 65_536
"""Octets of a body that need not be content."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What came: the texts of the parts by their names, the name of the file as `file` among them, and its content.

    `size` is None where no file came: who only asks about a name may leave it out, and send the name as text.
    """

    fields: dict[str, str]
    content: Path
    size: int | None

    def problems(self) -> list[Problem]:
        """Say what is wrong about the content where there has to be one."""
        if self.size is None:
            return [Problem("file", "required")]
        return [] if self.size else [Problem("file", "length")]


@asynccontextmanager
async def receive(request: Request, folder: Path, limit: int) -> AsyncIterator[Upload]:
    """Read an upload of at most `limit` octets; its content lies in `folder` until the block ends.

    Raises Refusal as soon as the body is no good, whatever may still come; ClientDisconnect.
    """
    reader = _Reader(request.headers.get("content-type", ""), folder, limit)
    try:
        async for chunk in request.stream():
            # Not in the loop: a disk may be slow, and a hostile body costs the parser a step per octet.
            await asyncio.to_thread(reader.feed, chunk)
        yield reader.upload()
    finally:
        await asyncio.to_thread(reader.close)


def _broken() -> Refusal:
    return Refusal.parameter("body", "multipart")


def _too_large(limit: int) -> Refusal:
    return Refusal.parameter("file", "length", why=f"larger than {limit // 2**20} MiB")


class _Reader:
    """Takes a body apart, chunk by chunk."""

    def __init__(self, content_type: str, folder: Path, limit: int) -> None:
        boundary = _parameters(content_type).get("boundary")
        if not content_type.lower().startswith("multipart/form-data") or not boundary:
            raise _broken()
        try:
            self._parser = MultipartParser(
                boundary.encode(),
                {
                    "on_part_begin": self._part_begins,
                    "on_header_begin": self._header_begins,
                    "on_header_field": self._header_name_goes_on,
                    "on_header_value": self._header_value_goes_on,
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": self._data_goes_on,
                    "on_end": self._body_ends,
                },
            )
        except FormParserError:
            raise _broken() from None
        self._limit = limit
        self._octets = 0
        self._texts: dict[str, bytes] = {}
        self._parts = 0
        self._file_name: str | None = None
        self._size = 0
        self._complete = False
        # Of the part that is being read:
        self._header_name = b""
        self._header_value = b""
        self._disposition = b""
        self._name = ""
        self._is_file = False
        self._path = folder / secrets.token_hex(16)
        self._file = open(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")  # noqa: SIM115  # see close

    def feed(self, chunk: bytes) -> None:
        """Take what has come. Raises Refusal."""
        self._octets += len(chunk)
        if self._octets > self._limit + _OVERHEAD:
            raise _too_large(self._limit)
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise _broken() from None

    def upload(self) -> Upload:
        """Return the whole. Raises Refusal where the body broke off."""
        if not self._complete:
            raise _broken()
        self._file.flush()
        fields = {name: _text(value) for name, value in self._texts.items()}
        if self._file_name is None:
            return Upload(fields, self._path, None)
        return Upload(fields | {"file": self._file_name}, self._path, self._size)

    def close(self) -> None:
        """Leave nothing behind."""
        self._file.close()
        self._path.unlink()

    def _part_begins(self) -> None:
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise Refusal.parameter("body", "length")
        self._disposition = b""

    def _header_begins(self) -> None:
        self._header_name = self._header_value = b""

    def _header_name_goes_on(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _header_value_goes_on(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_ends(self) -> None:
        if self._header_name.strip().lower() == b"content-disposition":
            self._disposition = self._header_value

    def _headers_end(self) -> None:
        parameters = _parameters(_text(self._disposition))
        if "name" not in parameters:
            raise _broken()
        self._name = parameters["name"]
        self._is_file = self._name == "file" and "filename" in parameters
        if not self._is_file:
            self._texts[self._name] = b""
        elif self._file_name is None:
            self._file_name = parameters["filename"]
        else:
            raise Refusal.parameter("file", "length", why="one file at a time")

    def _data_goes_on(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._size += end - start
            if self._size > self._limit:
                raise _too_large(self._limit)
            self._file.write(memoryview(data)[start:end])
            return
        self._texts[self._name] += data[start:end]
        if sum(map(len, self._texts.values())) > _MAX_TEXT:
            raise Refusal.parameter("body", "length")

    def _body_ends(self) -> None:
        self._complete = True


def _text(octets: bytes) -> str:
    """Names and texts come as UTF-8 (RFC 7578, section 5.1.2); old clients mean Latin-1."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _parameters(header: str) -> dict[str, str]:
    """Return the parameters of a header; where there is a `filename*` too (RFC 6266, section 4.3), it counts.

    Raises Refusal.
    """
    message = Message()
    message["Content-Disposition"] = header
    try:
        # The last of a name wins, and the extended ones come last.
        found = dict(message.get_params(header="Content-Disposition") or ())
    except (TypeError, ValueError):  # continuations (RFC 2231) that the library cannot put in order
        raise _broken() from None
    return {name.lower(): value if isinstance(value, str) else _extended(value) for name, value in found.items()}


def _extended(value: tuple[str | None, str | None, str]) -> str:
    """Read `charset'language'text` (RFC 8187). Of the charsets it allows, `_text` finds out which one it is."""
    return _text(value[2].encode("latin-1", errors="replace"))
