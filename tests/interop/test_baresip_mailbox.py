"""baresip walks through its mailbox with its own keys, and its lamp follows."""

import pytest

from ringdove.model.story import Disposition, HopOutcome
from support.baresip import needs_baresip
from support.mailbox import BRIEF, inside, leave, mailbox_of
from support.office import Office

pytestmark = needs_baresip


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722"])
async def test_phone_listens_to_its_messages_and_deletes_one(office: Office, codec: str) -> None:
    alice = await office.phone("2001", 440, codecs=[codec], watches_mailbox=True)
    await office.house.post("extension/update", id=alice.person.id, **BRIEF)
    mailbox = mailbox_of(alice.person)
    _, last = await leave(office.house, mailbox, 700, 1300)
    await alice.dial("*2")
    await alice.expect("CALL_ESTABLISHED")
    await alice.hears_something()
    await alice.press("1")
    await alice.hears(700, within=5)
    await alice.says("Voice-Message: 1/1")
    await alice.press("7")
    await alice.press("6")
    await alice.hears(1300, within=5)
    await alice.says("Voice-Message: 0/2")
    await alice.press("#")
    await alice.expect("CALL_CLOSED", within=5)
    await alice.says("Voice-Message: 0/1")
    assert await inside(office.house, mailbox) == {last: True}
    story = await office.house.finished_call()
    assert story.disposition is Disposition.ANSWERED
    assert [(hop.kind, hop.number, hop.outcome) for hop in story.hops] == [("voicemail", "2001", HopOutcome.ENTERED)]
