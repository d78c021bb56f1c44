"""What the INVITE to a member's phone says, and when it comes: R11, R13, R14."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ringdove.sip.message import Request
from support.house import House
from support.phones import Phone
from support.scene import Scene, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("invitation")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


async def test_R11_all_first_INVITEs_of_a_step_come_together_and_on_time(scene: Scene) -> None:
    alice, *members = await scene.phones(6)
    custom = [
        {
            "sub_option": [{"value": str(m.person.id), "type": "extension"}],
            "delay_time": delay,
            "timeout": 1,
        }
        for m, delay in zip(members, (0, 0, 0, 1, 1), strict=True)
    ]
    call = await alice.dial(await scene.group(ring_strategy="custom", member_list=custom))
    invites = [await member.rings() for member in members]
    for member, invite in zip(members, invites, strict=True):
        await member.cancelled(invite)
    assert (await alice.refused(call)).status == 480
    begin = came(members[0], "INVITE")
    assert [came(m, "INVITE") - begin for m in members] == pytest.approx([0, 0, 0, 1, 1], abs=0.05)
    assert [came(m, "CANCEL") - begin for m in members] == pytest.approx([1, 1, 1, 2, 2], abs=0.05)


def came(phone: Phone, method: str) -> float:
    """When the one request of this method reached a phone."""
    (at,) = [it.at for it in phone.log if isinstance(it.message, Request) and it.message.method == method]
    return at


@pytest.mark.parametrize(
    ("keyword", "info"), [("ring-group-support", "ring-group-support"), ("Front Desk_1", '"Front Desk_1"')]
)
async def test_R13_the_INVITE_carries_the_groups_Alert_Info(scene: Scene, keyword: str, info: str) -> None:
    alice, bob = await scene.phones(2)
    call = await alice.dial(await scene.group(bob, alert_info=keyword))
    at_bob = await bob.rings()
    assert at_bob.headers.get_all("Alert-Info") == [f"<http://127.0.0.1>;info={info}"]
    bob.reply(at_bob, 486)
    await alice.refused(call)


async def test_R13_a_call_without_a_keyword_carries_no_Alert_Info_and_failover_drops_the_groups(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    call = await alice.dial(
        await scene.group(bob, alert_info="support", fail_dest="extension", fail_dest_value=str(carol.person.id))
    )
    bob.reply(await bob.rings(), 486)
    at_carol = await carol.rings()
    assert "Alert-Info" not in at_carol.headers
    carol.reply(at_carol, 486)
    await alice.refused(call)


async def test_R14_the_member_sees_the_callers_number_and_name(scene: Scene) -> None:
    alice, bob = await scene.phone(first_name="Alice", last_name="Ätz"), await scene.phone()
    call = await alice.dial(await scene.group(bob))
    at_bob = await bob.rings()
    assert (at_bob.from_.display_name, at_bob.from_.uri.user) == ("Alice Ätz", alice.number)
    assert at_bob.to.uri.user == bob.number
    bob.reply(at_bob, 486)
    await alice.refused(call)
    odd = await scene.phone(caller_id_name='"; <sip:x@y>', caller_id="+4930555")
    call = await odd.dial(bob.number)
    at_bob = await bob.rings()
    assert (at_bob.from_.display_name, at_bob.from_.uri.user) == ('"; <sip:x@y>', "+4930555")
    bob.reply(at_bob, 486)
    await odd.refused(call)


async def test_the_INVITE_goes_to_the_contact_along_the_path_that_was_registered(scene: Scene) -> None:
    alice, bob = await scene.phone(), await scene.phone(online=False)
    assert (await bob.register(Supported="path", Path="<sip:edge.test;lr>")).status == 200
    call = await alice.dial(bob.number)
    at_bob = await bob.rings()
    assert at_bob.uri == str(bob.uri)
    assert at_bob.headers.get_all("Route") == ["<sip:edge.test;lr>"]
    bob.reply(at_bob, 486)
    await alice.refused(call)
