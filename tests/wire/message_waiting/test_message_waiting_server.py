"""Message waiting in a whole server: what the API changes is told, and what the process does when it stops or dies."""

import signal
from pathlib import Path

import pytest

from ringdove.model.voicemail import Mailbox, MailboxKind, NewMessage
from support.house import House
from support.peer import Peer
from support.phones import Phone, until
from support.scene import Scene, open_house
from support.subscriber import Lamp, shown, standing, subscribe
from support.tower import Tower
from support.voicemail import reach_tone, speak


async def leave(house: House, mailbox: Mailbox, recording: str) -> int:
    """A message lies in a mailbox; returns its id."""
    message = NewMessage(caller_number="1", time=0, seconds=1, digest="0" * 64, size=1)
    (made,) = await house.node.store.messages.deliver(recording, [mailbox], message)
    return made.id


async def test_what_is_done_over_the_API_is_seen_on_the_phone(tmp_path: Path) -> None:
    async with House.open(tmp_path / "data", vm_code="*97") as house:
        person = await house.extension("2001")
        mailbox = Mailbox(MailboxKind.EXTENSION, person.id)
        message = await leave(house, mailbox, "a")
        async with await Phone.of(house, person) as phone:
            lamp = await Lamp.of(phone, "*97")
            first = await lamp.told()
            assert shown(first) == ("yes", "1/0")
            assert f"Message-Account: sip:*97@{house.sip[0]}:{house.sip[1]}\r\n".encode() in first.body
            await house.post("vm/update", id=message, read=1)
            assert shown(await lamp.told()) == ("no", "0/1")
            await house.get("vm/delete", id=message)
            assert shown(await lamp.told()) == ("no", "0/0")

            shared = [{"value": str(person.id), "type": "extension"}]
            group = await house.post("vm_group/create", number="6500", name="Sales", mode="share", member_list=shared)
            await leave(house, Mailbox(MailboxKind.GROUP, group["id"]), "b")
            await lamp.refresh()
            assert shown(await lamp.told()) == ("yes", "1/0")
            await house.get("vm_group/delete", id=group["id"])
            assert shown(await lamp.told()) == ("no", "0/0")

            await house.get("extension/delete", id=person.id)
            assert standing(await lamp.told()) == "terminated;reason=noresource"


async def test_over_IPv6_the_message_key_dials_an_address_in_brackets(tmp_path: Path) -> None:
    async with House.open(tmp_path / "data", sip="[::1]:0") as house:
        person = await house.extension("2001")
        async with await Phone.of(house, person) as phone:
            lamp = await Lamp.of(phone)
            assert f"Message-Account: sip:*2@[::1]:{house.sip[1]}\r\n".encode() in (await lamp.told()).body


async def test_over_tls_it_works_as_well(tmp_path: Path) -> None:
    async with House.open(tmp_path / "data", sip_tls="127.0.0.1:0") as house:
        person = await house.extension("2001")
        async with await Phone.of(house, person, "tls") as phone:
            await phone.register()
            lamp = await Lamp.of(phone)
            assert shown(await lamp.told()) == ("no", "0/0")
            assert (await lamp.refresh(0)).status == 200
            assert standing(await lamp.told()) == "terminated;reason=timeout"


async def test_a_message_that_a_caller_leaves_lights_all_lamps_that_it_concerns(tmp_path: Path) -> None:
    async with open_house(tmp_path / "house", vm_shortest=1) as house, Scene(house) as scene:
        alice, carol = await scene.phones(2)
        bob = await scene.phone(enb_vm=1)
        desk = await scene.phone(bob.person)
        _, shared = await scene.vm_group("share", bob.person, carol.person)
        at_bob, at_carol, of_group = await Lamp.of(bob), await Lamp.of(carol), await Lamp.of(carol, shared)
        for lamp in (at_bob, at_carol, of_group):
            assert shown(await lamp.told()) == ("no", "0/0")

        invite = await alice.dial(bob.number)
        for phone in (bob, desk):
            phone.reply(await phone.rings(), 486)
        line = await reach_tone(alice, invite)
        await speak(line, 700, 1.3)
        await line.bye()
        assert shown(await at_bob.told(within=8)) == ("yes", "1/0")
        unsolicited = await desk.expect("NOTIFY")
        assert (standing(unsolicited), shown(unsolicited)) == ("terminated", ("yes", "1/0"))

        line = await reach_tone(alice, await alice.dial(shared))
        await speak(line, 700, 1.3)
        await line.bye()
        told = [shown(await lamp.told(within=8))[1] for lamp in (at_bob, at_carol, of_group)]
        assert told == ["2/0", "1/0", "1/0"]
        for lamp in (at_bob, at_carol, of_group):
            assert (await lamp.refresh(0)).status == 200
            await lamp.told()
        await until(lambda: house.node.notifier.counts() == {"message-summary": 0}, "all are over")


async def test_OPTIONS_tells_what_can_be_subscribed_to(tmp_path: Path) -> None:
    async with House.open(tmp_path / "data") as house, await Peer.udp() as phone:
        phone.request("OPTIONS", "sip:pbx.test", house.sip)
        answer = await phone.expect("200 OPTIONS")
        assert "SUBSCRIBE" in (answer.headers.get("Allow") or "").split(", ")
        assert answer.headers.get("Allow-Events") == "message-summary"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_server_that_is_told_to_stop_has_its_phones_subscribe_anew(tmp_path: Path, transport: str) -> None:
    async with Tower.open(tmp_path / "data") as tower:
        person = await tower.extension("2001")
        async with await Phone.of(tower, person, transport) as phone:
            lamp = await Lamp.of(phone)
            await lamp.told()
            tower.signal(signal.SIGTERM)
            assert standing(await lamp.told()) == "terminated;reason=deactivated"
            assert await tower.ended() == 0
        await tower.start()
        async with await Phone.of(tower, person, transport) as phone:
            await (await Lamp.of(phone)).told()


async def test_after_a_crash_a_refresh_is_told_to_begin_anew(tmp_path: Path) -> None:
    async with Tower.open(tmp_path / "data") as tower, await Phone.of(tower, await tower.extension("2001")) as phone:
        lamp = await Lamp.of(phone)
        await lamp.told()
        await tower.kill()
        await tower.start()
        assert (await lamp.refresh()).status == 481
        _, response = await subscribe(phone)
        assert response.status == 200
