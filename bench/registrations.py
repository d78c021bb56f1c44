"""Phones that register and refresh: what share of a core so many of them take, and how long each waits.

`python -m bench registrations`, about a minute and a half. The phones are in offices, each behind one address of
loopback; they answer the server's OPTIONS, which go on at the same time and are measured alone first.
"""

import asyncio
import re
import time
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from rich.console import Console

from . import report
from .process import Address, Measured, on_core, running
from .server import LOGIN, SERVE, extensions

PHONES, EVERY = 5_000, 60.0
"""How many there are, and seconds from one refresh of each to the next."""
OFFICES = 50
WANTED = 15.0
"""% of a core that all of it may take."""
SPAN = 15.0
"""Seconds of one measurement."""
AT_ONCE = 16
"""Phones that register at a time in the beginning."""
LIMIT = 300
RESULTS = Path(__file__).with_name("results") / "registrations.md"
_NONCE = re.compile(r'realm="([^"]+)", nonce="([^"]+)", algorithm=MD5')


@dataclass
class Phone:
    """One phone, and what it last heard of the server's nonce."""

    number: str
    password: str
    call_id: str
    cseq: int = 0
    realm: str = ""
    nonce: str = ""
    count: int = 0


class Office(asyncio.DatagramProtocol):
    """The phones of one address."""

    def __init__(self, server: Address) -> None:
        self.options = 0
        """How often one was asked whether it is there."""
        self._server = server
        self._waiting: dict[bytes, asyncio.Future[bytes]] = {}

    async def refresh(self, phone: Phone, *, anew: bool) -> float:
        """Register, with the nonce of last time or `anew`; returns the seconds that it took."""
        began = time.monotonic()
        if anew:
            phone.nonce = ""
        answer = await self._ask(phone)
        if answer.startswith(b"SIP/2.0 401"):
            found = _NONCE.search(answer.decode())
            assert found, answer
            phone.realm, phone.nonce, phone.count = found[1], found[2], 0
            answer = await self._ask(phone)
        assert answer.startswith(b"SIP/2.0 200"), answer
        return time.monotonic() - began

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        self._here = "{}:{}".format(*transport.get_extra_info("sockname"))

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Say that one is there, or hand on an answer."""
        if data.startswith(b"OPTIONS"):
            self.options += 1
            copied = [
                line for line in data.split(b"\r\n") if line.startswith((b"Via", b"From", b"To", b"Call", b"CSeq"))
            ]
            said = [b"SIP/2.0 200 OK", *copied, b"Content-Length: 0", b"", b""]
            self._transport.sendto(b"\r\n".join(said), addr)
            return
        call_id = data.partition(b"\r\nCall-ID: ")[2].partition(b"\r\n")[0]
        if waiting := self._waiting.pop(call_id, None):
            waiting.set_result(data)

    async def _ask(self, phone: Phone) -> bytes:
        phone.cseq += 1
        uri, proof = "sip:127.0.0.1", ""
        if phone.nonce:
            phone.count += 1
            secret, action = (
                _md5(text) for text in (f"{phone.number}:{phone.realm}:{phone.password}", f"REGISTER:{uri}")
            )
            response = _md5(f"{secret}:{phone.nonce}:{phone.count:08x}:c:auth:{action}")
            proof = (
                f'Authorization: Digest username="{phone.number}", realm="{phone.realm}", nonce="{phone.nonce}", '
                f'uri="{uri}", response="{response}", algorithm=MD5, cnonce="c", nc={phone.count:08x}, qop=auth\r\n'
            )
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[phone.call_id.encode()] = answer
        self._transport.sendto(
            (
                f"REGISTER {uri} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {self._here};branch=z9hG4bK{phone.call_id}-{phone.cseq};rport\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:{phone.number}@127.0.0.1>;tag={phone.call_id}\r\n"
                f"To: <sip:{phone.number}@127.0.0.1>\r\nCall-ID: {phone.call_id}\r\nCSeq: {phone.cseq} REGISTER\r\n"
                f"Contact: <sip:{phone.number}@{self._here}>\r\nUser-Agent: bench\r\n"
                f"Expires: {2 * EVERY:.0f}\r\n{proof}Content-Length: 0\r\n\r\n"
            ).encode(),
            self._server,
        )
        return await answer


async def main(console: Console) -> None:
    """Measure, show, and keep what came out."""
    around = report.surroundings()
    with ExitStack() as parts:
        data = Path(parts.enter_context(TemporaryDirectory(prefix="ringdove-bench-")))
        everybody = [
            Phone(one.number, one.password, f"phone{one.number}")
            for one in await extensions(data, map(str, range(10_000, 10_000 + PHONES)))
        ]
        server = parts.enter_context(running([*SERVE, str(data)], data / "log", LOGIN))
        parts.enter_context(on_core(-1))
        loop = asyncio.get_running_loop()
        offices: list[Office] = []
        for number in range(OFFICES):
            _, office = await loop.create_datagram_endpoint(
                lambda: Office(server.address("TCP: ")), local_addr=(f"127.0.0.{2 + number}", 0)
            )
            offices.append(office)
        began = time.monotonic()
        await _first(offices, everybody)
        first = time.monotonic() - began
        rows: list[report.Row] = [
            await _measured(server, offices, everybody[:0], "none: OPTIONS alone", anew=False),
            await _measured(server, offices, everybody, "with the nonce of last time", anew=False),
            await _measured(server, offices, everybody, "asked for the password anew", anew=True),
        ]
    title = f"{PHONES} phones that refresh every {EVERY:.0f} s (all registered in {first:.0f} s)"
    columns = ("refreshes", "per s", "OPTIONS per s", "share of a core, %", "p50, ms", "p99, ms")
    sheet = report.Sheet(title, columns, rows)
    goals = report.Sheet("What is wanted", ("wanted", "found", "holds"), [_wanted(row) for row in rows[1:]])
    report.write(RESULTS, "The latest run of `make bench`: registrations", [sheet, goals, around], "One run.")
    for shown in (sheet, goals, around):
        report.show(console, shown)


def _wanted(row: report.Row) -> report.Row:
    """Whether so many phones take as little as they are to."""
    holds = "yes" if float(row[3]) < WANTED else "no"
    return f"{PHONES} phones, {row[0]}: below {WANTED:g} % of a core", f"{row[3]} %", holds


async def _first(offices: list[Office], everybody: list[Phone]) -> None:
    waiting = iter(everybody)

    async def some() -> None:
        for phone in waiting:
            await _at(offices, phone).refresh(phone, anew=True)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(some())


async def _measured(
    server: Measured, offices: list[Office], everybody: list[Phone], name: str, *, anew: bool
) -> report.Row:
    """Have phones refresh at even distances, as they do when nobody has begun at the same time."""
    await server.settled()
    every = EVERY / PHONES
    waits: list[float] = []

    async def one(phone: Phone) -> None:
        waits.append(await _at(offices, phone).refresh(phone, anew=anew))

    asked, cpu, began = sum(office.options for office in offices), server.cpu(), time.monotonic()
    async with asyncio.timeout(SPAN + 10), asyncio.TaskGroup() as group:
        for turn, phone in enumerate(everybody[: int(SPAN / every)]):
            await asyncio.sleep(max(0.0, began + turn * every - time.monotonic()))
            group.create_task(one(phone))
        await asyncio.sleep(max(0.0, began + SPAN - time.monotonic()))
    span = time.monotonic() - began
    share, options = (server.cpu() - cpu) / span, (sum(office.options for office in offices) - asked) / span
    ranked = sorted(waits) or [0.0]
    times = [f"{1000 * ranked[int(rank * (len(ranked) - 1))]:.1f}" if waits else "" for rank in (0.5, 0.99)]
    return (name, f"{len(waits) / span:.0f}", f"{options:.0f}", f"{100 * share:.1f}", *times)


def _at(offices: list[Office], phone: Phone) -> Office:
    return offices[int(phone.number) % len(offices)]


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
