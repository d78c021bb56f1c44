"""What the death of a server leaves of a recording, over real sockets: a server that only records, and is killed."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import soundfile

from ringdove.media.codecs import FRAME_BYTES
from ringdove.media.recordings import recover
from support.ports import audio_ports
from wire.media_phone import Phone, ended, phones, until

SERVER = """
import asyncio, sys
from pathlib import Path
from ringdove.media.embedded.engine import EmbeddedEngine
from ringdove.media.engine import PartyId, RecordingId, SessionId
from ringdove.sip.sdp import parse

async def main(first, last, port, file):
    engine = EmbeddedEngine("127.0.0.1", range(int(first), int(last)))
    await engine.start()
    session = await engine.open(SessionId("s"))
    offer = parse(f"v=0\\r\\no=- 1 1 IN IP4 127.0.0.1\\r\\ns=-\\r\\nc=IN IP4 127.0.0.1\\r\\nt=0 0\\r\\n"
                  f"m=audio {port} RTP/AVP 0\\r\\n".encode())
    media = await session.accept(PartyId("a"), offer)
    await session.record(RecordingId("r"), Path(file), PartyId("a"))
    print(engine.pid, media.port, flush=True)
    await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""
PACKETS = 100


class Server(NamedTuple):
    """The two processes that may be killed, and where the phone is heard."""

    pid: int
    child: int
    port: int


@asynccontextmanager
async def recording(phone: Phone, file: Path) -> AsyncIterator[Server]:
    """A server that records the phone until it is killed."""
    ports = audio_ports(4)
    told = str(ports.start), str(ports.stop), str(phone.port), file
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVER, *told, stdout=PIPE)
    assert process.stdout is not None
    child, port = map(int, (await process.stdout.readline()).split())
    yield Server(process.pid, child, port)
    kill(process.pid)
    await process.wait()
    await until(lambda: ended(child))


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


async def speak(phone: Phone, server: Server) -> None:
    """At the pace of speech, 2 s in all."""
    for _ in range(PACKETS):
        phone.say_to(server.port, b"\x80" * FRAME_BYTES)
        await asyncio.sleep(0.02)


async def test_a_server_that_is_killed_leaves_all_that_was_said(tmp_path: Path) -> None:
    """The media process has time to write the rest."""
    file = tmp_path / "message.wav"
    with phones(1) as (phone,):
        async with recording(phone, file) as server:
            began = time.monotonic()
            await speak(phone, server)
            took = time.monotonic() - began
    seconds = await recover(file)
    assert seconds is not None
    assert PACKETS * 0.02 - 0.05 < seconds < took + 0.05
    assert soundfile.info(file).duration == seconds
    assert os.listdir(tmp_path) == ["message.wav"]


async def test_a_server_that_is_killed_with_its_media_process_leaves_all_but_the_last_second(tmp_path: Path) -> None:
    file = tmp_path / "message.wav"
    with phones(1) as (phone,):
        async with recording(phone, file) as server:
            began = time.monotonic()
            await speak(phone, server)
            kill(server.child)
            kill(server.pid)
            took = time.monotonic() - began
    seconds = await recover(file)
    assert seconds is not None
    assert PACKETS * 0.02 - 1.2 < seconds <= took + 0.05
    assert await recover(file) == seconds
    assert os.listdir(tmp_path) == ["message.wav"]
