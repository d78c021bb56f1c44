"""Messages, greetings, group voicemails and the switches of the whole system."""

import asyncio
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from ringdove.media.codecs import FRAME_BYTES, FRAME_SECONDS, SOUND_FORMATS
from ringdove.model.audio import Prompt
from ringdove.model.destination import Destination
from ringdove.model.extension import Extension
from ringdove.model.extension_group import ExtensionGroup
from ringdove.model.options import Options
from ringdove.model.reference import AudioRef, DestinationKind, Dialable, ObjectKind, Ref
from ringdove.model.ring_group import RingGroup
from ringdove.model.voicemail import (
    PLAYED_OCTETS,
    Greeting,
    Mailbox,
    MailboxKind,
    MailboxUsage,
    MessageCount,
    NewMessage,
    VmGroup,
    VmMode,
)
from ringdove.ring.plan import Strategy
from ringdove.store import BrokenReference, Clash, Duplicate, InUse, Listing, Store, Usage, migrate

EVERYBODY = Ref(ObjectKind.EXT_GROUP, 1)


def left(caller: str = "2001", **changes: object) -> NewMessage:
    fields = {"caller_number": caller, "time": 1e9, "seconds": 2, "digest": "a" * 64, "size": 32_044, "call_id": "c"}
    return NewMessage.model_validate(fields | changes)


def recorded(mailbox: Mailbox, file: str = "hello.wav", **changes: object) -> Greeting:
    fields = {"mailbox": mailbox, "file": file, "digest": "b" * 64, "seconds": 1, "size": 16_044, "uploaded_at": 1e9}
    return Greeting.model_validate(fields | changes)


def group(*members: Ref, number: str = "6400", **changes: object) -> VmGroup:
    return VmGroup.model_validate({"number": number, "name": "Sales", "members": members} | changes)


def person(extension: Extension) -> Ref:
    return Ref(ObjectKind.EXTENSION, extension.id)


def ring_group(dest: DestinationKind, value: int, number: str = "6300") -> RingGroup:
    destination = Destination(kind=dest, value=str(value))
    return RingGroup(
        number=number, name="Sales", ring_strategy=Strategy.RING_ALL, ring_timeout=20, fail_dest=destination
    )


async def test_a_recording_is_in_each_mailbox_once_however_often_it_is_delivered(
    store: Store, people: list[Extension]
) -> None:
    first, second, third = (extension.mailbox for extension in people[:3])
    one = await store.messages.deliver("r1", [first, second, first], left())
    assert [(message.mailbox, message.read, message.recording) for message in one] == [
        (first, False, "r1"),
        (second, False, "r1"),
    ]
    again = await store.messages.deliver("r1", [first, second, third], left())
    assert [message.mailbox for message in again] == [third]
    assert await store.messages.deliver("r1", [first, second, third], left()) == []
    assert await store.messages.get(one[0].id) == one[0]
    assert await store.messages.many([again[0].id, 99, one[1].id]) == [again[0], one[1]]


async def test_two_deliveries_at_once_leave_one_message(store: Store, people: list[Extension]) -> None:
    made = await asyncio.gather(*(store.messages.deliver("r1", [people[0].mailbox], left()) for _ in range(8)))
    assert sum(map(len, made)) == 1


async def test_nothing_is_delivered_where_the_owner_is_gone(store: Store, people: list[Extension]) -> None:
    gone, nobody = people[0], Mailbox(MailboxKind.GROUP, 7)
    await store.extensions.delete(gone.id)
    made = await store.messages.deliver("r1", [gone.mailbox, nobody, people[1].mailbox], left())
    assert [message.mailbox for message in made] == [people[1].mailbox]


async def test_messages_are_marked_counted_and_deleted(store: Store, people: list[Extension]) -> None:
    mine, other = people[0].mailbox, people[1].mailbox
    made = [(await store.messages.deliver(f"r{i}", [mine, other], left()))[0] for i in range(3)]
    assert await store.messages.count(mine) == MessageCount(new=3, old=0)
    heard = await store.messages.mark(made[0].id, True)
    assert heard == made[0].model_copy(update={"read": True})
    assert await store.messages.count(mine) == MessageCount(new=2, old=1)
    assert await store.messages.count(other) == MessageCount(new=3, old=0)
    assert await store.messages.delete(made[1].id) == [made[1]]
    assert await store.messages.delete(made[1].id) == []
    assert await store.messages.mark(made[1].id, True) is None
    await store.messages.mark(made[0].id, False)
    counts = {mine: MessageCount(2, 0), other: MessageCount(3, 0), people[2].mailbox: MessageCount(0, 0)}
    assert await store.messages.counts(counts) == counts


async def test_a_mailbox_is_paged_sorted_searched_and_narrowed(store: Store, people: list[Extension]) -> None:
    mine = people[0].mailbox
    for at, caller in ((3, "100"), (1, "200"), (2, "300")):
        await store.messages.deliver(f"r{at}", [mine], left(caller, time=at, caller_name=f"N{caller}"))
        await store.messages.deliver(f"other {at}", [people[1].mailbox], left("999"))

    async def callers(listing: Listing, read: bool | None = None) -> tuple[int, list[str]]:
        total, found = await store.messages.page(mine, listing, read=read)
        return total, [message.caller_number for message in found]

    assert await callers(Listing(sort_by="time")) == (3, ["200", "300", "100"])
    assert await callers(Listing(sort_by="time", descending=True, limit=2)) == (3, ["100", "300"])
    assert await callers(Listing(search="n3")) == (1, ["300"])
    _, (newest, *_) = await store.messages.page(mine, Listing())
    await store.messages.mark(newest.id, True)
    assert await callers(Listing(), True) == (1, ["100"])
    assert await callers(Listing(), False) == (2, ["200", "300"])


def test_what_is_played_takes_as_much_as_the_usage_says() -> None:
    assert len(SOUND_FORMATS) * FRAME_BYTES / FRAME_SECONDS == PLAYED_OCTETS


async def test_usage_is_what_lies_on_disk(store: Store, people: list[Extension]) -> None:
    mine, other = people[0].mailbox, people[1].mailbox
    assert await store.messages.usage_in_total() == MailboxUsage(0, 0)
    await store.messages.deliver("r1", [mine, other], left(seconds=2, size=32_044))
    await store.messages.deliver("r2", [mine], left(seconds=0.5, size=8_044, digest="b" * 64))
    first, second = 32_044 + 2 * PLAYED_OCTETS, 8_044 + PLAYED_OCTETS // 2
    assert await store.messages.usage_in_total() == MailboxUsage(3, first + second)


async def test_what_messages_and_greetings_name_is_in_use(store: Store, people: list[Extension]) -> None:
    mine = people[0].mailbox
    assert not await store.sounds.uses("a" * 64)
    (message,) = await store.messages.deliver("r1", [mine], left())
    greeting, _ = await store.greetings.save(recorded(mine))
    await store.prompts.save(Prompt(file="p.wav", digest="c" * 64, seconds=1, size=1))
    assert await store.sounds.digests() == {letter * 64 for letter in "abc"}
    assert [await store.sounds.uses(letter * 64) for letter in "abcd"] == [True, True, True, False]
    await store.messages.delete(message.id)
    await store.greetings.delete(greeting.id)
    assert [await store.sounds.uses(letter * 64) for letter in "abc"] == [False, False, True]


async def test_messages_do_not_make_the_memory_of_settings_forget(store: Store, people: list[Extension]) -> None:
    known = store._database.memory.known
    (message,) = await store.messages.deliver("r1", [people[0].mailbox], left())
    await store.messages.mark(message.id, True)
    await store.messages.delete(message.id)
    assert store._database.memory.known is known


async def test_greetings_are_kept_by_mailbox_and_name(store: Store, people: list[Extension]) -> None:
    mine, other = people[0].mailbox, people[1].mailbox
    saved, before = await store.greetings.save(recorded(mine))
    assert before is None
    await store.greetings.save(recorded(other))
    replaced, before = await store.greetings.save(recorded(mine, digest="d" * 64))
    assert (replaced.id, before) == (saved.id, saved)
    assert await store.greetings.get(saved.id) == replaced
    assert await store.greetings.of(mine) == (replaced,)
    assert await store.greetings.page(mine, Listing()) == (1, [replaced])
    assert await store.greetings.chosen(mine, "hello.wav") == replaced
    assert await store.greetings.chosen(mine, "follow_system") is None
    with pytest.raises(BrokenReference):
        await store.greetings.save(recorded(Mailbox(MailboxKind.GROUP, 1)))


async def test_only_a_greeting_that_is_there_is_chosen_and_a_chosen_one_stays(
    store: Store, people: list[Extension]
) -> None:
    owner, other = people[:2]

    def choose(extension: Extension) -> Extension:
        return extension.model_copy(update={"vm_greeting": "hello.wav"})

    await store.greetings.save(recorded(other.mailbox))
    with pytest.raises(BrokenReference) as refused:
        await store.extensions.update(owner.id, choose)
    assert refused.value.missing == {AudioRef(ObjectKind.GREETING, "hello.wav")}
    greeting, _ = await store.greetings.save(recorded(owner.mailbox))
    await store.extensions.update(owner.id, choose)
    with pytest.raises(InUse) as used:
        await store.greetings.delete(greeting.id)
    assert used.value.users == (Usage(owner.id, "1001", "P1", "vm_greeting", ObjectKind.EXTENSION),)
    with pytest.raises(BrokenReference):
        await store.extensions.create(Extension(number="1009", vm_greeting="hello.wav"))
    await store.extensions.update(owner.id, lambda e: e.model_copy(update={"vm_greeting": "follow_system"}))
    assert await store.greetings.delete(greeting.id) == greeting
    assert await store.greetings.delete(greeting.id) is None


async def test_a_group_is_created_changed_found_and_deleted(store: Store, people: list[Extension]) -> None:
    members = (person(people[1]), EVERYBODY, person(people[0]))
    saved = await store.vm_groups.create(group(*members, enb_vm_pin=True, vm_pin="1234", mode=VmMode.BROADCAST))
    assert await store.vm_groups.get(saved.id) == saved
    assert await store.numbers.find("6400") == Dialable(DestinationKind.GROUP_VM, saved.id)
    assert await store.vm_groups.page(Listing(search="sal")) == (1, [saved])
    changed = await store.vm_groups.update(
        saved.id, lambda g: g.model_copy(update={"id": 9, "number": "1", "name": "X", "members": members[:1]})
    )
    assert changed == saved.model_copy(update={"name": "X", "members": members[:1]})
    assert await store.vm_groups.get(saved.id) == changed
    assert await store.vm_groups.delete(saved.id) == frozenset()
    assert await store.vm_groups.delete(saved.id) is None
    assert await store.vm_groups.update(saved.id, lambda g: g) is None
    assert await store.numbers.find("6400") is None


async def test_a_group_needs_a_free_number_members_that_exist_and_its_own_greeting(
    store: Store, people: list[Extension]
) -> None:
    with pytest.raises(Duplicate) as taken:
        await store.vm_groups.create(group(number="1001"))
    assert taken.value.clashes == (Clash("number", "1001", ObjectKind.EXTENSION, "1001"),)
    stranger = Ref(ObjectKind.EXT_GROUP, 99)
    with pytest.raises(BrokenReference) as gone:
        await store.vm_groups.create(group(stranger))
    assert gone.value.missing == {stranger}
    saved = await store.vm_groups.create(group())
    with pytest.raises(Duplicate) as taken:
        await store.extensions.create(Extension(number="6400"))
    assert taken.value.clashes == (Clash("number", "6400", ObjectKind.GROUP_VM, "6400"),)
    await store.greetings.save(recorded(people[0].mailbox))
    with pytest.raises(BrokenReference):
        await store.vm_groups.update(saved.id, lambda g: g.model_copy(update={"vm_greeting": "hello.wav"}))
    greeting, _ = await store.greetings.save(recorded(saved.mailbox))
    await store.vm_groups.update(saved.id, lambda g: g.model_copy(update={"vm_greeting": "hello.wav"}))
    with pytest.raises(InUse) as used:
        await store.greetings.delete(greeting.id)
    assert used.value.users == (Usage(saved.id, "6400", "Sales", "vm_greeting", ObjectKind.GROUP_VM),)


async def test_a_message_goes_to_the_shared_mailbox_or_once_to_every_member(
    store: Store, people: list[Extension]
) -> None:
    some = await store.extension_groups.create(ExtensionGroup(name="g", members=(people[2].id, people[0].id)))
    ref = Ref(ObjectKind.EXT_GROUP, some.id)
    shared = await store.vm_groups.create(group(person(people[0]), ref))
    assert await store.vm_groups.mailboxes(shared) == [shared.mailbox] == [Mailbox(MailboxKind.GROUP, shared.id)]
    spread = await store.vm_groups.create(
        group(person(people[0]), ref, person(people[1]), number="6401", mode=VmMode.BROADCAST)
    )
    assert await store.vm_groups.mailboxes(spread) == [people[i].mailbox for i in (0, 2, 1)]
    everybody = await store.vm_groups.create(group(EVERYBODY, number="6402", mode=VmMode.BROADCAST))
    assert await store.vm_groups.mailboxes(everybody) == [one.mailbox for one in people]
    newcomer = await store.extensions.create(Extension(number="1006"))
    assert await store.vm_groups.mailboxes(everybody) == [one.mailbox for one in (*people, newcomer)]
    assert await store.vm_groups.people(99) == ()


async def test_who_shares_a_mailbox_is_found_however_they_came_in(store: Store, people: list[Extension]) -> None:
    direct = await store.vm_groups.create(group(person(people[0])))
    some = await store.extension_groups.create(ExtensionGroup(name="g", members=(people[0].id, people[1].id)))
    by_group = await store.vm_groups.create(group(Ref(ObjectKind.EXT_GROUP, some.id), person(people[0]), number="6401"))
    with_all = await store.vm_groups.create(group(EVERYBODY, number="6402"))
    await store.vm_groups.create(group(EVERYBODY, number="6403", mode=VmMode.BROADCAST))
    assert await store.vm_groups.of_member(people[0].id) == (direct, by_group, with_all)
    assert await store.vm_groups.of_member(people[1].id) == (by_group, with_all)
    assert await store.vm_groups.of_member(people[2].id) == (with_all,)
    await store.extension_groups.delete(some.id)
    assert await store.vm_groups.of_member(people[1].id) == (with_all,)


async def test_a_mailbox_goes_with_its_owner(store: Store, people: list[Extension]) -> None:
    gone, stays = people[:2]
    shared = await store.vm_groups.create(group(person(gone)))
    await store.messages.deliver("r1", [gone.mailbox, stays.mailbox, shared.mailbox], left())
    await store.greetings.save(recorded(gone.mailbox))
    assert await store.extensions.delete(gone.id) == frozenset({"a" * 64, "b" * 64})
    assert await store.sounds.digests() == {"a" * 64}
    assert await store.messages.count(gone.mailbox) == MessageCount(0, 0)
    left_over = await store.vm_groups.get(shared.id)
    assert left_over == shared.model_copy(update={"members": ()})
    assert await store.vm_groups.delete(shared.id) == frozenset({"a" * 64})
    assert await store.messages.usage_in_total() == MailboxUsage(1, 32_044 + 2 * PLAYED_OCTETS)


@pytest.mark.parametrize("dest", [DestinationKind.EXT_VM, DestinationKind.GROUP_VM])
async def test_what_is_still_a_destination_is_not_deleted(
    store: Store, people: list[Extension], dest: DestinationKind
) -> None:
    shared = await store.vm_groups.create(group(person(people[0])))
    await store.messages.deliver("r1", [people[0].mailbox, shared.mailbox], left())
    target = people[0].id if dest is DestinationKind.EXT_VM else shared.id
    with pytest.raises(BrokenReference):
        await store.ring_groups.create(ring_group(dest, 99))
    user = await store.ring_groups.create(ring_group(dest, target))
    part = store.extensions if dest is DestinationKind.EXT_VM else store.vm_groups
    with pytest.raises(InUse) as used:
        await part.delete(target)
    assert used.value.users == (Usage(user.id, "6300", "Sales", "fail_dest"),)
    assert await store.messages.count(people[0].mailbox) == MessageCount(1, 0)
    await store.ring_groups.delete(user.id)
    assert await part.delete(target) == frozenset({"a" * 64})


async def test_switches_are_off_until_they_are_set_and_outlive_a_restart(url: str) -> None:
    store = await Store.open(url)
    assert await store.options.get() == Options(enb_transfer_to_voicemail=False)
    await store.options.update(lambda o: o.model_copy(update={"enb_transfer_to_voicemail": True}))
    assert await store.options.get() == Options(enb_transfer_to_voicemail=True)
    await store.close()
    store = await Store.open(url)
    assert await store.options.get() == Options(enb_transfer_to_voicemail=True)
    await store.close()


async def test_messages_and_greetings_outlive_a_restart(url: str) -> None:
    store = await Store.open(url)
    owner = await store.extensions.create(Extension(number="1001", enb_vm=True, enb_vm_pin=True, vm_pin="123"))
    (message,) = await store.messages.deliver("r1", [owner.mailbox], left())
    greeting, _ = await store.greetings.save(recorded(owner.mailbox))
    await store.close()
    store = await Store.open(url)
    assert await store.extensions.get(owner.id) == owner
    assert await store.messages.get(message.id) == message
    assert await store.greetings.of(owner.mailbox) == (greeting,)
    assert await store.messages.deliver("r1", [owner.mailbox], left()) == []
    await store.close()


async def test_extensions_of_the_second_release_stay_and_have_a_mailbox(url: str, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'ringdove.db'}")
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with engine.begin() as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, "0002")
        conn.execute(
            text(
                "INSERT INTO extension VALUES (3071, '1001', 'Ann', '', 'Ann', '1001', NULL, NULL, '1001',"
                " 'k8Jd72hDjs', NULL, 3, 'lunch', 1, 1, 30)"
            )
        )
        conn.execute(text("INSERT INTO number_plan VALUES ('1001', 'extension', 3071)"))
        conn.execute(text("INSERT INTO extension_group_member VALUES (1, 3071, 0)"))
    engine.dispose()
    store = await Store.open(url)
    found = await store.extensions.get(3071)
    assert found == Extension(
        id=3071, number="1001", first_name="Ann", reg_password="k8Jd72hDjs", presence_status="lunch"
    )
    everybody = await store.extension_groups.get(1)
    assert everybody
    assert everybody.members == (3071,)
    assert await store.options.get() == Options()
    assert len(await store.messages.deliver("r1", [found.mailbox], left())) == 1
    await store.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("deliver"), st.integers(0, 4), st.sets(st.integers(0, 2))),
            st.tuples(st.sampled_from(["mark", "unmark", "delete"]), st.integers(0, 12), st.just(set[int]())),
        ),
        max_size=20,
    )
)
async def test_counts_and_usage_are_those_of_a_plain_list(
    store: Store, people: list[Extension], steps: list[tuple[str, int, set[int]]]
) -> None:
    boxes = [extension.mailbox for extension in people[:3]]
    for box in boxes:
        for message in (await store.messages.page(box, Listing()))[1]:
            await store.messages.delete(message.id)
    rows: list[tuple[int, str, Mailbox, bool]] = []
    for step, number, chosen in steps:
        if step == "deliver":
            wanted = [boxes[i] for i in sorted(chosen)]
            content = left(digest=f"{number:064x}", seconds=number, size=number)
            made = await store.messages.deliver(f"r{number}", wanted, content)
            known = {(recording, box) for _, recording, box, _ in rows}
            assert [one.mailbox for one in made] == [box for box in wanted if (f"r{number}", box) not in known]
            rows += [(one.id, one.recording, one.mailbox, False) for one in made]
        elif number < len(rows):
            message_id, recording, box, _ = rows[number]
            if step == "delete":
                await store.messages.delete(message_id)
                del rows[number]
            else:
                await store.messages.mark(message_id, step == "mark")
                rows[number] = (message_id, recording, box, step == "mark")
    for box in boxes:
        mine = [row for row in rows if row[2] == box]
        count = MessageCount(sum(not row[3] for row in mine), sum(row[3] for row in mine))
        assert await store.messages.count(box) == count
    total = sum(int(recording[1:]) * (PLAYED_OCTETS + 1) for recording in {row[1] for row in rows})
    assert await store.messages.usage_in_total() == MailboxUsage(len(rows), total)
