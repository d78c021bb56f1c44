"""A whole server with baresips around it, and phones that do what the test says.

async with Office.open(tmp_path) as office:
    alice, bob = await office.phone("2001", 440), await office.scripted_phone("2002")
    await office.ring_group(bob)
    await alice.dial(GROUP)
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from .baresip import Baresip
from .house import House
from .linphone import Linphone
from .phones import Phone

GROUP = "6300"
"""The number of its ring group."""


class Office:
    """A server and the baresips that have registered with it."""

    def __init__(self, house: House, stack: AsyncExitStack, folder: Path) -> None:
        self.house = house
        self._stack = stack
        self._folder = folder

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, **settings: Any) -> AsyncIterator["Office"]:
        """Open a house with nobody in it; every phone is switched off with it."""
        async with AsyncExitStack() as stack:
            house = await stack.enter_async_context(House.open(folder / "data", **settings))
            yield cls(house, stack, folder)

    async def phone(self, number: str, tone: int, **how: Any) -> Baresip:
        """A phone of a new extension; `how` are the parameters of `Baresip.open`."""
        person = await self.house.extension(number)
        server = self.house.sip_tls if how.get("transport") == "tls" else self.house.sip
        opening = Baresip.open(self._folder / number, person, server, tone=tone, **how)
        phone = await self._stack.enter_async_context(opening)
        await phone.registered()
        return phone

    async def scripted_phone(self, number: str) -> Phone:
        """A registered phone that does what the test says."""
        phone = await Phone.of(self.house, await self.house.extension(number))
        self._stack.push_async_callback(phone.close)
        assert (await phone.register()).status == 200
        return phone

    async def ring_group(self, *phones: Baresip | Linphone | Phone, **fields: Any) -> None:
        """All of them ring when GROUP is dialled."""
        await self.house.ring_group(GROUP, [phone.person for phone in phones], ring_timeout=20, **fields)

    async def connect(self, caller: Baresip, callee: Baresip) -> None:
        """The caller dials the group, the callee answers."""
        await caller.dial(GROUP)
        await callee.expect("CALL_INCOMING")
        await callee.accept()
        await callee.expect("CALL_ESTABLISHED")
        await caller.expect("CALL_ESTABLISHED")
