"""Ring groups: saved as a whole, loops refused, rosters in few queries."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from ringdove.model.destination import END_CALL, Destination
from ringdove.model.extension import Extension
from ringdove.model.extension_group import ExtensionGroup
from ringdove.model.reference import DestinationKind, Dialable, ObjectKind, Ref
from ringdove.model.ring_group import Entry, MemberRef, MemberType, RingGroup
from ringdove.ring.plan import Strategy
from ringdove.store import BrokenReference, Duplicate, InUse, Listing, Loop, Store, Usage


def ext(extension: Extension | int) -> MemberRef:
    return MemberRef(type=MemberType.EXTENSION, id=extension if isinstance(extension, int) else extension.id)


def grp(group: ExtensionGroup | int) -> MemberRef:
    return MemberRef(type=MemberType.EXT_GROUP, id=group if isinstance(group, int) else group.id)


def to(kind: str, target: RingGroup | Extension) -> Destination:
    return Destination(kind=DestinationKind(kind), value=str(target.id))


def ring_group(number: str = "6300", *members: MemberRef, **fields: Any) -> RingGroup:
    plain = {"name": f"group {number}", "ring_strategy": Strategy.RING_ALL, "ring_timeout": 20, "fail_dest": END_CALL}
    entries = tuple(Entry(members=(member,)) for member in members)
    return RingGroup.model_validate(plain | {"number": number, "member_list": entries} | fields)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect what is sent to the database."""
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.usefixtures("audio")
async def test_a_ring_group_comes_back_as_it_was_saved(store: Store, people: list[Extension]) -> None:
    group = ring_group(
        "6300",
        ring_strategy=Strategy.CUSTOM,
        ring_timeout=None,
        member_list=(
            Entry(members=(ext(people[1]), grp(1), ext(people[0])), delay_time=5, timeout=600),
            Entry(members=(ext(people[0]),), delay_time=0, timeout=0),
        ),
        join_prompt="hello.wav",
        play_full_join_prompt=True,
        welcome_prompt="SoftBreeze",
        moh="Jazz",
        alert_info="a b-c_d",
        client_unique_ringtone="Chime.mp3",
        fail_dest=to("extension", people[2]),
        no_agent_online_dest=Destination(kind=DestinationKind.EXTERNAL_NUM, prefix="", value="0301234"),
        enb_miss_call=True,
    )
    saved = await store.ring_groups.create(group)
    assert saved == group.model_copy(update={"id": saved.id})
    assert await store.ring_groups.get(saved.id) == saved
    assert await store.numbers.find("6300") == Dialable(DestinationKind.RING_GROUP, saved.id)
    changed = await store.ring_groups.update(saved.id, lambda g: ring_group("9", ext(people[4])))
    assert changed
    assert (changed.id, changed.number) == (saved.id, "6300")
    assert await store.ring_groups.get(saved.id) == changed


async def test_one_numbering_plan_for_everything(store: Store, people: list[Extension]) -> None:
    with pytest.raises(Duplicate) as refused:
        await store.ring_groups.create(ring_group("1001", ext(people[0])))
    assert refused.value.clashes[0].source is ObjectKind.EXTENSION
    await store.ring_groups.create(ring_group("6300", ext(people[0])))
    with pytest.raises(Duplicate) as refused:
        await store.extensions.create(Extension(number="6300"))
    assert refused.value.clashes[0].source is ObjectKind.RING_GROUP


async def test_strangers_are_refused_and_nothing_is_half_saved(store: Store, people: list[Extension]) -> None:
    with pytest.raises(BrokenReference) as refused:
        await store.ring_groups.create(ring_group("6300", ext(people[0]), ext(99), grp(98)))
    assert refused.value.missing == {Ref(ObjectKind.EXTENSION, 99), Ref(ObjectKind.EXT_GROUP, 98)}
    assert await store.numbers.find("6300") is None
    assert await store.ring_groups.page(Listing()) == (0, [])


async def test_roster_expands_groups_in_order_and_names_nobody_twice_in_an_entry(
    store: Store, people: list[Extension]
) -> None:
    p1, p2, p3, p4, p5 = people
    pair = await store.extension_groups.create(ExtensionGroup(name="pair", members=(p4.id, p2.id)))
    group = await store.ring_groups.create(
        ring_group(
            "6300",
            ring_strategy=Strategy.CUSTOM,
            ring_timeout=None,
            member_list=(
                Entry(members=(ext(p2), grp(pair), ext(p1), ext(p2)), delay_time=3, timeout=9),
                Entry(members=(ext(p3), grp(1)), delay_time=0, timeout=5),
            ),
        )
    )
    roster = await store.ring_groups.roster(group)
    assert [[person.id for person in entry.members] for entry in roster] == [
        [p2.id, p4.id, p1.id],
        [p3.id, p1.id, p2.id, p4.id, p5.id],
    ]
    assert [(entry.delay_time, entry.timeout) for entry in roster] == [(3, 9), (0, 5)]


async def test_simple_strategies_have_one_entry_for_each_element(store: Store, people: list[Extension]) -> None:
    group = await store.ring_groups.create(ring_group("6300", ext(people[1]), ext(people[0])))
    roster = await store.ring_groups.roster(group)
    assert [[p.number for p in entry.members] for entry in roster] == [["1002"], ["1001"]]
    assert {(entry.delay_time, entry.timeout) for entry in roster} == {(0, 0)}


async def test_a_roster_costs_the_same_queries_however_big_the_group(store: Store, people: list[Extension]) -> None:
    pairs = [
        await store.extension_groups.create(ExtensionGroup(name=f"g{i}", members=(people[i].id,))) for i in range(5)
    ]
    small = await store.ring_groups.create(ring_group("6300", ext(people[0]), grp(pairs[0])))
    big = await store.ring_groups.create(ring_group("6301", *map(ext, people), *map(grp, pairs)))
    with statements() as for_small:
        await store.ring_groups.roster(small)
    with statements() as for_big:
        await store.ring_groups.roster(big)
    assert len(for_big) == len(for_small) <= 4


async def test_deleting_members_empties_entries_away(store: Store, people: list[Extension]) -> None:
    p1, p2, *_ = people
    pair = await store.extension_groups.create(ExtensionGroup(name="pair", members=(p2.id,)))
    custom = await store.ring_groups.create(
        ring_group(
            "6300",
            ring_strategy=Strategy.CUSTOM,
            ring_timeout=None,
            member_list=(
                Entry(members=(ext(p1),), timeout=5),
                Entry(members=(ext(p1), ext(p2)), timeout=6),
                Entry(members=(grp(pair),), timeout=7),
            ),
        )
    )
    simple = await store.ring_groups.create(ring_group("6301", ext(p1)))
    await store.extensions.delete(p1.id)
    await store.extension_groups.delete(pair.id)
    left = await store.ring_groups.get(custom.id)
    assert left
    assert left.member_list == (Entry(members=(ext(p2),), timeout=6),)
    left = await store.ring_groups.get(simple.id)
    assert left
    assert left.member_list == ()
    assert await store.ring_groups.roster(left) == ()
    changed = await store.ring_groups.update(custom.id, lambda g: g.model_copy(update={"name": "new"}))
    assert changed
    assert await store.ring_groups.get(custom.id) == changed


async def test_what_is_still_a_destination_is_not_deleted_and_its_users_are_named(
    store: Store, people: list[Extension]
) -> None:
    p1, p2, *_ = people
    last = await store.ring_groups.create(ring_group("6300", ext(p2)))
    user = await store.ring_groups.create(
        ring_group("6301", ext(p2), fail_dest=to("extension", p1), no_agent_online_dest=to("ring_group", last))
    )
    with pytest.raises(InUse) as refused:
        await store.extensions.delete(p1.id)
    assert refused.value.users == (Usage(user.id, "6301", "group 6301", "fail_dest"),)
    with pytest.raises(InUse) as refused:
        await store.ring_groups.delete(last.id)
    assert refused.value.users == (Usage(user.id, "6301", "group 6301", "no_agent_online_dest"),)
    assert await store.extensions.get(p1.id) == p1
    assert await store.ring_groups.delete(user.id)
    assert not await store.ring_groups.delete(user.id)
    assert await store.extensions.delete(p1.id) is not None
    assert await store.ring_groups.delete(last.id)
    assert await store.numbers.find("6300") is None


@pytest.mark.parametrize("field", ["fail_dest", "no_agent_online_dest"])
@pytest.mark.parametrize("length", [1, 2, 4])
async def test_R12_a_ring_group_that_reaches_itself_is_refused(
    store: Store, people: list[Extension], field: str, length: int
) -> None:
    chain = [await store.ring_groups.create(ring_group("6300", ext(people[0])))]
    for i in range(1, length):
        chain.append(
            await store.ring_groups.create(
                ring_group(f"630{i}", ext(people[0]), **{field: to("ring_group", chain[-1])})
            )
        )
    back = {field: to("ring_group", chain[-1])}
    with pytest.raises(Loop) as refused:
        await store.ring_groups.update(chain[0].id, lambda g: g.model_copy(update=back))
    assert refused.value.fields == (field,)
    assert await store.ring_groups.get(chain[0].id) == chain[0]


async def test_R12_two_ways_to_the_same_group_are_no_loop(store: Store, people: list[Extension]) -> None:
    end = await store.ring_groups.create(ring_group("6300", ext(people[0])))
    both = {"fail_dest": to("ring_group", end), "no_agent_online_dest": to("ring_group", end)}
    first = await store.ring_groups.create(ring_group("6301", ext(people[0]), **both))
    assert await store.ring_groups.update(first.id, lambda g: g)


async def test_search_finds_number_name_and_strategy(store: Store, people: list[Extension]) -> None:
    await store.ring_groups.create(ring_group("6300", ext(people[0])))
    await store.ring_groups.create(ring_group("6301", ext(people[0]), ring_strategy=Strategy.SEQUENTIALLY))
    for search, expected in (("RING_ALL", ["6300"]), ("6301", ["6301"]), ("GROUP", ["6300", "6301"]), ("x", [])):
        total, found = await store.ring_groups.page(Listing(search=search))
        assert (total, [group.number for group in found]) == (len(expected), expected)
