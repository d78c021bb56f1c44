"""The server around a call: crashes, restarts, draining, strangers."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ringdove.model.story import Disposition
from ringdove.sip.digest import authorize
from ringdove.sip.identifiers import new_call_id
from ringdove.sip.message import Response
from support.house import House
from support.phones import Phone, hears, until
from support.scene import Scene, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("server")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


# The media process dies


async def kill_media(house: House) -> None:
    """kill -9 the media child."""
    pid = house.node.media.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: house.node.media.pid not in (None, pid), "no new media process")


async def test_audio_goes_on_when_the_media_process_was_killed(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, theirs = await scene.talk(alice, bob)
    assert await hears(ours, theirs)
    await kill_media(scene.house)
    assert await hears(ours, theirs, within=5.0)
    assert await hears(theirs, ours)
    assert (await ours.offer(alice.sdp())).status == 200
    await scene.end(ours, theirs)
    assert (await scene.story(alice)).ended_by == "caller"


async def test_calls_are_taken_while_the_media_process_is_down(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    pid = scene.house.node.media.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    call = await alice.dial(bob.number)
    theirs = await bob.pick_up(await bob.rings(within=5.0))
    ours = await alice.answered(call)
    assert await hears(ours, theirs, within=5.0)
    await scene.end(ours, theirs)


async def test_a_call_that_rings_when_the_media_process_dies_is_answered_with_audio(scene: Scene) -> None:
    alice, bob, carol = await scene.phones(3)
    call = await alice.dial(await scene.group(bob, carol))
    at_bob, at_carol = await bob.rings(), await carol.rings()
    await kill_media(scene.house)
    theirs = await bob.pick_up(at_bob)
    ours = await alice.answered(call)
    await carol.cancelled(at_carol)
    assert await hears(ours, theirs, within=5.0)
    await scene.end(ours, theirs)


async def test_a_call_whose_ports_are_lost_with_the_media_process_ends_with_BYE(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    ours, _ = await scene.talk(alice, bob)
    pid = scene.house.node.media.pid
    assert pid is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        os.kill(pid, signal.SIGKILL)
        await until(lambda: _binds(thief, ours.media[1]), "the port is not free")
        await alice.hung_up(within=5.0)
        await bob.hung_up()
    story = await scene.story(alice)
    assert (story.ended_by, story.reason) == ("server", "the audio of the call was lost")
    ours, theirs = await scene.talk(alice, bob)
    assert await hears(ours, theirs, within=5.0)
    await scene.end(ours, theirs)


def _binds(thief: socket.socket, port: int) -> bool:
    try:
        thief.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


# Restart and drain


async def test_bindings_survive_a_restart_and_a_call_rings_them(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        scene = Scene(house)
        bob = await scene.phone()
        alice, cut_off = await scene.phone(), await scene.phone(transport="tcp")
        group = await scene.group(bob, cut_off)
        sip = f"{house.sip[0]}:{house.sip[1]}"
    async with open_house(tmp_path, sip=sip) as house, Scene(house) as scene:
        call = await alice.dial(group)
        theirs = await bob.pick_up(await bob.rings())
        ours = await alice.answered(call)
        assert await hears(ours, theirs)
        await scene.end(ours, theirs)
        story = await scene.story(alice)
        assert [attempt.skipped for attempt in story.hops[0].attempts] == [None, "offline"]
    for phone in (alice, bob, cut_off):
        await phone.close()


async def test_a_drain_ends_calls_with_BYE_and_CANCEL_and_refuses_new_ones_with_503(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, Scene(house) as scene:
        alice, bob, carol, dora = await scene.phones(4)
        ours, _ = await scene.talk(alice, bob)
        ringing = await carol.dial(dora.number)
        at_dora = await dora.rings()
        drained = asyncio.create_task(house.node.drain(0.2))
        await asyncio.sleep(0)
        refused = await bob.refused(bob.request("INVITE", "sip:2000@pbx.test", house.sip))
        assert refused.status == 503
        assert refused.headers.get("Retry-After") is not None
        assert (await ours.offer(alice.sdp())).status == 200, "a running call goes on while there is patience"
        await alice.hung_up()
        await bob.hung_up()
        assert (await dora.cancelled(at_dora)).headers.get("Reason") is None
        assert (await carol.refused(ringing)).status == 503
        await drained
        assert house.node.switchboard.running == 0
        answered, unanswered = await scene.story(alice), await scene.story(carol)
        assert (answered.disposition, answered.ended_by) == (Disposition.ANSWERED, "server")
        assert (unanswered.disposition, unanswered.final_status) == (Disposition.FAILED, 503)
        assert answered.reason == unanswered.reason == "the server stops"


async def test_a_drain_repeats_a_BYE_that_was_lost_before_it_ends(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, Scene(house) as scene:
        alice, bob = await scene.phones(2)
        await scene.talk(alice, bob)
        alice.lose(lambda message: getattr(message, "method", "") == "BYE")
        told = asyncio.gather(alice.hung_up(), bob.hung_up())
        await house.node.drain(0.1)
        assert told.done()
        await told


async def test_a_stop_without_a_drain_hangs_up_too_and_the_record_is_whole(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        scene = Scene(house)
        alice, bob = await scene.phone(), await scene.phone()
        await scene.talk(alice, bob)
        row = (await scene.rows())[0]
    await alice.hung_up()
    await bob.hung_up()
    async with open_house(tmp_path) as house:
        story = (await house.get("calls/get", id=row["id"]))["data"]
        assert story["ended_at"] is not None
        assert story["disposition"] == "ANSWERED"
    for phone in (alice, bob):
        await phone.close()


# Who may call whom


async def test_a_call_to_an_unknown_number_gets_404(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    for number in ("9999999", "2001x", "%00", "a" * 500):
        response = await alice.refused(await alice.dial(number))
        assert response.status == 404, number
    story = await scene.story(alice)
    assert (story.disposition, story.hops) == (Disposition.FAILED, [])


async def test_an_INVITE_without_a_password_gets_401_and_leaves_nothing_behind(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    before = len(scene.house.node.endpoint._layer)
    for _ in range(20):
        alice.request(
            "INVITE",
            f"sip:{bob.number}@pbx.test",
            alice.server,
            body=alice.sdp().encode(),
            content_type="application/sdp",
        )
        response = await alice.expect("401 INVITE")
        assert len(response.headers.get_all("WWW-Authenticate")) == 2
    await until(lambda: scene.house.node.switchboard.running == 0, "a call is still there")
    assert len(scene.house.node.endpoint._layer) == before
    assert bob.count("INVITE") == 0
    assert not [row for row in await scene.rows() if row["live"]]


async def test_a_wrong_password_an_unknown_name_and_a_disabled_extension_look_the_same(scene: Scene) -> None:
    (bob,) = await scene.phones(1)
    alice, disabled = await scene.phone(), await scene.phone()
    await scene.house.post("extension/update", id=disabled.person.id, enabled=0)
    answers = []
    for phone, name, password in (
        (alice, alice.person.reg_name, "wrong-Password-1"),
        (alice, "nobody", "wrong-Password-1"),
        (disabled, disabled.person.reg_name, disabled.person.reg_password),
    ):
        response = await _try(phone, bob.number, name, password)
        answers.append((response.status, [name for name, _ in response.headers]))
    assert answers[0][0] == 401
    assert answers[0] == answers[1] == answers[2]
    assert bob.count("INVITE") == 0


async def _try(phone: Phone, number: str, name: str, password: str) -> Response:
    call_id = new_call_id()
    uri = f"sip:{number}@pbx.test"
    first = phone.request("INVITE", uri, phone.server, call_id=call_id, cseq=1)
    challenge = await phone.expect("401 INVITE")
    proof = authorize(challenge.headers.get_all("WWW-Authenticate"), name, password, "INVITE", uri)
    headers = [("Authorization", proof)]
    again = phone.request("INVITE", uri, phone.server, call_id=call_id, cseq=2, headers=headers)
    assert first.call_id == again.call_id
    return await phone.final(again)


async def test_a_call_to_a_disabled_extension_is_not_taken(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    disabled = await scene.phone()
    await scene.house.post("extension/update", id=disabled.person.id, enabled=0)
    assert (await alice.refused(await alice.dial(disabled.number))).status == 480
    assert disabled.count("INVITE") == 0


async def test_a_call_to_oneself_rings_nobody(scene: Scene) -> None:
    (alice,) = await scene.phones(1)
    assert (await alice.refused(await alice.dial(alice.number))).status == 480
    assert alice.count("INVITE") == 0


async def test_a_caller_that_gives_up_before_its_password_was_checked_rings_nobody(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    for _ in range(10):
        call = await alice.dial(bob.number)
        alice.cancel(call)
        assert (await alice.refused(call)).status == 487
        if bob.count("INVITE"):
            await bob.cancelled(await bob.rings())
            bob.forget()
    assert (await scene.story(alice)).disposition is Disposition.ABANDONED


async def test_an_INVITE_without_a_Contact_or_with_no_hops_left_is_refused(scene: Scene) -> None:
    alice, bob = await scene.phones(2)
    response = await alice.refused(await alice.dial(bob.number, contact=None))
    assert response.status == 400
    response = await alice.refused(await alice.dial(bob.number, max_forwards=0))
    assert response.status == 483
    assert bob.count("INVITE") == 0


async def test_many_calls_at_once_each_find_their_own_way(scene: Scene) -> None:
    phones = await scene.phones(8)
    pairs = list(zip(phones[::2], phones[1::2], strict=True))
    lines = await asyncio.gather(*(scene.talk(caller, callee) for caller, callee in pairs))
    ports = {line.media[1] for pair in lines for line in pair}
    assert len(ports) == 8
    for ours, theirs in lines:
        assert await hears(ours, theirs)
    await asyncio.gather(*(scene.end(ours, theirs) for ours, theirs in lines))


async def test_a_call_over_tcp_works_both_ways(scene: Scene) -> None:
    alice, bob = await scene.phone(transport="tcp"), await scene.phone(transport="tcp")
    ours, theirs = await scene.talk(alice, bob)
    assert await hears(ours, theirs)
    await scene.end(theirs, ours)


async def test_no_RTP_port_left_fails_the_leg_with_503_and_not_the_server(tmp_path: Path) -> None:
    async with open_house(tmp_path, rtp_pairs=2) as house, Scene(house) as scene:
        alice, bob, carol, dora = await scene.phones(4)
        ours, theirs = await scene.talk(alice, bob)
        refused = await carol.refused(await carol.dial(dora.number), within=6)
        assert refused.status in (480, 503)
        assert await hears(ours, theirs)
        await scene.end(ours, theirs)
