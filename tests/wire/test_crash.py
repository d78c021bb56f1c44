"""`kill -9` at any moment: nothing that was acknowledged is lost, nothing is half saved, nobody registers again.

While administrators change everything, phones register and calls come and go, the server is killed, again and again,
and its media process and a server that is just starting now and then. After each start everybody compares what is there
with what they were told. Every choice comes from the seed in the test's name; when exactly the kill comes, the machine
decides. RINGDOVE_CRASH_ROUNDS asks for more rounds.
"""

import asyncio
import os
import signal
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from support.api import Person
from support.phones import Phone, until
from support.tone import sound_file
from support.tower import Tower, is_gone

ROUNDS = int(os.environ.get("RINGDOVE_CRASH_ROUNDS", "3"))
SEEDS = (1,)
CLOSED = "the server stopped before the call ended"
WRITTEN = 1.0
"""Seconds after which the beginning of a call is in the store, on a busy machine too."""

Told = dict[str, Any]
"""What an object is, by field; compared as a whole."""


class Administrator(ABC):
    """Somebody who keeps changing objects of one family, each by its name, and knows what was acknowledged."""

    def __init__(self, tower: Tower, dice: Random, names: list[str]) -> None:
        self.tower = tower
        self.dice = dice
        self._names = names
        self._known: dict[str, Told | None] = dict.fromkeys(names)
        self._asked: dict[str, Told | None] = {}
        """What was asked for and not acknowledged: it may have come about, or not."""
        self.acknowledged = 0

    async def live(self) -> None:
        """Change something, again and again."""
        while True:
            name = self.dice.choice(self._names)
            known = self._known[name]
            after = None if known and self.dice.random() < 0.4 else self.invent(name, known)
            self._asked[name] = after
            await self.ask(name, known, after)
            self._known[name] = self._asked.pop(name)
            self.acknowledged += 1

    async def check(self) -> None:
        """Everything is as it was acknowledged, and what was not is there as a whole or not at all."""
        there = await self.read()
        assert there.keys() <= set(self._names)
        for name, known in self._known.items():
            possible = [known, *([self._asked[name]] if name in self._asked else [])]
            assert there.get(name) in possible, f"{name}: {there.get(name)}, of which we know {possible}"
            self._known[name] = there.get(name)
        self._asked.clear()

    @abstractmethod
    def invent(self, name: str, known: Told | None) -> Told:
        """What it is to be from now on."""

    @abstractmethod
    async def ask(self, name: str, known: Told | None, after: Told | None) -> None:
        """Create, update or, for None, delete it; returns when that is acknowledged."""

    @abstractmethod
    async def read(self) -> dict[str, Told]:
        """What is there, by name."""


class RingGroups(Administrator):
    """Changes ring groups, whose members are rows of their own."""

    def __init__(self, tower: Tower, dice: Random, people: list[Person]) -> None:
        super().__init__(tower, dice, [str(number) for number in range(6300, 6305)])
        self._people = [str(person.id) for person in people]
        self._ids: dict[str, int] = {}

    def invent(self, name: str, known: Told | None) -> Told:
        members = self.dice.sample(self._people, self.dice.randint(1, len(self._people)))
        return {"name": f"Group {self.dice.random()}", "ring_timeout": self.dice.randint(5, 60), "members": members}

    async def ask(self, name: str, known: Told | None, after: Told | None) -> None:
        if after is None:
            await self.tower.get("ringgroup/delete", id=self._ids[name])
            return
        body = {key: value for key, value in after.items() if key != "members"}
        body["member_list"] = [{"value": member, "type": "extension"} for member in after["members"]]
        if known is None:
            body |= {"number": name, "ring_strategy": "ring_all", "fail_dest": "end_call"}
            self._ids[name] = (await self.tower.post("ringgroup/create", **body))["id"]
        else:
            await self.tower.post("ringgroup/update", id=self._ids[name], **body)

    async def read(self) -> dict[str, Told]:
        found = (await self.tower.get("ringgroup/list", page_size=100))["data"]
        self._ids = {row["number"]: row["id"] for row in found}
        there = {}
        for number, group_id in self._ids.items():
            group = (await self.tower.get("ringgroup/get", id=group_id))["data"]
            members = [entry["value"] for entry in group["member_list"]]
            there[number] = {"name": group["name"], "ring_timeout": group["ring_timeout"], "members": members}
        return there


class Extensions(Administrator):
    """Changes extensions that nobody has a phone of."""

    def __init__(self, tower: Tower, dice: Random) -> None:
        super().__init__(tower, dice, [str(number) for number in range(3001, 3006)])
        self._ids: dict[str, int] = {}

    def invent(self, name: str, known: Told | None) -> Told:
        return {"caller_id_name": f"Name {self.dice.random()}", "email_addr": f"a{self.dice.random()}@b.test"}

    async def ask(self, name: str, known: Told | None, after: Told | None) -> None:
        if after is None:
            await self.tower.get("extension/delete", id=self._ids[name])
        elif known is None:
            self._ids[name] = (await self.tower.post("extension/create", number=name, **after))["id"]
        else:
            await self.tower.post("extension/update", id=self._ids[name], **after)

    async def read(self) -> dict[str, Told]:
        found = (await self.tower.get("extension/list", page_size=100))["data"]
        self._ids = {row["number"]: row["id"] for row in found if row["number"] in self._names}
        there = {}
        for number, extension_id in self._ids.items():
            extension = (await self.tower.get("extension/get", id=extension_id))["data"]
            there[number] = {key: extension[key] for key in ("caller_id_name", "email_addr")}
        return there


class Prompts(Administrator):
    """Uploads, replaces and deletes prompts; their content is one of a few sounds."""

    def __init__(self, tower: Tower, dice: Random, folder: Path) -> None:
        super().__init__(tower, dice, ["a.wav", "b.wav"])
        self._sounds: dict[str, bytes] = {}
        for pitch in (300, 500, 700):
            file = folder / f"{pitch}.wav"
            sound_file(file, [(pitch, 0.1)])
            self._sounds[str(pitch)] = file.read_bytes()

    def invent(self, name: str, known: Told | None) -> Told:
        return {"sound": self.dice.choice([sound for sound in self._sounds if known != {"sound": sound}])}

    async def ask(self, name: str, known: Told | None, after: Told | None) -> None:
        if after is None:
            await self.tower.get("custom_prompt/delete", file=name)
        else:
            content = {"file": (name, self._sounds[after["sound"]])}
            token = {"access_token": self.tower.token}
            answer = await self.tower.http.post(
                "custom_prompt/upload", files=content, data={"is_check": "force"}, params=token
            )
            assert answer.json()["errcode"] == 0, answer.text

    async def read(self) -> dict[str, Told]:
        found = (await self.tower.get("custom_prompt/list", page_size=100))["data"]
        there = {}
        for row in found:
            link = (await self.tower.get("custom_prompt/download", file=row["file"]))["download_resource_url"]
            url = f"{self.tower.http.base_url.copy_with(path=link)}?access_token={self.tower.token}"
            content = (await self.tower.http.get(url)).content
            (sound,) = [sound for sound, octets in self._sounds.items() if octets == content]
            there[row["file"]] = {"sound": sound}
        return there


class Mover(Administrator):
    """A phone that is switched on and off all the time."""

    def __init__(self, tower: Tower, dice: Random, phone: Phone) -> None:
        super().__init__(tower, dice, [phone.number])
        self._phone = phone

    def invent(self, name: str, known: Told | None) -> Told:
        return {"online": 1}

    async def ask(self, name: str, known: Told | None, after: Told | None) -> None:
        assert (await self._phone.register(expires=300 if after else 0)).status == 200
        await asyncio.sleep(self.dice.uniform(0, 0.02))

    async def read(self) -> dict[str, Told]:
        found = (await self.tower.get("extension/search", search_value=self._phone.number))["data"]
        online = {row["number"]: row["online_status"]["sip_phone"]["status"] for row in found}
        return {self._phone.number: {"online": 1}} if online[self._phone.number] else {}


@dataclass
class Reader:
    """Somebody who looks at the records all the time, and remembers what was shown."""

    tower: Tower
    over: dict[str, Told] = field(default_factory=dict)
    running: dict[str, float] = field(default_factory=dict)
    """When a call was seen first, by its id; those that were not seen to end."""

    async def live(self) -> None:
        """Look, again and again."""
        while True:
            for row in (await self.tower.get("calls/list", page_size=50))["data"]:
                if row["live"]:
                    self.running.setdefault(row["id"], time.monotonic())
                elif row["id"] not in self.over:
                    self.over[row["id"]] = (await self.tower.get("calls/get", id=row["id"]))["data"]
                    self.running.pop(row["id"], None)
            await asyncio.sleep(0.02)

    async def check(self, killed_at: float) -> None:
        """What was over is as it was shown, and what was running is closed; nothing runs any more."""
        answer = await self.tower.get("calls/list", page_size=10_000)
        assert answer["total_number"] == len(answer["data"])
        rows = {row["id"]: row for row in answer["data"]}
        assert [row["id"] for row in rows.values() if row["live"] or not row["disposition"]] == []
        for call, story in self.over.items():
            assert (await self.tower.get("calls/get", id=call))["data"] == story
        for call, seen_at in self.running.items():
            if seen_at < killed_at - WRITTEN:
                assert call in rows, "a call that was told as running has no record"
        self.running.clear()


class Callers:
    """People who call each other: they talk, give up, or talk for ever. `closed`: calls that a kill ended."""

    def __init__(self, dice: Random, phones: list[Phone]) -> None:
        self._dice = dice
        self._alice, self._bob, self._carol, self._dora, self._emil, self._fred = phones

    async def talk(self) -> None:
        """Alice calls Bob, again and again, and one of them hangs up."""
        while True:
            call = await self._alice.dial(self._bob.number)
            theirs = await self._bob.pick_up(await self._bob.rings(within=10))
            ours = await self._alice.answered(call, within=10)
            await asyncio.sleep(self._dice.uniform(0, 0.1))
            one, other = self._dice.sample([ours, theirs], 2)
            assert (await one.bye()).status == 200
            await other.phone.hung_up()

    async def give_up(self) -> None:
        """Carol lets Dora's phone ring, and gives up."""
        while True:
            call = await self._carol.dial(self._dora.number)
            invite = await self._dora.rings(within=10)
            await asyncio.sleep(self._dice.uniform(0, 0.1))
            self._carol.cancel(call)
            await self._carol.refused(call)
            await self._dora.cancelled(invite)

    async def hold_the_line(self) -> None:
        """Emil talks with Fred, and nobody hangs up."""
        call = await self._emil.dial(self._fred.number)
        await self._fred.pick_up(await self._fred.rings(within=10))
        await self._emil.answered(call, within=10)
        await asyncio.sleep(3600)

    async def check(self) -> None:
        """Everybody who is called rings, without having registered again."""
        for caller, callee in ((self._alice, self._bob), (self._carol, self._dora), (self._emil, self._fred)):
            caller.forget()
            callee.forget()
            call = await caller.dial(callee.number)
            invite = await callee.rings()
            caller.cancel(call)
            await caller.refused(call)
            await callee.cancelled(invite)


class World:
    """Everybody around one server."""

    def __init__(self, tower: Tower, dice: Random, phones: list[Phone], folder: Path) -> None:
        self.tower = tower
        self._dice = dice
        self._phones = phones
        people = [phone.person for phone in phones]
        self._administrators: list[Administrator] = [
            RingGroups(tower, dice, people),
            Extensions(tower, dice),
            Prompts(tower, dice, folder),
            Mover(tower, dice, phones[-1]),
        ]
        self._reader = Reader(tower)
        self._callers = Callers(dice, phones[:-1])

    async def live_and_be_killed(self) -> None:
        """Everybody does what they do until the server dies, from a cause that nobody foresees."""
        lives = [
            *(administrator.live() for administrator in self._administrators),
            *(self._reader.live(), self._callers.talk(), self._callers.give_up(), self._callers.hold_the_line()),
        ]
        tasks = [asyncio.create_task(_until_it_is_dead(life)) for life in lives]
        # Only the first time: from then on there is something to compare, however slow the machine is.
        await until(lambda: all(self.acknowledged) or any(task.done() for task in tasks), "nothing is told", within=60)
        span = self._dice.uniform(0.05, 1.5)
        if self._dice.random() < 0.4:
            await asyncio.sleep(span / 2)
            os.kill(_media(self.tower), signal.SIGKILL)
            span /= 2
        await asyncio.sleep(span)
        for task in tasks:
            if task.done():
                task.result()  # what somebody found wrong before the kill
        children = _commands(self.tower)
        killed_at = time.monotonic()
        await self.tower.kill()
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [result for result in results if isinstance(result, AssertionError | KeyError)] == []
        await until(lambda: all(map(is_gone, children)), f"one of {children} outlives the server")
        await asyncio.to_thread(_check_database, self.tower.data)
        self.killed_at = killed_at

    async def compare(self) -> None:
        """Everything is as it was told."""
        await self._reader.check(self.killed_at)
        for administrator in self._administrators:
            await administrator.check()
        await self._callers.check()

    @property
    def acknowledged(self) -> list[int]:
        """How many changes each administrator was told of, and how many calls were told as over."""
        return [*(administrator.acknowledged for administrator in self._administrators), len(self._reader.over)]


async def _until_it_is_dead(life: Awaitable[None]) -> None:
    """What nobody is there to answer any more is not answered."""
    with suppress(httpx.TransportError):
        await life


def _commands(tower: Tower) -> dict[int, bytes]:
    """What its children do, by process id."""
    commands = {}
    for child in tower.children:
        with suppress(FileNotFoundError, ProcessLookupError):  # it ends just now
            commands[child] = Path(f"/proc/{child}/cmdline").read_bytes()
    return commands


def _media(tower: Tower) -> int:
    (media,) = [child for child, command in _commands(tower).items() if b"ringdove.media.embedded" in command]
    return media


def _check_database(data: Path) -> None:
    with closing(sqlite3.connect(data / "ringdove.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []


@asynccontextmanager
async def world(folder: Path, dice: Random) -> AsyncIterator[World]:
    """A server and seven people with a phone each, registered once and for all."""
    async with Tower.open(folder / "data", first_killed_after=dice.uniform(0.8, 2.5)) as tower:
        phones = [await Phone.of(tower, await tower.extension(str(number))) for number in range(2001, 2008)]
        for phone in phones[:-1]:
            assert (await phone.register()).status == 200
        try:
            yield World(tower, dice, phones, folder)
        finally:
            for phone in phones:
                await phone.close()


@pytest.mark.parametrize("seed", SEEDS)
async def test_kill_9_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path, seed: int) -> None:
    dice = Random(seed)
    async with world(tmp_path, dice) as everybody:
        starts = []
        for _ in range(ROUNDS):
            await everybody.live_and_be_killed()
            if dice.random() < 0.25:
                await everybody.tower.start_in_vain(dice.uniform(0.8, 2.0))
            starts.append(await everybody.tower.start())
            await everybody.compare()
        print(f"ready after {', '.join(f'{seconds:.1f}' for seconds in starts)} s; told {everybody.acknowledged}")
