"""What the lamp of a phone shows: its mailbox, and those that it shares (RFC 3842)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringdove.events.types import MailboxChanged
from ringdove.model.extension import Extension
from ringdove.model.extension_group import ExtensionGroup
from ringdove.model.reference import ObjectKind, Ref
from ringdove.model.voicemail import Mailbox, MailboxKind, MessageCount, NewMessage, VmGroup, VmMode
from ringdove.notifier import MessageSummary
from ringdove.notifier.package import Topic
from ringdove.sip.uri import Uri
from ringdove.store import Store

HERE = Uri.parse("sip:192.0.2.1:5080;transport=tcp")


class Office:
    """Three people; Sales is shared by the first two, one of them by way of a group; News is a broadcast to all."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.summary = MessageSummary(store, "*2")
        self.recordings = 0

    async def fill(self) -> None:
        create = self.store.extensions.create
        self.alice, self.bob, self.carol = [await create(Extension(number=str(n))) for n in (2001, 2002, 2003)]
        team = await self.store.extension_groups.create(ExtensionGroup(name="Team", members=(self.bob.id,)))
        members = (Ref(ObjectKind.EXTENSION, self.alice.id), Ref(ObjectKind.EXT_GROUP, team.id))
        self.sales = await self.store.vm_groups.create(VmGroup(number="6500", name="Sales", members=members))
        everybody = tuple(Ref(ObjectKind.EXTENSION, who.id) for who in (self.alice, self.bob, self.carol))
        self.news = await self.store.vm_groups.create(
            VmGroup(number="6501", name="News", mode=VmMode.BROADCAST, members=everybody)
        )

    async def leave(self, mailbox: Mailbox, *, new: int = 0, old: int = 0) -> None:
        for number in range(new + old):
            self.recordings += 1
            message = NewMessage(caller_number="1", time=0, seconds=1, digest="0" * 64, size=1)
            (made,) = await self.store.messages.deliver(str(self.recordings), [mailbox], message)
            if number < old:
                await self.store.messages.mark(made.id, read=True)

    async def shown(self, who: Extension, user: str = "") -> MessageCount | None:
        topic = await self.summary.topic(who, user)
        return None if topic is None else await self.summary.state(topic)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    store = await Store.open(f"sqlite:///{tmp_path / 'ringdove.db'}")
    office = Office(store)
    await office.fill()
    yield office
    await store.close()


def box(who: Extension) -> Mailbox:
    return Mailbox(MailboxKind.EXTENSION, who.id)


async def test_a_phone_shows_its_own_messages_and_those_that_it_shares_in_one_sum(office: Office) -> None:
    await office.leave(box(office.alice), new=2, old=1)
    await office.leave(office.sales.mailbox, new=3, old=4)
    await office.leave(office.news.mailbox, new=9)
    assert await office.shown(office.alice) == MessageCount(5, 5)
    assert await office.shown(office.bob) == MessageCount(3, 4)
    assert await office.shown(office.carol) == MessageCount(0, 0)


async def test_a_shared_mailbox_can_be_watched_alone_by_those_who_share_it(office: Office) -> None:
    await office.leave(box(office.bob), new=2)
    await office.leave(office.sales.mailbox, new=3)
    assert await office.shown(office.bob, "6500") == MessageCount(3, 0)
    assert await office.shown(office.carol, "6500") is None
    assert await office.shown(office.bob, "6501") is None, "a broadcast keeps nothing"


async def test_ones_own_mailbox_has_many_names_and_nobody_elses_has_any(office: Office) -> None:
    alice = office.alice
    for user in ("", "2001", alice.reg_name, "*2"):
        assert await office.summary.topic(alice, user) == Topic("message-summary", box(alice))
    for user in ("2002", "9999", "*02", "2001 "):
        assert await office.summary.topic(alice, user) is None


async def test_what_changes_in_a_shared_mailbox_concerns_all_who_share_it(office: Office) -> None:
    own = Topic("message-summary", box(office.carol))
    assert await office.summary.touched(MailboxChanged(box(office.carol))) == [own]
    assert await office.summary.touched(MailboxChanged(office.sales.mailbox)) == [
        Topic("message-summary", mailbox) for mailbox in (office.sales.mailbox, box(office.alice), box(office.bob))
    ]


@pytest.mark.parametrize(
    ("count", "waiting"), [(MessageCount(0, 0), "no"), (MessageCount(0, 3), "no"), (MessageCount(2, 8), "yes")]
)
async def test_the_body_is_as_the_RFC_has_it(office: Office, count: MessageCount, waiting: str) -> None:
    assert office.summary.body(count, HERE).decode() == (
        f"Messages-Waiting: {waiting}\r\n"
        "Message-Account: sip:*2@192.0.2.1:5080;transport=tcp\r\n"
        f"Voice-Message: {count.new}/{count.old} (0/0)\r\n"
    )


async def test_only_an_extensions_own_mailbox_is_told_without_being_asked_for(office: Office) -> None:
    own = office.summary.own(office.alice.id)
    assert office.summary.audience(own) == office.alice.id
    assert office.summary.audience(Topic("message-summary", office.sales.mailbox)) is None
    assert office.summary.is_worth_telling(MessageCount(0, 1))
    assert not office.summary.is_worth_telling(MessageCount(0, 0))
