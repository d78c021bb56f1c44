"""When the media process is told something: at the end of the turn, or with what is said next where that has time."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ringdove.media.embedded.child import Child
from ringdove.media.embedded.wire import Command, Free, Stream, read_commands

LISTENING = Stream(30002, "127.0.0.1", 4000, 4001, 1, [], True, None, [], False)
SILENCED = LISTENING._replace(listens=False)


class Ear:
    """The other end of what a child is told."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    async def heard(self) -> list[Command]:
        async with asyncio.timeout(5):
            line = await asyncio.get_running_loop().sock_recv(self._sock, 65_536)
        assert line.count(b"\n") == 1, "one write"
        return read_commands(line)

    async def hears_nothing(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        with pytest.raises(BlockingIOError):
            self._sock.recv(1)


@asynccontextmanager
async def told() -> AsyncIterator[tuple[Child, Ear]]:
    child = Child(lambda _: None)
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    with theirs:
        transport, _ = await asyncio.get_running_loop().create_unix_connection(lambda: child, sock=ours)
        yield child, Ear(theirs)
        transport.close()
        await child.over()


async def test_what_has_time_goes_with_what_is_said_next() -> None:
    async with told() as (child, ear):
        child.send(Free([30000]), has_time=True)
        await ear.hears_nothing()
        child.send(LISTENING)
        child.send(SILENCED)
        assert await ear.heard() == [Free([30000]), LISTENING, SILENCED]


async def test_what_has_time_is_said_in_the_end_though_nothing_else_is() -> None:
    async with told() as (child, ear):
        for port in (30000, 30004):
            child.send(Free([port]), has_time=True)
            assert await ear.heard() == [Free([port])]


async def test_what_silences_waits_for_nothing_while_others_wait() -> None:
    async with told() as (child, ear):
        child.send(Free([30000]), has_time=True)
        child.send(SILENCED)
        assert await ear.heard() == [Free([30000]), SILENCED]
        child.send(Free([30004]), has_time=True)
        child.send(LISTENING)
        assert await ear.heard() == [Free([30004]), LISTENING]
        await ear.hears_nothing()
