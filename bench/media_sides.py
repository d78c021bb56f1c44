"""Who carries media in the bench, apart from rtpengine: our engine, the floor, and nobody."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile

from ringdove.media.codecs import SOUND_FORMATS
from ringdove.media.embedded.engine import EmbeddedEngine
from ringdove.media.engine import Item, ItemId, PartyId, SessionId
from ringdove.media.engine import Sound as Tracks
from ringdove.sip.sdp import parse

from .process import on_core, running

PORTS = range(24_000, 29_999)
CALLER, MEMBER = PartyId("caller"), PartyId("member")

Phones = tuple[int, int]
"""The loopback ports at which all callers, and all members, receive."""


@dataclass(frozen=True)
class Up:
    """Calls that are up."""

    pid: int | None
    """The process that carries their media."""
    ports: tuple[list[int], list[int]]
    """Where each caller, and each member, sends its packets."""


@dataclass(frozen=True)
class Sound:
    """What is played: the same for everybody, and longer than anybody listens."""

    track: Path
    """The folder of a transcoded file, as Ringdove plays it."""
    wav: Path


def described(port: int) -> str:
    """The description of a phone."""
    return (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
    )


def port_in(sdp: str) -> int:
    """Where audio is wanted."""
    found = re.search(r"^m=audio (\d+) ", sdp, re.MULTILINE)
    assert found, sdp
    return int(found[1])


def sound(folder: Path) -> Sound:
    """A tone of half a minute, kept in this folder in both ways."""
    tone = 0.1 * np.sin(2 * np.pi * 440 / 8000 * np.arange(30 * 8000))
    made = Sound(folder / "track", folder / "tone.wav")
    made.track.mkdir()
    soundfile.write(made.wav, tone, 8000, subtype="PCM_16")
    soundfile.write(made.track / SOUND_FORMATS["PCMU"], tone, 8000, format="RAW", subtype="ULAW")
    return made


@asynccontextmanager
async def straight(calls: int, phones: Phones) -> AsyncIterator[Up]:
    """Nobody in between: phones send to each other."""
    yield Up(None, ([phones[1]] * calls, [phones[0]] * calls))


@asynccontextmanager
async def floor(calls: int, phones: Phones) -> AsyncIterator[Up]:
    """Everything comes back to its sender."""
    with (
        TemporaryDirectory(prefix="ringdove-bench-") as folder,
        running(["-m", "bench.floor"], Path(folder, "log"), {}) as echo,
    ):
        _, port = echo.address("at ")
        yield Up(echo.pid, ([port] * calls, [port] * calls))


@asynccontextmanager
async def talking(calls: int, phones: Phones) -> AsyncIterator[Up]:
    """So many two-way calls through our engine."""
    async with _engine() as engine:
        sides: tuple[list[int], list[int]] = [], []
        offer, answer = (parse(described(port).encode()) for port in phones)
        for number in range(calls):
            session = await engine.open(SessionId(f"bench-{number}"))
            session.offered(CALLER, offer)
            to_member = await session.invite(MEMBER, CALLER)
            await session.bridge(CALLER, MEMBER, answer)
            to_caller = await session.accept(CALLER, offer, prefer=MEMBER)
            sides[0].append(to_caller.port)
            sides[1].append(to_member.port)
        yield Up(engine.pid, sides)


@asynccontextmanager
async def playing(calls: int, phones: Phones, sound: Sound) -> AsyncIterator[Up]:
    """So many callers who hear the sound from our engine."""
    async with _engine() as engine:
        offer = parse(described(phones[0]).encode())
        for number in range(calls):
            session = await engine.open(SessionId(f"bench-{number}"))
            await session.accept(CALLER, offer)
            await session.play(CALLER, Item(ItemId("music"), Tracks((sound.track,)), None))
        yield Up(engine.pid, ([], []))


@asynccontextmanager
async def _engine() -> AsyncIterator[EmbeddedEngine]:
    """With its process on the core of what is measured."""
    engine = EmbeddedEngine("127.0.0.1", PORTS)
    with on_core(0):
        await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()
