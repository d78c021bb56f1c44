"""Callers who leave messages and do anything at any time, while the media process dies: what was left is there once.

Every choice comes from the seed in the test's name; only the timing of the sockets varies.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
import pytest_asyncio

from ringdove.media.embedded import engine
from ringdove.model.story import HopOutcome, Story
from ringdove.net.endpoint import Timers
from support.house import House
from support.phones import Line, Phone, until
from support.scene import Scene, open_house
from support.voice import G722, PCMA, PCMU
from support.voicemail import press

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUNDS = 3
SHORTEST = 0
"""Whatever is heard is a message: each death of the media process costs a second of what is said, and more while it is
deaf until it is back.
"""
SPEECH = 3.0
"""Seconds of which something is heard all the same."""
VOICES = {"0 101": PCMU, "8 101": PCMA, "9 101": G722}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    settings: dict[str, Any] = {"vm_shortest": SHORTEST, "vm_silence": 1, "vm_longest": 4}
    timers = Timers(t1=0.02, t2=0.08, t4=0.1)
    async with open_house(tmp_path_factory.mktemp("voicemail-storm"), timers=timers, **settings) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


@dataclass(frozen=True, eq=False)
class Target:
    """What is dialled, and how to ask for the messages that come of it."""

    number: str
    mailboxes: tuple[dict[str, int], ...]

    async def messages(self, house: House) -> Counter[str]:
        """How many there are of each call, in all mailboxes together."""
        pages = [(await house.get("vm/query", page_size=100, **query))["data"] for query in self.mailboxes]
        return Counter(str(row["call_id"]) for page in pages for row in page)


class Caller:
    """Somebody who gets to voicemail; `promised` says whether what it said has to be a message."""

    def __init__(self, phone: Phone, target: Target, dice: Random, spool: Path) -> None:
        self.phone = phone
        self.target = target
        self.promised = False
        self._dice = dice
        self._spool = spool
        self._voice = dice.choice(list(VOICES))

    async def speaks_out(self) -> None:
        """Say enough for a message, then hang up."""
        line = await self.phone.answered(await self.phone.dial(self.target.number, self._sdp()), within=5)
        await asyncio.sleep(self._dice.uniform(0, 0.5))
        await press(line, "#")
        await until(self._is_recorded, "nothing is recorded", within=15)
        self._talk(line, 700)
        await asyncio.sleep(SPEECH)
        line.request("BYE")
        self.promised = True

    async def does_anything(self) -> None:
        """Whatever the dice say, then leave; or have left before."""
        late = self._dice.random() < 0.2
        invite = await self.phone.dial(self.target.number, "" if late else self._sdp())
        mood = self._dice.choice(("stay", "stay", "stay", "stay", "cancel", "mute"))
        if mood == "cancel":
            self.phone.cancel(invite)
        final = await self.phone.final(invite, within=5)
        if not final.is_success:
            self.phone.ack(invite, final, self.phone.server)
            return
        if mood == "mute":
            return  # no ACK, not a word more
        line = self.phone.connected(invite, final, self._sdp() if late else "")
        for _ in range(self._dice.randint(2, 7)):
            await self._something(line)
        line.request("BYE")

    async def _something(self, line: Line) -> None:
        match self._dice.choice(("speak", "speak", "speak", "silence", "key", "key", "info", "hold", "codec", "offer")):
            case "speak":
                self._talk(line, self._dice.choice((500, 900)))
                await asyncio.sleep(self._dice.uniform(0.1, 1.5))
            case "silence":
                self._talk(line, 0)
                await asyncio.sleep(self._dice.uniform(0.1, 1.2))
            case "key":
                await press(line, self._dice.choice("123##*0"))
            case "info":
                line.request("INFO", body=b"Signal=#", kind="application/dtmf-relay")
            case "hold":
                await self._offers(line, self.phone.sdp(self._dice.choice(("sendonly", "inactive")), version=2))
            case "codec":
                self._voice = self._dice.choice(list(VOICES))
                await self._offers(line, self.phone.sdp(formats=self._voice, version=3))
            case "offer":
                await self._offers(line, "")

    async def _offers(self, line: Line, sdp: str) -> None:
        """A re-INVITE; a phone that was hung up on, or has something else open, gets what it gets."""
        request = line.request("INVITE", sdp)
        with suppress(AssertionError):
            final = await self.phone.final(request, within=1)
            if final.is_success:
                line.ack(final, "" if sdp else self._sdp())
            else:
                self.phone.ack(request, final, self.phone.server)

    def _talk(self, line: Line, hz: float) -> None:
        self.phone.audio.talk(line.media, VOICES[self._voice], hz)

    def _sdp(self) -> str:
        return self.phone.sdp(formats=self._voice)

    def _is_recorded(self) -> bool:
        """Whether a letter of this caller has a tape."""
        notes = (note for note in self._spool.glob("*.json") if f'"{self.phone.number}"' in note.read_text())
        return any(note.with_suffix(".wav.tape").exists() for note in notes)


async def _kill_now_and_then(house: House, dice: Random) -> None:
    """Kill the media process."""
    while True:
        await asyncio.sleep(dice.uniform(0.3, 3))
        if (pid := house.node.media.pid) is not None:
            os.kill(pid, signal.SIGKILL)


async def _targets(scene: Scene) -> list[Target]:
    """An extension, a group that shares, and one that spreads."""
    people = [await scene.person(enb_vm=1) for _ in range(3)]
    shared, number = await scene.vm_group("share", *people[1:])
    _, spreading = await scene.vm_group("broadcast", *people[1:])
    return [
        Target(people[0].number, ({"ext_id": people[0].id},)),
        Target(number, ({"group_id": shared},)),
        Target(spreading, tuple({"ext_id": person.id} for person in people[1:])),
    ]


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_what_was_left_is_there_once_whatever_everybody_does(
    scene: Scene, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "STEADY", 0)  # a media process that dies often is not started more slowly
    dice = Random(seed)
    house = scene.house
    spool = house.node.settings.data / "voicemail"
    targets = await _targets(scene)
    callers = [Caller(phone, dice.choice(targets), dice, spool) for phone in await scene.phones(7)]
    killing = asyncio.create_task(_kill_now_and_then(house, dice))
    try:
        await asyncio.gather(
            *(caller.speaks_out() for caller in callers[:2]), *(caller.does_anything() for caller in callers[2:])
        )
        for caller in callers:
            caller.phone.audio.quiet()
        await until(lambda: house.node.switchboard.running == 0, "a call goes on", within=15)
    finally:
        killing.cancel()
    await until(lambda: not list(spool.iterdir()), "a letter is under way", within=15)
    with suppress(httpx.TransportError):  # the server may just close the connection, which was idle for long enough
        await house.get("ringgroup/getoptions")
    there = {target: await target.messages(house) for target in targets}
    stories = [await scene.story(caller.phone) for caller in callers]
    for caller, story in zip(callers, stories, strict=True):
        left = _left(story)
        assert left or not caller.promised, story.to_json(indent=1)
        copies = len(caller.target.mailboxes) if left else 0
        assert there[caller.target][story.id] == copies, story.to_json(indent=1)
    assert sum(map(Counter.total, there.values())) == sum(
        len(caller.target.mailboxes) for caller, story in zip(callers, stories, strict=True) if _left(story)
    )


def _left(story: Story) -> bool:
    return bool(story.hops) and story.hops[-1].outcome is HopOutcome.MESSAGE_LEFT
