"""Mails that are owed: they come with messages, and go with them."""

import pytest

from ringdove.model.extension import Extension
from ringdove.model.extension_group import ExtensionGroup
from ringdove.model.reference import ObjectKind, Ref
from ringdove.model.voicemail import AfterVmNotify, MessageCount, NewMessage, VmGroup
from ringdove.store import Store

LEFT = NewMessage(caller_number="6001", time=1e9, seconds=2, digest="a" * 64, size=32_044)


@pytest.fixture
async def keen(store: Store) -> list[Extension]:
    """Three who want mails: 2001, 2002, 2003."""
    wanted = {"new_vm_notify": "email_without_attachment"}
    return [
        await store.extensions.create(
            Extension.model_validate({"number": number, "email_addr": f"x{number}@example.com", **wanted})
        )
        for number in ("2001", "2002", "2003")
    ]


async def owed(store: Store) -> list[tuple[int, int]]:
    return [(mail.message_id, mail.extension_id) for mail in await store.mails.owed()]


async def test_each_owner_who_wants_a_mail_is_owed_one_and_once(
    store: Store, keen: list[Extension], people: list[Extension]
) -> None:
    mailboxes = [person.mailbox for person in (*people, *keen)]
    left = await store.messages.deliver("r1", mailboxes, LEFT, mail=True)
    assert await owed(store) == [(message.id, message.mailbox.id) for message in left[-3:]]
    assert await store.messages.deliver("r1", mailboxes, LEFT, mail=True) == []
    assert len(await owed(store)) == 3


async def test_everybody_in_a_shared_mailbox_is_owed_one(store: Store, keen: list[Extension]) -> None:
    two = await store.extension_groups.create(ExtensionGroup(name="g", members=(keen[0].id, keen[1].id)))
    members = (Ref(ObjectKind.EXT_GROUP, two.id), Ref(ObjectKind.EXTENSION, keen[0].id))
    sales = await store.vm_groups.create(VmGroup(number="6400", name="Sales", members=members))
    (message,) = await store.messages.deliver("r1", [sales.mailbox], LEFT, mail=True)
    assert await owed(store) == [(message.id, keen[0].id), (message.id, keen[1].id)]


async def test_nobody_is_owed_any_where_no_mails_are_sent(store: Store, keen: list[Extension]) -> None:
    await store.messages.deliver("r1", [keen[0].mailbox], LEFT)
    assert await owed(store) == []


async def test_a_mail_goes_with_its_message_and_with_its_reader(store: Store, keen: list[Extension]) -> None:
    left = await store.messages.deliver("r1", [person.mailbox for person in keen], LEFT, mail=True)
    await store.messages.delete(left[0].id)
    assert await owed(store) == [(message.id, message.mailbox.id) for message in left[1:]]
    await store.extensions.delete(keen[1].id)
    assert await owed(store) == [(left[2].id, keen[2].id)]


async def test_those_after_an_id_are_told_oldest_first(store: Store, keen: list[Extension]) -> None:
    await store.messages.deliver("r1", [person.mailbox for person in keen], LEFT, mail=True)
    all_of_them = await store.mails.owed()
    assert await store.mails.owed(after=all_of_them[0].id) == all_of_them[1:]


@pytest.mark.parametrize(
    ("after", "changed", "count"),
    [
        (AfterVmNotify.NO, [False, False], (1, 0)),
        (AfterVmNotify.MARK_AS_READ, [True, False], (0, 1)),
        (AfterVmNotify.DELETE, [True, False], (0, 0)),
    ],
)
async def test_what_is_settled_is_owed_no_more_and_changes_the_mailbox_once(
    store: Store, keen: list[Extension], after: AfterVmNotify, changed: list[bool], count: tuple[int, int]
) -> None:
    await store.messages.deliver("r1", [keen[0].mailbox, keen[1].mailbox], LEFT, mail=True)
    mail, other = await store.mails.owed()
    assert [await store.mails.settle(mail, after) for _ in range(2)] == changed
    assert await store.mails.owed() == [other]
    assert await store.messages.count(keen[0].mailbox) == MessageCount(*count)
    assert await store.messages.count(keen[1].mailbox) == MessageCount(1, 0)
