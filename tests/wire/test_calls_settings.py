"""A call goes by the settings of its moment: what was changed over the API a moment ago is seen by the very next call.

Calls remember settings (ADR 0019). So each test makes the same call before and after a change, and of the first one
everything is remembered.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from support.house import House, Person
from support.phones import Phone
from support.scene import Scene, open_house
from support.sounds import upload_files, upload_prompts

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOW, HIGH = 500, 900


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("settings")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


@dataclass
class Office:
    """A group with one member and an extension group of one. Both are busy whenever they are called."""

    scene: Scene
    caller: Phone
    bob: Person
    carol: Person
    pair: int
    group: str
    group_id: int

    @classmethod
    @asynccontextmanager
    async def open(cls, scene: Scene) -> AsyncIterator["Office"]:
        caller, bob, carol = [await scene.phone() for _ in range(3)]  # people of our own, to be changed
        pair = await scene.house.extension_group(f"pair of {carol.number}", [carol.person])
        both = [{"value": str(bob.person.id), "type": "extension"}, {"value": str(pair), "type": "ext_group"}]
        group = await scene.group(member_list=both)
        busy = [asyncio.create_task(decline(phone)) for phone in (bob, carol)]
        try:
            yield cls(scene, caller, bob.person, carol.person, pair, group, int(await scene.id_of(group)))
        finally:
            for task in busy:
                task.cancel()

    async def call(self, number: str) -> dict[str, Any]:
        """What a call came to, as far as settings say: whom it found, whom it would have rung, and why it did not."""
        await self.caller.refused(await self.caller.dial(number))
        story = await self.scene.story(self.caller)
        return {
            "caller": story.caller.name,
            "to": [hop.name for hop in story.hops],
            "members": [(one.member.name, one.skipped) for hop in story.hops for one in hop.attempts],
        }

    async def set(self, kind: str, id_: int, **fields: Any) -> None:
        await self.scene.house.post(f"{kind}/update", id=id_, **fields)

    async def delete(self, kind: str, id_: int) -> None:
        await self.scene.house.get(f"{kind}/delete", id=id_)


async def decline(phone: Phone) -> None:
    while True:
        phone.reply(await phone.expect("INVITE", within=60), 486)
        await phone.expect("ACK")


def members(*people: Person) -> list[dict[str, str]]:
    return [{"value": str(person.id), "type": "extension"} for person in people]


Change = Callable[[Office], Awaitable[None]]

CHANGES: dict[str, Change] = {
    "a member is disabled": lambda o: o.set("extension", o.bob.id, enabled=0),
    "a member wants no calls": lambda o: o.set("extension", o.bob.id, presence_status="do_not_disturb"),
    "a member is renamed": lambda o: o.set("extension", o.bob.id, caller_id_name="Robert"),
    "a member of a member is disabled": lambda o: o.set("extension", o.carol.id, enabled=0),
    "a member is deleted": lambda o: o.delete("extension", o.bob.id),
    "the caller is renamed": lambda o: o.set("extension", o.caller.person.id, caller_id_name="Alicia"),
    "an extension group has others": lambda o: o.set("extensiongroup", o.pair, members=members(o.bob)),
    "an extension group is deleted": lambda o: o.delete("extensiongroup", o.pair),
    "the group has others": lambda o: o.set("ringgroup", o.group_id, member_list=members(o.carol)),
    "the group is renamed": lambda o: o.set("ringgroup", o.group_id, name="Sales"),
    "the group is deleted": lambda o: o.delete("ringgroup", o.group_id),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_the_next_call_to_a_group_goes_by_a_change(scene: Scene, change: Change) -> None:
    async with Office.open(scene) as office:
        before = await office.call(office.group)
        assert await office.call(office.group) == before
        await change(office)
        assert await office.call(office.group) != before


async def test_the_next_call_finds_what_was_made_and_not_what_was_deleted(scene: Scene) -> None:
    async with Office.open(scene) as office:
        number = office.bob.number.replace("2", "8", 1)
        assert (await office.call(number))["to"] == []
        person = await scene.house.extension(number, first_name="New")
        assert (await office.call(number))["to"][0] == "New"
        await office.delete("extension", person.id)
        assert (await office.call(number))["to"] == []


async def test_the_next_call_wants_the_password_that_was_just_set(scene: Scene) -> None:
    async with Office.open(scene) as office:
        await office.call(office.group)
        await office.set("extension", office.caller.person.id, reg_password="Another1Secret")
        refused = await office.caller.refused(await office.caller.dial(office.group))
        assert refused.status == 401


@dataclass
class Hall:
    """A group with a phone, where callers hear something until that is answered."""

    scene: Scene
    caller: Phone
    member: Phone
    group: str

    @classmethod
    async def open(cls, scene: Scene, welcome_prompt: str) -> "Hall":
        caller, member = await scene.phones(2)
        return cls(scene, caller, member, await scene.group(member, welcome_prompt=welcome_prompt))

    async def call(self, hears: int | None) -> list[str]:
        """The names of what the caller heard; it hangs up when it has heard this tone, in Hz."""
        self.caller.audio.forget()
        invite = await self.caller.dial(self.group)
        ringing = await self.member.rings()
        if hears is not None:
            await self.caller.audio.hears(hears)
        self.caller.cancel(invite)
        await self.member.cancelled(ringing)
        return [heard.name for heard in (await self.scene.story(self.caller)).heard]


async def test_the_next_caller_hears_the_prompt_that_has_replaced_another(scene: Scene) -> None:
    await upload_prompts(scene.house, {"hello.wav": [(LOW, 0.3)]})
    hall = await Hall.open(scene, "hello.wav")
    assert await hall.call(hears=LOW) == ["hello.wav"]
    await upload_prompts(scene.house, {"hello.wav": [(HIGH, 0.3)]}, is_check="force")
    assert await hall.call(hears=HIGH) == ["hello.wav"]


async def test_the_next_caller_hears_a_playlist_as_it_was_just_changed(scene: Scene) -> None:
    made = await scene.house.post("play_list/create", list_name="Tunes", list_type=1, play_order="alphabetical")
    await upload_files(scene.house, "Tunes", {"tune.wav": [(LOW, 0.3)]})
    hall = await Hall.open(scene, "Tunes")
    assert await hall.call(hears=LOW) == ["Tunes"]
    await upload_files(scene.house, "Tunes", {"tune.wav": [(HIGH, 0.3)]}, is_check="force")
    assert await hall.call(hears=HIGH) == ["Tunes"]
    await scene.house.post("play_list/update", id=made["id"], list_name="Songs")
    assert await hall.call(hears=HIGH) == ["Songs"]
    await scene.house.get("moh_files/delete", list_name="Songs", file="tune.wav")
    assert await hall.call(hears=None) == [], "a list that is empty"
