"""The keeper of records: no call waits for the store, and what the store refuses is not lost."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ringdove.calls.records import AT_ONCE, GATHERING, Pace, Records
from ringdove.model.story import Disposition, Party, Story
from ringdove.store import Store
from ringdove.store.calls import CallFilter, Calls, Entry
from support.phones import until

NODE = "here"
QUICK = Pace(0.01, 0.02)


def story(call_id: str, **fields: object) -> Story:
    plain = {"id": call_id, "started_at": 1000.0, "caller": Party(id=1, number="1001"), "dialled": "6300"}
    return Story.from_data(plain | fields)


def ended(call_id: str) -> Story:
    return story(call_id, ended_at=5.0, disposition=Disposition.NO_ANSWER)


class Troubled(Calls):
    """The real thing, on a disk that can be full, or slow. It takes none where one is `broken`, which it notes.

    `saved` are calls with whether they were over, `batches` the same as they were written together.
    """

    def __init__(self, calls: Calls) -> None:
        super().__init__(calls._database)
        self.broken: Callable[[str], bool] = lambda _: False
        self.gate = asyncio.Event()
        self.gate.set()
        self.refused: list[str] = []
        self.batches: list[list[tuple[str, bool]]] = []
        self.new: list[set[int]] = []

    @property
    def saved(self) -> list[tuple[str, bool]]:
        return [each for batch in self.batches for each in batch]

    async def save(self, entries: Sequence[Entry]) -> None:
        await self.gate.wait()
        if refused := [entry.story.id for entry in entries if self.broken(entry.story.id)]:
            self.refused += refused
            raise OSError("the disk is full")
        await super().save(entries)
        self.batches.append([(entry.story.id, entry.node is None) for entry in entries])
        self.new += [{role.ref.id for role in entry.new or ()} for entry in entries]


@pytest.fixture
async def calls(tmp_path: Path) -> AsyncIterator[Troubled]:
    store = await Store.open(f"sqlite:///{tmp_path / 'ringdove.db'}")
    yield Troubled(store.calls)
    await store.close()


async def test_a_call_is_written_when_it_begins_and_when_it_ends(calls: Troubled) -> None:
    records = Records(calls, NODE, QUICK)
    told = story("a")
    with records.record(told):
        await until(lambda: calls.saved == [("a", False)], "the store was not asked")
        told.ended_at = 5.0
    await until(lambda: calls.saved == [("a", False), ("a", True)], "the store was not asked")
    assert await calls.get("a") == told
    await records.close()


async def test_what_the_store_refuses_is_tried_until_it_is_written(calls: Troubled) -> None:
    records = Records(calls, NODE, QUICK)
    calls.broken = lambda _: True
    with capture_logs() as logs:
        records.finish(ended("a"))
        await until(lambda: len(calls.refused) >= 3, "the store was not asked")
    assert [(line["event"], line["call"]) for line in logs] == [("record_waits", "a")], "told once"
    assert [s.id for s in records.unwritten()] == ["a"]
    calls.broken = lambda _: False
    await until(lambda: not records.unwritten(), "the store was not asked")
    assert await calls.get("a") == ended("a")
    await records.close()


async def test_a_beginning_is_never_written_after_the_end(calls: Troubled) -> None:
    records = Records(calls, NODE, QUICK)
    calls.broken = lambda _: True
    records.save(story("a"))
    await until(lambda: len(calls.refused) >= 2, "the store was not asked")
    assert records.unwritten() == [], "a call that runs is told by the call"
    calls.gate.clear()  # the beginning is on its way to the store when the end comes
    records.save(story("b"))
    await asyncio.sleep(0)
    records.finish(ended("a"))
    records.finish(ended("b"))
    calls.broken = lambda _: False
    calls.gate.set()
    await records.close()
    assert [saved for saved in calls.saved if saved[0] == "a"] == [("a", True)]
    assert [saved for saved in calls.saved if saved[0] == "b"][-1] == ("b", True)
    assert await calls.close_open(NODE, "a crash") == 0


async def test_the_begin_that_is_written_tells_the_call_as_it_was(calls: Troubled) -> None:
    records = Records(calls, NODE, QUICK)
    told = story("a")
    records.save(told)
    told.ended_at = 5.0
    await until(lambda: calls.saved == [("a", False)], "the store was not asked")
    assert await calls.get("a") == story("a")
    await records.close()


async def test_one_record_that_cannot_be_written_holds_up_no_other(calls: Troubled) -> None:
    records = Records(calls, NODE, Pace(30.0, 30.0))
    calls.broken = lambda call_id: call_id == "bad"
    records.finish(ended("bad"))
    await until(lambda: calls.refused == ["bad"], "the store was not asked")
    for name in ("a", "b", "c"):
        records.finish(ended(name))
    await until(lambda: [call_id for call_id, _ in calls.saved] == ["a", "b", "c"], "the store was not asked")
    assert [s.id for s in records.unwritten()] == ["bad"]
    await records.close(patience=0.05)


async def test_the_end_waits_for_what_is_not_written_yet(calls: Troubled) -> None:
    records = Records(calls, NODE, Pace(0.01, 30.0))
    calls.broken = lambda call_id: calls.refused.count(call_id) < 4
    for name in ("a", "b", "c"):
        records.save(story(name))
        records.finish(ended(name))
    await records.close(patience=3.0)
    assert {name for name, is_over in calls.saved if is_over} == {"a", "b", "c"}
    assert records.unwritten() == []


async def test_the_end_tries_often_however_long_the_store_was_away(calls: Troubled) -> None:
    records = Records(calls, NODE, Pace(0.01, 30.0))
    calls.broken = lambda _: len(calls.refused) < 9
    records.finish(ended("a"))
    await until(lambda: len(calls.refused) == 6, "the store was not asked")  # the next pause is over 0.3 s
    await records.close(patience=0.3)
    assert calls.saved == [("a", True)]


async def test_the_end_does_not_wait_for_ever_and_the_log_gets_the_rest(calls: Troubled) -> None:
    records = Records(calls, NODE, QUICK)
    calls.gate.clear()
    records.save(story("running"))
    records.finish(ended("over"))
    with capture_logs() as logs:
        await records.close(patience=0.02)
    lost = [line for line in logs if line["event"] == "record_not_written"]
    assert [Story.from_data(json.loads(line["record"])) for line in lost] == [ended("over")]
    assert records.unwritten() == []


async def test_only_so_many_wait_and_the_oldest_goes_to_the_log(calls: Troubled) -> None:
    records = Records(calls, NODE, QUICK, most=3)
    calls.gate.clear()
    with capture_logs() as logs:
        for number in range(5):
            records.finish(ended(str(number)))
    assert [line["call"] for line in logs] == ["0", "1"]
    calls.gate.set()
    await records.close()
    assert [call_id for call_id, _ in calls.saved] == ["2", "3", "4"]


async def test_a_keeper_that_kept_nothing_closes(calls: Troubled) -> None:
    await Records(calls, NODE).close()
    assert calls.saved == []


async def test_calls_of_one_moment_are_written_together(calls: Troubled) -> None:
    records = Records(calls, NODE, QUICK)
    records.save(story("a"))
    records.finish(ended("b"))
    await asyncio.sleep(GATHERING / 3)
    records.save(story("c"))
    await until(lambda: bool(calls.batches), "the store was not asked")
    assert calls.batches == [[("a", False), ("b", True), ("c", False)]]
    await records.close()


async def test_more_gathers_where_something_was_written_a_moment_ago(
    calls: Troubled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringdove.calls.records.APART", 1.0)
    records = Records(calls, NODE, QUICK)
    records.finish(ended("a"))
    await until(lambda: bool(calls.batches), "the store was not asked")
    records.finish(ended("b"))
    await asyncio.sleep(2 * GATHERING)
    records.finish(ended("c"))
    await until(lambda: len(calls.saved) == 3, "the store was not asked")
    assert calls.batches == [[("a", True)], [("b", True), ("c", True)]]
    await records.close()


async def test_a_call_that_ends_at_once_is_written_once(calls: Troubled) -> None:
    records = Records(calls, NODE, QUICK)
    told = story("a")
    records.save(told)
    told.answered_at = 0.001
    records.save(told)
    told.ended_at = 0.002
    records.finish(told)
    await until(lambda: not records.waiting, "the store was not asked")
    assert calls.batches == [[("a", True)]]
    assert await calls.get("a") == told
    await records.close()


async def test_a_running_call_is_told_as_it_is_when_it_is_written(calls: Troubled) -> None:
    records = Records(calls, NODE, QUICK)
    told = story("a")
    records.save(told)
    told.answered_at = 0.001
    await until(lambda: calls.saved == [("a", False)], "the store was not asked")
    assert await calls.get("a") == story("a", answered_at=0.001)
    await records.close()


async def test_those_who_take_part_are_written_once_and_again_with_what_it_was_for_them(calls: Troubled) -> None:
    records = Records(calls, NODE, QUICK)
    told = story("a")
    with records.record(told):
        await until(lambda: not records.waiting, "the store was not asked")
        told.answered_by = Party(id=2, number="1002")
        records.save(told)
        await until(lambda: not records.waiting, "the store was not asked")
        told.ended_at = 5.0
    await until(lambda: not records.waiting, "the store was not asked")
    assert calls.new == [{1}, {1, 2}, set()]
    for person in (1, 2):
        assert (await calls.page(CallFilter(extension_id=person)))[1] == [told]
    assert records._told == {}
    await records.close()


async def test_so_many_and_no_more_are_told_at_once(calls: Troubled) -> None:
    records = Records(calls, NODE, QUICK)
    for number in range(2 * AT_ONCE + 1):
        records.finish(ended(str(number)))
    await records.close()
    assert [len(batch) for batch in calls.batches] == [AT_ONCE, AT_ONCE, 1]


async def test_a_bad_record_among_many_is_found_and_the_others_are_written(calls: Troubled) -> None:
    records = Records(calls, NODE, QUICK)
    calls.broken = lambda call_id: call_id == "7"
    for number in range(20):
        records.finish(ended(str(number)))
    await until(lambda: records.waiting == 1, "the good ones are not written")
    assert [s.id for s in records.unwritten()] == ["7"]
    assert sorted(int(call_id) for call_id, _ in calls.saved) == [n for n in range(20) if n != 7]
    calls.broken = lambda _: False
    await until(lambda: records.waiting == 0, "the last one is not written")
    await records.close()


async def test_after_a_failure_what_waited_is_soon_written_together_again(calls: Troubled) -> None:
    records = Records(calls, NODE, QUICK)
    calls.broken = lambda _: True
    for number in range(AT_ONCE):
        records.finish(ended(str(number)))
    await until(lambda: bool(calls.refused), "the store was not asked")
    calls.broken = lambda _: False
    await until(lambda: records.waiting == 0, "they are not written")
    assert [len(batch) for batch in calls.batches] == [1, 2, 4, 8, 16, 32, 37]
    await records.close()
