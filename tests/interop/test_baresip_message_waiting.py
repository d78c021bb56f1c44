"""A real phone (Debian's baresip) subscribes to its mailbox and shows what waits in it."""

import itertools

import pytest

from ringdove.events.types import MailboxChanged
from ringdove.model.voicemail import Mailbox, MailboxKind, Message, NewMessage
from support.baresip import Baresip, needs_baresip
from support.office import Office

pytestmark = needs_baresip

recordings = map(str, itertools.count())


async def leave(office: Office, mailbox: Mailbox) -> Message:
    """A message comes into a mailbox."""
    message = NewMessage(caller_number="1", time=0, seconds=1, digest="0" * 64, size=1)
    (made,) = await office.house.node.store.messages.deliver(next(recordings), [mailbox], message)
    office.house.node.bus.publish(MailboxChanged(mailbox))
    return made


async def shows(phone: Baresip, count: str, *, waiting: bool) -> None:
    """Wait until the phone says so."""
    event = await phone.expect("MWI_NOTIFY")
    lines = event["param"].split("\r\n")
    assert f"Messages-Waiting: {'yes' if waiting else 'no'}" in lines
    assert f"Voice-Message: {count} (0/0)" in lines


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_the_lamp_follows_the_mailbox(office: Office, transport: str) -> None:
    alice = await office.phone("2001", 440, transport=transport, watches_mailbox=True)
    mailbox = Mailbox(MailboxKind.EXTENSION, alice.person.id)
    await shows(alice, "0/0", waiting=False)
    first = await leave(office, mailbox)
    await shows(alice, "1/0", waiting=True)
    second = await leave(office, mailbox)
    await shows(alice, "2/0", waiting=True)
    await office.house.post("vm/update", id=first.id, read=1)
    await shows(alice, "1/1", waiting=True)
    await office.house.get("vm/delete", id=second.id)
    await shows(alice, "0/1", waiting=False)


async def test_a_server_that_stops_says_so_and_the_phone_understands(office: Office) -> None:
    alice = await office.phone("2001", 440, watches_mailbox=True)
    await shows(alice, "0/0", waiting=False)
    await office.house.node.drain(0)
    await alice.says("Subscription-State: terminated;reason=deactivated")
    await alice.says("mwi: subscription for sip:2001@127.0.0.1")
    assert office.house.node.notifier.counts() == {"message-summary": 0}
