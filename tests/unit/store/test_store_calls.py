"""The records of calls."""

import json
from typing import Any

from ringdove.model.story import Attempt, Disposition, Hop, HopOutcome, Party, Story
from ringdove.store import Store
from ringdove.store.calls import CallFilter, Entry


def story(call_id: str, **fields: object) -> Story:
    plain = {"id": call_id, "started_at": 1000.0, "caller": Party(id=1, number="1001"), "dialled": "6300"}
    return Story.from_data(plain | fields)


def ended(call_id: str, **fields: object) -> Story:
    return story(call_id, **{"ended_at": 5.0, "disposition": Disposition.NO_ANSWER} | fields)


async def ids(store: Store, **wanted: Any) -> list[str]:
    total, found = await store.calls.page(CallFilter(**wanted))
    assert total == len(found)
    return [s.id for s in found]


async def test_a_call_is_one_record_from_begin_to_finish(store: Store) -> None:
    await store.calls.save([Entry(story("a"), "here")])
    assert await store.calls.get("a") == story("a")
    assert await ids(store) == ["a"]
    await store.calls.save([Entry(ended("a"))])
    await store.calls.save([Entry(ended("a"))])
    assert await store.calls.get("a") == ended("a")
    assert await ids(store) == ["a"]
    assert await store.calls.get("b") is None


async def test_a_call_can_be_entered_when_it_is_over(store: Store) -> None:
    await store.calls.save([Entry(ended("a"))])
    assert await ids(store) == ["a"]


async def test_a_crash_closes_open_calls_as_failed_with_its_reason(store: Store) -> None:
    await store.calls.save([Entry(story("a"), "here")])
    await store.calls.save([Entry(story("b"), "here")])
    await store.calls.save([Entry(ended("b"))])
    assert await store.calls.close_open("here", "the server stopped", now=1060.0) == 1
    assert await store.calls.close_open("here", "again", now=2000.0) == 0
    closed = await store.calls.get("a")
    assert closed
    assert (closed.disposition, closed.reason, closed.ended_at) == (Disposition.FAILED, "the server stopped", 60.0)
    assert await store.calls.get("b") == ended("b")


async def test_a_crash_keeps_what_was_known_of_an_answered_call(store: Store) -> None:
    bob = Party(id=2, number="1002")
    hop = Hop(kind="ring_group", id="8", entered_at=0.0, left_at=4.2, outcome=HopOutcome.ANSWERED)
    known = story("a", answered_at=4.2, answered_by=bob, hops=[hop])
    await store.calls.save([Entry(known, "here")])
    assert await store.calls.close_open("here", "the server stopped", now=1060.123456) == 1
    end = {"ended_at": 60.123, "ended_by": "server", "disposition": "ANSWERED", "reason": "the server stopped"}
    assert await store.calls.get("a") == Story.from_data(json.loads(known.to_json()) | end)


async def test_a_crash_keeps_that_a_call_came_to_voicemail(store: Store) -> None:
    hop = Hop(kind="ext_vm", id="2", entered_at=4.2, outcome=HopOutcome.NO_MESSAGE)
    await store.calls.save([Entry(story("a", final_status=200, hops=[hop]), "here")])
    await store.calls.close_open("here", "the server stopped")
    closed = await store.calls.get("a")
    assert closed
    assert closed.disposition is Disposition.VOICEMAIL


async def test_a_clock_that_was_set_back_over_a_crash_ends_no_call_before_it_began(store: Store) -> None:
    await store.calls.save([Entry(story("a"), "here")])
    assert await store.calls.close_open("here", "the server stopped", now=900.0) == 1
    closed = await store.calls.get("a")
    assert closed
    assert closed.ended_at == 0.0


async def test_a_node_leaves_the_open_calls_of_others_alone(store: Store) -> None:
    await store.calls.save([Entry(story("ours"), "here")])
    await store.calls.save([Entry(story("theirs"), "there")])
    assert await store.calls.close_open("here", "the server stopped") == 1
    assert await store.calls.get("theirs") == story("theirs")


async def test_calls_are_found_by_everything_that_took_part(store: Store) -> None:
    bob, eve = Party(id=2, number="1002"), Party(id=3, number="1003")
    hop = Hop(kind="ring_group", id="8", entered_at=0.0, attempts=[Attempt(member=bob), Attempt(member=eve)])
    await store.calls.save(
        [Entry(ended("a", hops=[hop], answered_by=bob, disposition=Disposition.ANSWERED, started_at=1000.0))]
    )
    await store.calls.save([Entry(ended("b", caller=Party(number="0301234"), dialled="1002", started_at=2000.0))])
    assert await ids(store) == ["b", "a"]
    assert await ids(store, caller="0301234") == ["b"]
    assert await ids(store, dialled="6300") == ["a"]
    assert await ids(store, extension_id=1) == ["a"]
    assert await ids(store, extension_id=3) == ["a"]
    assert await ids(store, extension_id=8) == []
    assert await ids(store, ring_group_id=8) == ["a"]
    assert await ids(store, disposition=Disposition.NO_ANSWER) == ["b"]
    assert await ids(store, since=1000.0, until=2000.0) == ["a"]
    assert await ids(store, since=2000.0) == ["b"]


async def test_memory_and_database_agree_on_what_a_filter_finds(store: Store) -> None:
    hop = Hop(kind="ring_group", id="8", entered_at=0.0, attempts=[Attempt(member=Party(id=2, number="1002"))])
    stories = [ended("a", hops=[hop]), ended("b", dialled="1", started_at=1500.0), ended("c", caller=Party(number="9"))]
    for each in stories:
        await store.calls.save([Entry(each)])
    for wanted in (
        CallFilter(),
        CallFilter(caller="9"),
        CallFilter(dialled="1"),
        CallFilter(extension_id=2),
        CallFilter(ring_group_id=8),
        CallFilter(disposition=Disposition.BUSY),
        CallFilter(since=1500.0),
        CallFilter(until=1500.0),
    ):
        _, found = await store.calls.page(wanted)
        assert {s.id for s in found} == {s.id for s in stories if wanted.matches(s)}


async def test_pages_of_calls_follow_each_other(store: Store) -> None:
    for i in range(5):
        await store.calls.save([Entry(ended(str(i), started_at=1000.0 + i))])
    total, found = await store.calls.page(CallFilter(), offset=1, limit=2)
    assert (total, [s.id for s in found]) == (5, ["3", "2"])
    _, found = await store.calls.page(CallFilter(), offset=1, limit=2, descending=False)
    assert [s.id for s in found] == ["1", "2"]


async def test_a_page_leaves_out_and_does_not_count_what_is_known_better(store: Store) -> None:
    for i in range(5):
        await store.calls.save([Entry(ended(str(i), started_at=1000.0 + i))])
    total, found = await store.calls.page(CallFilter(), without={"1", "4", "99"}, offset=1, limit=2)
    assert (total, [s.id for s in found]) == (3, ["2", "0"])
