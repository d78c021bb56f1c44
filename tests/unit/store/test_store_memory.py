"""What is remembered of the settings: never longer than they are true, never more than agreed, never what is not."""

import asyncio
from functools import partial
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import select

from ringdove.model.extension import Extension
from ringdove.model.ring_group import RingGroup
from ringdove.store import Store
from ringdove.store.database import Database
from ringdove.store.memory import Memory, remembered, remembered_by
from ringdove.store.tables import extension


class Shelf:
    """A part of a store that reads as slowly as a test wants; `asked` is what it had to read."""

    def __init__(self, most: int = 100) -> None:
        self.memory = Memory(most)
        self._database = cast("Database", SimpleNamespace(memory=self.memory))
        self.values: dict[str, str] = {}
        self.asked: list[str] = []
        self.open = asyncio.Event()
        self.open.set()

    @remembered
    async def get(self, key: str) -> str | None:
        self.asked.append(key)
        value = self.values.get(key)
        await self.open.wait()
        return value

    @remembered_by(id)
    async def of(self, key: list[str]) -> list[str]:
        self.asked += key
        return [*key]


async def test_what_was_asked_once_is_not_read_again() -> None:
    shelf = Shelf()
    shelf.values = {"a": "1", "b": "2"}
    assert [await shelf.get(key) for key in "abab"] == ["1", "2", "1", "2"]
    assert shelf.asked == ["a", "b"]


async def test_a_hit_does_not_let_other_tasks_run() -> None:
    shelf = Shelf()
    shelf.values = {"a": "1"}
    await shelf.get("a")
    with pytest.raises(StopIteration) as result:
        shelf.get("a").send(None)
    assert result.value.value == "1"


async def test_a_change_is_seen_at_once() -> None:
    shelf = Shelf()
    shelf.values = {"a": "1"}
    assert await shelf.get("a") == "1"
    shelf.values = {"a": "2"}
    shelf.memory.forget()
    assert await shelf.get("a") == "2"


async def test_a_read_that_a_change_overtook_is_not_remembered() -> None:
    shelf = Shelf()
    shelf.values = {"a": "old"}
    shelf.open.clear()
    early = asyncio.create_task(shelf.get("a"))
    await asyncio.sleep(0)  # it has read, and is on its way back
    shelf.values = {"a": "new"}
    shelf.memory.forget()
    shelf.open.set()
    assert await early == "old"
    assert await shelf.get("a") == "new"
    assert await shelf.get("a") == "new"
    assert shelf.asked == ["a", "a"]


async def test_the_oldest_goes_where_there_is_no_more_room() -> None:
    shelf = Shelf(most=3)
    shelf.values = {key: key for key in "abcd"}
    for key in "abcd":
        await shelf.get(key)
    assert len(shelf.memory.known) == 3
    for key in "dcb":
        await shelf.get(key)
    assert shelf.asked == [*"abcd"]
    await shelf.get("a")
    assert shelf.asked == [*"abcda"]


async def test_strangers_who_guess_fill_no_memory() -> None:
    shelf = Shelf()
    for key in range(50):
        assert await shelf.get(f"guess {key}") is None
    assert shelf.memory.known == {}


async def test_nothing_is_remembered_where_others_write_too() -> None:
    shelf = Shelf(most=0)
    shelf.values = {"a": "1"}
    assert [await shelf.get("a") for _ in range(2)] == ["1", "1"]
    assert shelf.asked == ["a", "a"]


async def test_what_goes_by_identity_is_never_taken_for_another() -> None:
    shelf = Shelf()
    for number in range(100):  # each list would get the place of the one before it, if that was not kept
        assert await shelf.of([str(number)]) == [str(number)]
    assert len(shelf.asked) == 100


async def test_a_group_that_is_not_the_one_that_was_read_has_a_roster_of_its_own(store: Store) -> None:
    people = [await store.extensions.create(Extension(number=number)) for number in ("1001", "1002")]

    def group(member: Extension) -> RingGroup:
        return RingGroup.model_validate(
            {
                "number": "6300",
                "name": "six",
                "ring_strategy": "ring_all",
                "ring_timeout": 20,
                "member_list": [{"members": [{"type": "extension", "id": member.id}]}],
                "fail_dest": {"kind": "end_call", "value": ""},
            }
        )

    saved = await store.ring_groups.create(group(people[0]))
    before = await store.ring_groups.get(saved.id)
    assert before is not None
    await store.ring_groups.roster(before)
    await store.ring_groups.update(saved.id, lambda _: group(people[1]))
    after = await store.ring_groups.get(saved.id)
    assert after is not None
    for _ in range(2):
        rosters = [await store.ring_groups.roster(each) for each in (before, after)]
        assert [entry.members for roster in rosters for entry in roster] == [(people[0],), (people[1],)]


async def test_whoever_was_told_of_a_change_reads_it_however_many_read_and_write(store: Store) -> None:
    saved = await store.extensions.create(Extension(number="1001"))
    done = asyncio.Event()

    async def read() -> int:
        reads = 0
        while not done.is_set():
            await store.extensions.get(saved.id)
            await store.extensions.by_reg_name("1001")
            reads += 1
            await asyncio.sleep(0)
        return reads

    readers = [asyncio.create_task(read()) for _ in range(3)]
    for number in range(100):
        name = f"name {number}"
        await store.extensions.update(saved.id, partial(_named, name))
        read_by = [await store.extensions.get(saved.id), await store.extensions.by_reg_name("1001")]
        assert [found and found.caller_id_name for found in read_by] == [name, name]
    done.set()
    assert min(await asyncio.gather(*readers)) > 100


def _named(name: str, extension: Extension) -> Extension:
    return extension.model_copy(update={"caller_id_name": name})


async def test_a_change_counts_though_nobody_waits_for_it_any_more(store: Store) -> None:
    saved = await store.extensions.create(Extension(number="1001"))
    for number in range(30):
        name = f"name {number}"
        change = asyncio.create_task(store.extensions.update(saved.id, partial(_named, name)))
        await asyncio.sleep(number / 10_000)  # at another point of the work each time
        change.cancel()
        await asyncio.gather(change, return_exceptions=True)
        before = await store.extensions.get(saved.id)
        await store.extensions.count()
        await store.extension_groups.update(2, lambda group: group)  # whatever was under way has been done before this
        after = await store.extensions.get(saved.id)
        assert before is not None
        assert after is not None
        names = await store._database.read(
            lambda conn: conn.execute(select(extension.c.caller_id_name)).scalars().all()
        )
        assert names == [after.caller_id_name]


async def test_an_extension_that_is_in_use_is_in_memory_once(store: Store) -> None:
    saved = await store.extensions.create(Extension(number="1001"))
    assert await store.extensions.get(saved.id) is await store.extensions.by_reg_name("1001")
