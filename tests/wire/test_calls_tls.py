"""Phones over TLS, alone and beside others: they register, call, are rung and hung up over their own connection."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ringdove.model.story import Disposition
from ringdove.sip.uri import Uri
from support.certificates import certificate_for, trusting
from support.house import House
from support.peer import Peer
from support.phones import until
from support.scene import Scene, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("tls"), sip_tls="127.0.0.1:0") as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


async def test_a_phone_that_trusts_the_certificate_by_name_gets_in(house: House) -> None:
    context = trusting(house.node.settings.keys / "sip-tls.crt")
    async with await Peer.tls(house.sip_tls, context=context) as phone:
        phone.request("OPTIONS", f"sip:{house.sip_tls[0]}:{house.sip_tls[1]};transport=tls")
        await phone.expect("200 OPTIONS")


async def test_a_phone_over_tls_calls_one_over_udp_and_either_hangs_up(scene: Scene) -> None:
    alice, bob = await scene.phone(transport="tls"), await scene.phone()
    ours, theirs = await scene.talk(alice, bob)
    assert str(ours.dialog.remote_target) == f"sip:127.0.0.1:{alice.server[1]};transport=tls"
    await scene.end(ours, theirs)
    ours, theirs = await scene.talk(alice, bob)
    await scene.end(theirs, ours)


async def test_a_phone_over_tls_is_called_over_its_own_connection(scene: Scene) -> None:
    alice, bob = await scene.phone(), await scene.phone(transport="tls")
    ours, theirs = await scene.talk(alice, bob)
    invite = next(received.message for received in bob.log if received.message.cseq.method == "INVITE")
    assert (invite.via.transport, invite.via.port) == ("TLS", bob.server[1])
    assert str(invite.contacts[0].uri) == f"sip:127.0.0.1:{bob.server[1]};transport=tls"
    assert (await ours.offer(alice.sdp("sendonly", version=2))).status == 200
    assert (await theirs.offer(bob.sdp(version=2))).status == 200
    await scene.end(ours, theirs)


async def test_a_group_rings_phones_over_udp_tcp_and_tls_at_once_and_any_can_win(scene: Scene) -> None:
    alice, *members = [await scene.phone(transport=kind) for kind in ("tls", "udp", "tcp", "tls")]
    group = await scene.group(*members)
    for winner in members:
        call = await alice.dial(group)
        invites = {member: await member.rings() for member in members}
        theirs = await winner.pick_up(invites[winner])
        ours = await alice.answered(call)
        for loser in members:
            if loser is not winner:
                reasons = (await loser.cancelled(invites[loser])).headers.get_all("Reason")
                assert reasons == ['SIP;cause=200;text="Call completed elsewhere"']
        await scene.end(ours, theirs)


async def test_a_sips_contact_is_reached_and_answered_with_one(scene: Scene) -> None:
    """RFC 3261 §8.1.1.8 and §12.1.1, as clarified by RFC 5630."""
    alice, bob = await scene.phone(transport="tls"), await scene.phone(transport="tls", online=False)
    secure = Uri("sips", bob.host, user=bob.number, port=bob.port)
    assert (await bob.register(contact=secure)).status == 200
    call = await alice.dial(bob.number)
    invite = await bob.rings()
    assert invite.uri == str(secure)
    assert invite.contacts[0].uri.scheme == "sips"
    theirs = await bob.pick_up(invite)
    ours = await alice.answered(call)
    await scene.end(ours, theirs)
    call = await bob.dial(alice.number, contact=secure)
    theirs = await alice.pick_up(await alice.rings())
    ours = await bob.answered(call)
    assert ours.dialog.remote_target.scheme == "sips"
    await scene.end(ours, theirs)


async def test_a_phone_whose_connection_is_gone_is_offline_and_comes_back_with_another(scene: Scene) -> None:
    alice, bob = await scene.phone(), await scene.phone(transport="tls")
    registrar = scene.house.node.registrar
    await bob.close()
    await until(lambda: not registrar.bindings(bob.person.id), "its binding is still there")
    assert (await alice.refused(await alice.dial(bob.number))).status == 480
    again = await scene.phone(bob.person, transport="tls")
    ours, theirs = await scene.talk(alice, again)
    await scene.end(ours, theirs)


async def test_R10_a_caller_whose_tls_connection_is_gone_while_it_rings_has_left(scene: Scene) -> None:
    alice, bob = await scene.phone(transport="tls"), await scene.phone(transport="tls")
    await alice.dial(await scene.group(bob))
    invite = await bob.rings()
    await alice.close()
    await bob.cancelled(invite)
    assert (await scene.story(alice)).disposition is Disposition.ABANDONED


async def test_a_phone_that_listens_itself_is_called_there_when_its_connection_is_gone(
    scene: Scene, tmp_path: Path
) -> None:
    """Its certificate is nobody's we know, as phones' are; see ADR 0013."""
    alice, bob = await scene.phone(), await scene.phone(transport="tls", online=False)
    registrar = scene.house.node.registrar
    async with await Peer.tls_listener(certificate_for(tmp_path)(), user=bob.number) as listener:
        assert (await bob.register(contact=listener.uri)).status == 200
        await bob.close()
        listener.reply(await listener.expect("OPTIONS", within=5), 200)
        await until(lambda: bool(registrar.bindings(bob.person.id)), "it is not reachable again")
        call = await alice.dial(bob.number)
        invite = await listener.expect("INVITE")
        listener.reply(invite, 486)
        await listener.expect("ACK")
        assert (await alice.refused(call)).status == 486
