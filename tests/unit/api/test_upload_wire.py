"""Uploads over a real connection: clients that lie about the length, leave half-way, or never end."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from ringdove.api.audio_form import MAX_RINGTONE
from ringdove.api.server import HttpServer, listen
from unit.api.api_client import BASE, Api
from unit.api.sound_files import kept, left_over, tone

HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
END = b"\r\n--x--\r\n"


class Line:
    """One connection to the server."""

    def __init__(self, api: Api, port: int) -> None:
        self._api = api
        self._port = port

    async def __aenter__(self) -> "Line":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    def begin(self, *headers: str, path: str = "custom_ringtone/upload") -> None:
        query = urlencode({"access_token": self._api.token})
        lines = [f"POST {BASE}{path}?{query} HTTP/1.1", "Host: test", "Content-Type: multipart/form-data; boundary=x"]
        self.writer.write("\r\n".join([*lines, *headers, "", ""]).encode())

    async def answer(self) -> bytes:
        """The head and body of what the server says."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return head + await asyncio.wait_for(self.reader.readexactly(length), 5)


@pytest.fixture
async def port(api: Api) -> AsyncIterator[int]:
    listener = listen("127.0.0.1", 0)
    server = HttpServer(api.app)
    await server.open(listener)
    yield listener.getsockname()[1]
    await server.close()


@pytest.fixture
def data(api: Api) -> Path:
    return api.services.settings.data


async def test_a_body_that_is_shorter_than_promised_is_no_upload(
    api: Api, port: int, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Line(api, port) as line:
        line.begin("Content-Length: 100000")
        line.writer.write(HEAD + tone()[:1000])
        await line.writer.drain()
        await until(lambda: left_over(data))
    await until(lambda: not left_over(data))
    assert kept(data) == set()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_body_that_is_longer_than_promised_is_read_as_far_as_promised(api: Api, port: int, data: Path) -> None:
    async with Line(api, port) as line:
        line.begin(f"Content-Length: {len(HEAD)}")
        line.writer.write(HEAD + tone() + END)
        assert b'"multipart"' in await line.answer()
    assert left_over(data) == []


async def test_a_body_without_end_is_answered_where_the_limit_is(api: Api, port: int, data: Path) -> None:
    async with Line(api, port) as line:
        line.begin("Transfer-Encoding: chunked")
        sent = 0

        async def send() -> None:
            nonlocal sent
            line.writer.write(b"%x\r\n%s\r\n" % (len(HEAD), HEAD))
            while sent < 4 * MAX_RINGTONE:
                line.writer.write(b"10000\r\n" + bytes(65536) + b"\r\n")
                sent += 65536
                await line.writer.drain()

        sending = asyncio.create_task(send())
        assert b'"length"' in await line.answer()
        assert left_over(data) == []
        await sending


async def test_an_upload_in_single_octets_works(api: Api, port: int) -> None:
    body = HEAD + tone() + END
    async with Line(api, port) as line:
        line.begin("Transfer-Encoding: chunked")
        for octet in HEAD:
            line.writer.write(b"1\r\n%c\r\n" % octet)
        rest = body[len(HEAD) :]
        line.writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(rest), rest))
        assert b'"file":"a.wav"' in await line.answer()


async def test_others_are_served_while_an_upload_drags_on(api: Api, port: int) -> None:
    async with Line(api, port) as slow, Line(api, port) as quick:
        slow.begin("Content-Length: 100000")
        slow.writer.write(HEAD)
        await slow.writer.drain()
        quick.begin(f"Content-Length: {len(HEAD + tone() + END)}")
        quick.writer.write(HEAD + tone() + END)
        assert b'"SUCCESS"' in await quick.answer()


async def until(holds: Any) -> None:
    """Wait for something that another task brings about."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110  # a folder has no event for it
            await asyncio.sleep(0.01)
