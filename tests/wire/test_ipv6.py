"""IPv6 end to end: phones register, ring, talk and hang up over it, and beside phones that speak IPv4."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from support.exchange import Exchange, answers, assert_rang
from support.house import House
from support.peer import bracketed
from support.phones import hears
from support.scene import Scene, open_house
from support.sipp import needs_sipp

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("ipv6"), sip="[::1]:0") as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_group_rings_and_both_hear_each_other(scene: Scene, transport: str) -> None:
    alice, bob, carol = [await scene.phone(transport=transport) for _ in range(3)]
    call = await alice.dial(await scene.group(bob, carol))
    ringing = [await phone.rings() for phone in (bob, carol)]
    for phone, invite in zip((bob, carol), ringing, strict=True):
        assert invite.uri == str(phone.uri)
        assert invite.via.host == invite.contacts[0].uri.host == invite.from_.uri.host == "[::1]"
        assert b"c=IN IP6 ::1\r\n" in invite.body
    theirs = await bob.pick_up(ringing[0])
    await carol.cancelled(ringing[1])
    ours = await alice.answered(call)
    assert ours.media[0] == theirs.media[0] == "::1"
    assert await hears(ours, theirs)
    assert await hears(theirs, ours)
    await scene.end(ours, theirs)
    story = await scene.story(alice)
    assert story.answered_by is not None
    assert story.answered_by.number == bob.number


@pytest.mark.parametrize(("caller", "member"), [("127.0.0.1", "::1"), ("::1", "127.0.0.1")])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_at_any_address_phones_of_both_versions_talk(
    tmp_path: Path, caller: str, member: str, transport: str
) -> None:
    async with open_house(tmp_path, sip="[::]:0") as house, Scene(house) as scene:
        alice = await scene.phone(transport=transport, host=caller)
        bob = await scene.phone(transport=transport, host=member)
        call = await alice.dial(await scene.group(bob))
        invite = await bob.rings()
        assert invite.via.host == invite.contacts[0].uri.host == bracketed(member)
        theirs = await bob.pick_up(invite)
        ours = await alice.answered(call)
        for line, host in ((ours, caller), (theirs, member)):
            assert (":" in line.media[0]) == (":" in host)
        assert await hears(ours, theirs)
        assert await hears(theirs, ours)
        assert (await ours.offer(alice.sdp("sendonly", version=2))).status == 200
        assert (":" in ours.media[0]) == (":" in caller)
        assert (await ours.offer(alice.sdp(version=3))).status == 200
        assert await hears(theirs, ours)
        await scene.end(ours, theirs)


async def test_an_advertised_address_stands_wherever_we_name_ourselves(tmp_path: Path) -> None:
    async with open_house(tmp_path, sip="[::1]:0", advertise="[2001:db8::9]") as house, Scene(house) as scene:
        alice, bob = [await scene.phone() for _ in range(2)]
        call = await alice.dial(bob.number)
        invite = await bob.rings()
        for uri in (invite.via, invite.contacts[0].uri, invite.from_.uri):
            assert uri.host == "[2001:db8::9]"
        assert b"c=IN IP6 2001:db8::9\r\n" in invite.body
        assert (await alice.expect("180")).contacts[0].uri.host == "[2001:db8::9]"
        bob.reply(invite, 486)
        await alice.refused(call)


async def test_the_API_at_any_address_answers_both_versions(tmp_path: Path) -> None:
    async with House.open(tmp_path, http="[::]:0") as house, httpx.AsyncClient() as http:
        for host in ("127.0.0.1", "[::1]"):
            assert (await http.get(f"http://{host}:{house.node.http.port}/healthz")).status_code == 200


@pytest.mark.parametrize("transport", [pytest.param(name, marks=needs_sipp) for name in ("udp", "tcp")])
async def test_SIPp_calls_SIPp(tmp_path: Path, transport: str) -> None:
    async with Exchange.open(tmp_path, sip="[::1]:0") as exchange:
        (member,) = await exchange.phones(answers(after=0.1))
        call = await exchange.call(await exchange.ring_group([member]), transport=transport)
        assert call.status == 200
        assert_rang(call, {member: [(0, 0.1)]})
