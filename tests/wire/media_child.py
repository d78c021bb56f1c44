"""The media process alone, told what to do as its parent tells it, and phones that count."""

import asyncio
import resource
import socket
import struct
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ringdove.media.embedded.wire import (
    Bind,
    Bound,
    Command,
    Play,
    Report,
    Stream,
    encode,
    read_reports,
)
from ringdove.media.frames import FRAME_BYTES
from support.ports import audio_ports
from wire.media_phone import Phone

ONE, OTHER, CLOCK = audio_ports(3)[::2]
"""The ports of the parties; the third one hears something every 20 ms where it is used."""
FORMATS = ((0, "pcmu", 8000), (8, "pcma", 8000), (101, "telephone-event", 8000), (111, "opus", 48000))
SAME = tuple((payload, payload, "") for payload, _, _ in FORMATS)
DEADLINE = 10.0

Kind = TypeVar("Kind", bound=Report)


class Rtp(NamedTuple):
    """A packet as a phone gets it."""

    flags: int
    mark: int
    sequence: int
    timestamp: int
    ssrc: int
    body: bytes


class Media:
    """A media process and what it reported; ports ONE and OTHER are bound."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reports: list[Report] = []
        self._unread: list[Report] = []
        self._reader = reader
        self._writer = writer

    def tell(self, *commands: Command) -> None:
        self._writer.write(encode(commands))

    async def report(self, kind: type[Kind]) -> Kind:
        """The next report of a kind; those before it are kept in `reports`."""
        async with asyncio.timeout(DEADLINE):
            while True:
                if not self._unread:
                    self._unread = read_reports(await self._reader.readline())
                report = self._unread.pop(0)
                self.reports.append(report)
                if isinstance(report, kind):
                    return report

    async def obeyed(self) -> None:
        """Return when all commands were carried out, and one packet that had come by then to each port."""
        self.tell(Bind([ONE]))
        await self.report(Bound)

    def stream(self, port: int, phone: Phone, **state: Any) -> None:
        """A party that is this phone; by default it hears and says everything, and has no peer."""
        known: dict[str, Any] = {
            "host": "127.0.0.1",
            "rtp": phone.port,
            "rtcp": phone.port + 1,
            "epoch": 1,
            "formats": FORMATS,
            "listens": True,
            "peer": None,
            "numbers": SAME,
            "watch": False,
        }
        self.tell(Stream(port, **{**known, **state}))

    def play(self, number: int, *items: tuple[str, list[Path], int], file: str = "pcmu", payload: int = 0) -> None:
        """Play this to the party at ONE."""
        said = [(name, [str(track) for track in tracks], times, False) for name, tracks, times in items]
        self.tell(Play(ONE, number, payload, file, said))


@asynccontextmanager
async def media_process(files: int | None = None) -> AsyncIterator[Media]:
    """Start one, which may open so many files; it ends with the block."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ringdove.media.embedded", str(theirs.fileno()), "127.0.0.1", "30", "0.2"),
            pass_fds=(theirs.fileno(),),
            preexec_fn=partial(resource.setrlimit, resource.RLIMIT_NOFILE, (files, files)) if files else None,
        )
    reader, writer = await asyncio.open_unix_connection(sock=ours)
    media = Media(reader, writer)
    media.tell(Bind([ONE, OTHER]))
    assert (await media.report(Bound)).ports == [ONE, OTHER]
    try:
        yield media
    finally:
        writer.close()
        await writer.wait_closed()
    assert await process.wait() == 0


def send(phone: Phone, sequence: int, timestamp: int, body: bytes = b"voice", **header: int) -> None:
    """A packet to ONE; `header`: flags, mark, ssrc where they are not the usual ones."""
    flags, mark, ssrc = header.get("flags", 0x80), header.get("mark", 0), header.get("ssrc", 0x1234)
    packed = struct.pack("!BBHII", flags, mark, sequence % 65536, timestamp % (1 << 32), ssrc)
    phone.rtp.sendto(packed + body, ("127.0.0.1", ONE))


def arrived(phone: Phone) -> list[Rtp]:
    """What came since this was asked last."""
    got = []
    with suppress(BlockingIOError):
        while True:
            packet = phone.rtp.recv(2048)
            flags, mark, sequence, timestamp, ssrc = struct.unpack("!BBHII", packet[:12])
            got.append(Rtp(flags, mark, sequence, timestamp, ssrc, packet[12:]))
    return got


async def heard(phone: Phone, enough: Callable[[list[Rtp]], bool]) -> list[Rtp]:
    """What came until it was enough."""
    got: list[Rtp] = []
    async with asyncio.timeout(DEADLINE):
        while not enough(got):
            await asyncio.sleep(0.005)
            got += arrived(phone)
    return got


def check_one_stream(packets: list[Rtp]) -> None:
    """One SSRC, no jump in the sequence, time stamps that only go up."""
    assert len({packet.ssrc for packet in packets}) == 1
    for before, after in pairwise(packets):
        assert (after.sequence - before.sequence) % 65536 == 1
        assert 0 < (after.timestamp - before.timestamp) % (1 << 32) < 8000 * DEADLINE


def track(folder: Path, name: str, frames: int) -> Path:
    """A track whose frames say their name, codec and number."""
    made = folder / name
    made.mkdir()
    for codec in ("pcmu", "pcma"):
        said = [f"{name} {number} {codec}".encode().ljust(FRAME_BYTES) for number in range(frames)]
        (made / codec).write_bytes(b"".join(said))
    return made


def said(packet: Rtp) -> str:
    return packet.body.decode().strip()
