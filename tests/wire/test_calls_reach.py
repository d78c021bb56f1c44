"""Phones that send from one address and listen at another, or whose connection is gone (RFC 3261 §12.2, §18)."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from ringdove.model.story import Disposition
from ringdove.sip.dialog import Dialog
from ringdove.sip.message import Request
from support.house import House
from support.peer import Peer
from support.scene import Scene, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("reach")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


async def _hung_up_at(listener: Peer, server: tuple[str, int] | None = None) -> Request:
    bye: Request = await listener.expect("BYE")
    listener.reply(bye, 200, address=server)
    return bye


async def test_a_caller_is_called_back_at_its_contact_not_where_it_sends_from(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    async with await Peer.udp(user=alice.number) as listener:
        call = await alice.dial(bob.number, contact=listener.uri)
        theirs = await bob.pick_up(await bob.rings())
        await alice.answered(call)
        assert (await theirs.bye()).status == 200
        await _hung_up_at(listener, alice.server)
    assert alice.count("BYE") == 0


async def test_a_member_that_re_INVITEs_from_another_port_is_reached_where_it_was(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    async with await Peer.udp(user=bob.number) as sender:
        body = bob.sdp(version=2).replace("\n", "\r\n").encode()
        again = bob.stamp(theirs.dialog.request("INVITE", body=body, content_type="application/sdp"))
        sender.send(again, bob.server)
        response = await sender.expect("200 INVITE")
        theirs.dialog.learn(response)
        sender.send(bob.stamp(theirs.dialog.ack(response.cseq.number)), bob.server)
        assert (await ours.bye()).status == 200
        await bob.hung_up()
        assert sender.count("BYE") == 0


async def test_a_re_INVITE_with_a_new_contact_moves_the_phone_there(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    async with await Peer.udp(user=alice.number) as listener:
        ours.dialog.contact = listener.uri
        assert (await ours.offer(alice.sdp(version=2))).status == 200
        assert (await theirs.bye()).status == 200
        await _hung_up_at(listener, alice.server)
    assert alice.count("BYE") == 0


async def test_a_tcp_caller_whose_connection_is_gone_is_hung_up_at_its_contact(scene: Scene) -> None:
    alice, bob = await scene.phone(transport="tcp"), await scene.phone()
    async with await Peer.tcp_listener(user=alice.number) as listener:
        call = await alice.dial(bob.number, contact=listener.uri)
        theirs = await bob.pick_up(await bob.rings())
        await alice.answered(call)
        await alice.close()
        assert (await theirs.bye()).status == 200
        await _hung_up_at(listener)


async def test_R10_a_caller_whose_connection_is_gone_while_it_rings_has_left(scene: Scene) -> None:
    alice, bob, carol = await scene.phone(transport="tcp"), await scene.phone(), await scene.phone()
    await alice.dial(await scene.group(bob, carol))
    at_bob, at_carol = await bob.rings(), await carol.rings()
    await alice.close()
    for member, invite in ((bob, at_bob), (carol, at_carol)):
        cancel = await member.cancelled(invite)
        assert cancel.headers.get_all("Reason") == []
    story = await scene.story(alice)
    assert story.disposition is Disposition.ABANDONED
    assert story.hops[0].outcome == "abandoned"


async def test_a_caller_that_listens_at_the_port_in_its_Via_goes_on_without_its_connection(scene: Scene) -> None:
    alice, bob = await scene.phone(transport="tcp"), await scene.phone()
    async with await Peer.tcp_listener(user=alice.number) as listener:
        alice.port = listener.port  # what its Via and Contact name from now on
        call = await alice.dial(bob.number)
        at_bob = await bob.rings()
        await alice.expect("180 INVITE")
        await alice.close()
        await listener.expect("180 INVITE")
        theirs = await bob.pick_up(at_bob)
        answer = await listener.expect("200 INVITE")
        ours = Dialog.as_uac(call, answer)
        listener.send(listener.stamp(ours.ack(call.cseq.number)))
        assert (await theirs.bye()).status == 200
        await _hung_up_at(listener)


async def test_a_caller_that_does_not_listen_at_the_port_in_its_Via_has_left_with_its_connection(scene: Scene) -> None:
    alice, bob = await scene.phone(transport="tcp"), await scene.phone()
    listener = await Peer.tcp_listener()
    await listener.close()
    alice.port = listener.port
    await alice.dial(bob.number)
    at_bob = await bob.rings()
    await alice.expect("180 INVITE")
    await alice.close()
    await bob.cancelled(at_bob)
    assert (await scene.story(alice)).disposition is Disposition.ABANDONED


async def test_a_caller_whose_connection_is_gone_before_its_ACK_leaves_the_member_at_once(scene: Scene) -> None:
    alice, bob = await scene.phone(transport="tcp"), await scene.phone()
    await alice.dial(bob.number)
    await bob.pick_up(await bob.rings())
    await alice.expect("200 INVITE")
    await alice.close()
    await bob.hung_up()
    assert (await scene.story(alice)).ended_by == "caller"


@pytest.mark.parametrize("stays", [False, True], ids=["goes on over UDP", "goes on over TCP"])
async def test_18_1_1_an_INVITE_too_large_for_udp_rings_a_phone_over_tcp(scene: Scene, stays: bool) -> None:
    alice, bob = await scene.phone(), await scene.phone(online=False)
    async with await Peer.tcp_listener(user=bob.number, port=bob.port) as listener:
        wordy = replace(bob.uri, params=(("x", "x" * 700),))
        assert (await bob.register(contact=wordy)).status == 200
        call = await alice.dial(bob.number)
        invite = await listener.expect("INVITE")
        assert (len(invite.to_bytes()) > 1300, invite.via.transport) == (True, "TCP")
        answer = invite.reply(200, to_tag="there")
        answer.headers.add("Contact", f"<{listener.uri if stays else bob.uri}>")
        answer.set_body("application/sdp", bob.sdp().replace("\n", "\r\n").encode())
        listener.send(answer)
        there = listener if stays else bob
        await there.expect("ACK")
        ours = await alice.answered(call)
        assert (await ours.bye()).status == 200
        bye = await there.expect("BYE")
        there.reply(bye, 200)
