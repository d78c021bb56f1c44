"""What grows: six curves, the sizes of each, and how a server of such a size is set up."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from httpx import AsyncClient

from ringdove.ring.plan import Strategy

from .house import House
from .lodge import Lodge, lodge
from .process import Address
from .registrations import OFFICES, Office
from .rows import caller_numbers, member_numbers
from .sides import Phones, phones
from .task import Task
from .words import Login

GROUP, MEMBERS = "6000", 3
"""What is called, and how many phones ring where that is not what grows."""
CALLERS = 150
_STAFF, _HOLDERS, _HELD, _GROUPS = 10_000, 20_000, 30_000, 40_000
"""Where the numbers begin of more extensions, of those who hold calls, of whom they hold them with, of more groups."""
_PEOPLE = 200
"""Extensions that are members of groups and stand in records."""
_CALLS_OF_ONE = 100
"""No extension may be in more."""
_COMING = 120.0
"""Calls a second, as those come that are held."""
_HOLD = 900.0
_REFUSES_AFTER = 0.005
"""Seconds that a phone rings before it refuses."""
_PATIENCE = 20.0
"""Seconds until all are up, beyond those in which they are dialled."""
_TALKING = re.compile(r'^ringdove_calls\{state="talking"\} (\d+)', re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """A server of some size on a curve."""

    size: int
    server: Lodge
    members: int
    refusing: int = 0

    def task(self, rate: float, count: int) -> Task:
        """So many calls to the group at this rate."""
        return Task(
            self.server.address,
            callers=list(self.server.callers),
            number=GROUP,
            members=self.members,
            count=count,
            every=1 / rate,
            refusing=self.refusing,
            refuse_after=_REFUSES_AFTER,
        )


@dataclass(frozen=True)
class Curve:
    """Something that grows. `few`: its sizes when there is little time. `pages`: the lists that are read where it is
    at its greatest.
    """

    name: str
    title: str
    sizes: Sequence[int]
    few: Sequence[int]
    pages: Sequence[str] = ()

    @property
    def by_members(self) -> bool:
        """Whether it is the call itself that grows."""
        return self.name in ("members", "refusals")

    @asynccontextmanager
    async def up(self, folder: Path, load: Phones, size: int) -> AsyncIterator[Place]:
        """Have a server of this size run."""
        (data := folder / str(size)).mkdir()
        members = size if self.by_members else MEMBERS
        hunts = self.name == "refusals"
        settings = {"RINGDOVE_MAX_CALLS": str(max(self.sizes) + CALLERS)} if self.name == "calls" else {}
        async with AsyncExitStack() as parts:
            offices: list[Address] = []
            holders: list[Login] = []
            held: list[Login] = []

            async def furnish(house: House) -> None:
                match self.name:
                    case "calls":
                        holders.extend(await house.extensions(_numbers(_HOLDERS, size)))
                        held.extend(await house.extensions(_numbers(_HELD, -(-size // _CALLS_OF_ONE))))
                        groups = zip(_numbers(_GROUPS, len(held)), held, strict=True)
                        await house.ring_groups({number: [one.number] for number, one in groups})
                    case "phones":
                        offices.extend([await parts.enter_async_context(_office(turn)) for turn in range(OFFICES)])
                        await house.extensions(_numbers(_STAFF, size))
                        await house.phones(_numbers(_STAFF, size), offices)
                    case "groups":
                        people, some = _numbers(_STAFF, _PEOPLE), Random(size)
                        await house.extensions(people)
                        await house.ring_groups({n: some.sample(people, MEMBERS) for n in _numbers(_GROUPS, size)})
                    case "records":
                        await house.records(size, caller_numbers(CALLERS), _numbers(_STAFF, _PEOPLE))

            groups = {GROUP: member_numbers(members)}
            strategy = Strategy.SEQUENTIALLY if hunts else Strategy.RING_ALL
            server = await parts.enter_async_context(
                lodge(data, load, groups, caller_numbers(CALLERS), furnish, settings, strategy)
            )
            if held:
                await _hold(parts, server, holders, held)
            yield Place(size, server, members, refusing=members - 1 if hunts else 0)


CURVES = (
    Curve("members", "members that ring", (1, 3, 10, 30, 50, 100, 200), (1, 3, 30, 50, 200)),
    Curve("refusals", "members who refuse", (3, 10, 30, 50, 100, 200), (3, 30, 50, 200)),
    Curve("calls", "calls beside", (0, 100, 300, 1000), (0, 300, 1000)),
    Curve("phones", "phones registered", (100, 1000, 5000), (100, 1000, 5000), ("extension/list",)),
    Curve("groups", "ring groups", (10, 300, 3000), (10, 300, 3000), ("ringgroup/list",)),
    Curve("records", "records of calls", (0, 10_000, 100_000), (0, 1_000, 10_000), ("calls/list",)),
)


def _numbers(first: int, count: int) -> list[str]:
    return [str(number) for number in range(first, first + count)]


@asynccontextmanager
async def _office(turn: int) -> AsyncIterator[Address]:
    """Phones behind an address, which answer the server's OPTIONS and no more."""
    nobody: Address = ("127.0.0.1", 9)
    make: Callable[[], Office] = lambda: Office(nobody)  # noqa: E731 - they register no more
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        make, local_addr=(f"127.0.0.{2 + turn}", 0)
    )
    try:
        host, port = transport.get_extra_info("sockname")
        yield host, port
    finally:
        transport.close()


async def _hold(parts: AsyncExitStack, server: Lodge, holders: list[Login], held: list[Login]) -> None:
    """Have calls that go on until `parts` end, which other phones make. Raises TimeoutError where not all come up."""
    beside = await parts.enter_async_context(phones())
    await beside.do(Task(server.address, phones=held))
    task = Task(
        server.address,
        callers=holders,
        number=str(_GROUPS),
        numbers=len(held),
        members=1,
        count=len(holders),
        every=1 / _COMING,
        talk=_HOLD,
    )
    calling = asyncio.create_task(beside.do(task))
    parts.callback(calling.cancel)
    async with asyncio.timeout(len(holders) / _COMING + _PATIENCE), AsyncClient(trust_env=False) as http:
        host, port = server.process.address("http://")
        while _talking((await http.get(f"http://{host}:{port}/metrics")).text) < len(holders):  # noqa: ASYNC110 - remote
            await asyncio.sleep(0.5)


def _talking(metrics: str) -> int:
    """How many calls are up, as the server's own numbers say."""
    found = _TALKING.search(metrics)
    assert found, metrics
    return int(found[1])
