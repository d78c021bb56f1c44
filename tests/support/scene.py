"""People, phones and groups for one test in a House, and the check that its calls leave nothing behind.

async with open_house(tmp_path) as house, Scene(house) as scene:
    alice, bob = await scene.phones(2)
    invite = await alice.dial(bob.number)
    theirs = await bob.pick_up(await bob.rings())
    ours = await alice.answered(invite)
    await scene.end(ours, theirs)
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from weakref import WeakKeyDictionary

from ringdove.calls.inbox import Ended
from ringdove.model.story import Story

from .house import House, Person
from .phones import Line, Phone, until

_NUMBERS = itertools.count(2001)
_lending: WeakKeyDictionary[House, list["Phone"]] = WeakKeyDictionary()
"""Registered phones that nobody uses now."""


@asynccontextmanager
async def open_house(folder: Path, **settings: Any) -> AsyncIterator[House]:
    """A House for one or more scenes."""
    async with House.open(folder, **settings) as house:
        try:
            yield house
        finally:
            for phone in _lending.pop(house, []):
                await phone.close()


class Scene:
    """The people, phones and groups of one test. At its end nothing may be left of its calls."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._own: list[Phone] = []
        self._lent: list[Phone] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        try:
            await leaves_nothing_behind(self.house)
        except AssertionError:
            await _end_calls(self.house)
            raise
        finally:
            for phone in self._own:
                await phone.close()
            for phone in self._lent:
                if len(self.house.node.registrar.bindings(phone.person.id)) == 1:
                    _lending.setdefault(self.house, []).append(phone)
                else:
                    await phone.close()

    async def person(self, **fields: Any) -> Person:
        """Somebody new, without a phone."""
        return await self.house.extension(str(next(_NUMBERS)), **fields)

    async def phone(
        self,
        person: Person | None = None,
        *,
        transport: str = "udp",
        host: str = "",
        online: bool = True,
        **fields: Any,
    ) -> Phone:
        """A phone, registered unless `online` says otherwise, of a person or of somebody new with these fields."""
        phone = await Phone.of(self.house, person or await self.person(**fields), transport, host=host)
        self._own.append(phone)
        if online:
            assert (await phone.register()).status == 200
        return phone

    async def phones(self, count: int) -> list[Phone]:
        """So many phones of different people with default settings; later tests use them again."""
        lending = _lending.setdefault(self.house, [])
        while len(lending) < count:
            lending.append(await Phone.of(self.house, await self.person()))
            assert (await lending[-1].register()).status == 200
        taken, lending[:count] = lending[:count], []
        for phone in taken:
            phone.forget()
        self._lent += taken
        return taken

    async def group(self, *members: Phone | Person, number: str | None = None, **fields: Any) -> str:
        """A ring group for these; returns its number. `ring_all` for 3 s, unless the fields say otherwise."""
        number = number or str(next(_NUMBERS))
        people = [member.person if isinstance(member, Phone) else member for member in members]
        await self.house.ring_group(number, people, **fields)
        return number

    async def vm_group(self, mode: str, *members: Person) -> tuple[int, str]:
        """A group voicemail of these extensions; its id and number."""
        number = str(next(_NUMBERS))
        people = [{"value": str(person.id), "type": "extension"} for person in members]
        made = await self.house.post("vm_group/create", number=number, name=number, mode=mode, member_list=people)
        return int(made["id"]), number

    async def id_of(self, group: str) -> str:
        """The id of a ring group, as a destination wants it."""
        found = await self.house.node.store.numbers.find(group)
        assert found is not None
        return str(found.id)

    async def talk(self, caller: Phone, callee: Phone, number: str | None = None) -> tuple[Line, Line]:
        """`caller` calls `number`, or the callee directly, who answers."""
        invite = await caller.dial(number or callee.number)
        theirs = await callee.pick_up(await callee.rings())
        return await caller.answered(invite), theirs

    async def end(self, line: Line, other: Line) -> None:
        """Hang up on one side, and see it arrive at the other."""
        assert (await line.bye()).status == 200
        await other.phone.hung_up()

    async def rows(self, **query: Any) -> list[dict[str, Any]]:
        """What `calls/list` says."""
        rows: list[dict[str, Any]] = (await self.house.get("calls/list", **query))["data"]
        return rows

    async def story(self, caller: Phone, within: float = 3.0) -> Story:
        """The story of the latest call of this caller, once it is over and written down."""
        running = self.house.node.switchboard._running
        await until(
            lambda: all(call.book.story.caller.number != caller.number for call in running),
            "the call does not end",
            within,
        )
        deadline = time.monotonic() + within
        while (row := (await self.rows(caller=caller.number))[0])["live"]:
            assert time.monotonic() < deadline, "the end of the call is not written down"
            await asyncio.sleep(0.01)
        return Story.from_data((await self.house.get("calls/get", id=row["id"]))["data"])


async def _end_calls(house: House) -> None:
    """After a test that failed, so that the next one has a quiet house."""
    for call in list(house.node.switchboard._running):
        call.inbox.put(Ended("the test failed"))
    await until(lambda: house.node.switchboard.running == 0, "a call does not end")


async def leaves_nothing_behind(house: House) -> None:
    """No call, dialog, port, listener, busy mark; and every transaction ends by its own timers."""
    node = house.node
    await until(lambda: node.switchboard.running == 0, "a call is still running")
    endpoint, media = node.endpoint, node.media
    assert endpoint._dialogs == {}
    await until(lambda: not (media._owners or media._freeing), "RTP ports are still in use")
    assert media._sessions == {}
    assert not node.switchboard._board.busy._calls
    for later in range(1, 6):  # every timer fires; what has none stays for ever
        endpoint._perform(endpoint._layer.tick(endpoint.clock() + 1000 * later))
    assert [str(machine.request) for machine in endpoint._layer._servers.values()] == []
    assert [str(machine.request) for machine in endpoint._layer._clients.values()] == []
    assert endpoint._exchanges.incoming == {}
    assert endpoint._exchanges.outgoing == {}
