"""Toll and loop safety (ADR 0017): each cap with what the caller is told, and what the story says."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ringdove.model.story import Disposition
from ringdove.sip.message import Request
from support.house import House
from support.phones import Phone, until
from support.scene import Scene, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")

CAPS = {"max_calls": 3, "max_calls_per_extension": 2, "max_legs": 4}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("limits"), **CAPS) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


# Max-Forwards


async def test_each_server_on_the_way_takes_one_off_Max_Forwards(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(bob.number, max_forwards=7)
    invite = await bob.rings()
    assert invite.max_forwards == 6
    alice.cancel(call)
    await alice.refused(call)
    await bob.cancelled(invite)


async def test_with_no_hop_left_nobody_is_rung_and_the_story_says_why(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    assert (await alice.refused(await alice.dial(bob.number, max_forwards=0))).status == 483
    assert bob.count("INVITE") == 0
    story = await scene.story(alice)
    assert (story.disposition, story.final_status, story.hops) == (Disposition.FAILED, 483, [])
    assert story.reason == "it has come through as many servers as its Max-Forwards allowed"


async def test_what_is_for_the_server_itself_needs_no_hop(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    host, port = scene.house.sip
    alice.request("OPTIONS", f"sip:{host}:{port}", scene.house.sip, max_forwards=0)
    assert (await alice.expect("200 OPTIONS")).headers.get("Allow") is not None


class Mirror:
    """A server of others at which a person registered: it calls back as somebody else whatever it is asked to ring."""

    def __init__(self, ear: Phone, mouth: Phone, number: str) -> None:
        self.ear = ear
        self.mouth = mouth
        self.number = number
        self.forwards: list[int] = []

    async def live(self) -> None:
        """Send on each INVITE with one hop less, and the failure back."""
        async with asyncio.TaskGroup() as group:
            while True:
                invite = await self.ear.expect("INVITE", within=60)
                self.ear.reply(invite, 100)
                self.forwards.append(invite.max_forwards)
                group.create_task(self._forward(invite))

    async def _forward(self, invite: Request) -> None:
        call = await self.mouth.dial(self.number, max_forwards=invite.max_forwards - 1)
        final = await self.mouth.final(call, within=10)
        self.mouth.ack(call, final, self.mouth.server)
        self.ear.reply(invite, final.status)


async def test_a_loop_through_another_server_ends_with_its_Max_Forwards(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, Scene(house) as scene:
        alice, ear, mouth = await scene.phones(3)
        group = await scene.group(ear, ring_timeout=20)
        mirror = Mirror(ear, mouth, group)
        going_round = asyncio.create_task(mirror.live())
        assert (await alice.refused(await alice.dial(group, max_forwards=8), within=10)).status == 480
        assert mirror.forwards == [7, 5, 3, 1]
        going_round.cancel()
        assert (await scene.story(mouth)).final_status == 483


async def test_a_loop_through_another_server_ends_sooner_where_one_extension_makes_too_many_calls(
    scene: Scene,
) -> None:
    alice, ear, mouth = await scene.phones(3)
    group = await scene.group(ear, ring_timeout=20)
    mirror = Mirror(ear, mouth, group)
    going_round = asyncio.create_task(mirror.live())
    assert (await alice.refused(await alice.dial(group), within=10)).status == 480
    assert mirror.forwards == [69, 67, 65]
    going_round.cancel()


# Calls at once


async def test_one_call_too_many_gets_503_and_when_to_come_back_and_the_others_go_on(scene: Scene) -> None:
    people = await scene.phones(8)
    lines = [await scene.talk(caller, callee) for caller, callee in zip(people[:3], people[3:6], strict=True)]
    late, nobody = people[6:]
    for _ in range(5):
        refused = await late.refused(await late.dial(nobody.number))
        assert refused.status == 503
        assert refused.headers.get("Retry-After") == "5"
        assert refused.headers.get("Warning") == '399 ringdove "max_calls: 3 calls run already"'
    assert nobody.count("INVITE") == 0
    story = await scene.story(late)
    assert (story.disposition, story.final_status) == (Disposition.FAILED, 503)
    assert (story.ended_by, story.reason) == ("server", "max_calls: 3 calls run already")
    assert len(await scene.rows(caller=late.number)) == 1, "five refusals, one record"
    await scene.end(*lines.pop())
    await until(lambda: scene.house.node.switchboard.running == 2, "the call does not end")
    lines.append(await scene.talk(late, nobody))
    for line in lines:
        await scene.end(*line)


async def test_one_extension_makes_only_so_many_calls(scene: Scene) -> None:
    alice, bob, carol, dora = await scene.phones(4)
    lines = [await scene.talk(alice, other) for other in (bob, carol)]
    refused = await alice.refused(await alice.dial(dora.number))
    assert refused.status == 403
    assert refused.headers.get("Warning") == '399 ringdove "max_calls_per_extension: the caller is in 2 calls already"'
    assert dora.count("INVITE") == 0
    for line in lines:
        await scene.end(*line)
    assert (await scene.story(alice)).reason == "max_calls_per_extension: the caller is in 2 calls already"


async def test_one_extension_takes_only_so_many_calls_and_is_busy_then_and_free_again(scene: Scene) -> None:
    alice, bob, carol, dora = await scene.phones(4)
    group = await scene.group(alice, ring_timeout=20)
    lines = [await scene.talk(other, alice) for other in (bob, carol)]
    assert (await dora.refused(await dora.dial(group))).status == 486
    story = await scene.story(dora)
    assert (story.disposition, story.hops[0].attempts[0].skipped) == (Disposition.BUSY, "busy")
    await scene.end(*lines.pop())
    await until(lambda: scene.house.node.switchboard.running == 1, "the call does not end")
    lines.append(await scene.talk(dora, alice, group))
    for line in lines:
        await scene.end(*line)


# Legs of one call


async def test_a_call_rings_only_so_many_phones_over_its_whole_life(scene: Scene) -> None:
    alice, *members = await scene.phones(6)
    last = await scene.group(*members[3:], ring_timeout=1)
    group = await scene.group(
        *members[:3], ring_timeout=1, fail_dest="ring_group", fail_dest_value=await scene.id_of(last)
    )
    call = await alice.dial(group)
    first = [await member.rings() for member in members[:3]]
    for member, invite in zip(members[:3], first, strict=True):
        await member.cancelled(invite)
    await members[3].cancelled(await members[3].rings())
    assert (await alice.refused(call)).status == 480
    assert members[4].count("INVITE") == 0
    story = await scene.story(alice)
    assert [[a.skipped for a in hop.attempts] for hop in story.hops[:2]] == [[None] * 3, [None, "too_many_legs"]]


# Time


async def test_a_call_that_lasts_too_long_ends_with_BYE_on_both_sides(tmp_path: Path) -> None:
    async with open_house(tmp_path, max_call_duration=1, max_wait=1) as house, Scene(house) as scene:
        alice, bob = await scene.phones(2)
        ours, _ = await scene.talk(alice, bob)
        began = asyncio.get_running_loop().time()
        bye = await alice.hung_up(within=3)
        await bob.hung_up()
        assert 0.9 < asyncio.get_running_loop().time() - began < 1.5
        assert bye.headers.get("Reason") == "SIP;cause=408"
        assert ours.dialog.accept(bye) is None
        story = await scene.story(alice)
        assert (story.disposition, story.ended_by) == (Disposition.ANSWERED, "server")
        assert story.reason == "max_call_duration: it lasted 1 s"


async def test_a_call_that_nobody_takes_ends_however_long_it_would_ring(tmp_path: Path) -> None:
    async with open_house(tmp_path, max_wait=1) as house, Scene(house) as scene:
        alice, bob = await scene.phones(2)
        call = await alice.dial(await scene.group(bob, ring_timeout=300))
        at_bob = await bob.rings()
        assert (await bob.cancelled(at_bob)).headers.get("Reason") is None
        assert (await alice.refused(call)).status == 480
        story = await scene.story(alice)
        assert (story.disposition, story.ended_by) == (Disposition.NO_ANSWER, "server")
        assert story.reason == "max_wait: nobody took it within 1 s"
        (attempt,) = story.hops[0].attempts
        assert attempt.result == "call ended"


async def test_0_means_no_limit_of_time(tmp_path: Path) -> None:
    async with open_house(tmp_path, max_wait=0, max_call_duration=0) as house, Scene(house) as scene:
        alice, bob = await scene.phones(2)
        await scene.end(*await scene.talk(alice, bob))
