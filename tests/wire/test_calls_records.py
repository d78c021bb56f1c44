"""The record of a call does not depend on a good day of the store, and the call does not wait for it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from ringdove.model.story import Disposition, Party, Story
from ringdove.store.calls import Entry
from support.house import House
from support.phones import until
from support.scene import Scene, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("records")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


class Disk:
    """What the store of a house writes on: it can be slow and it can be full."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        calls = house.node.store.calls
        self._save = calls.save
        self.turns = asyncio.Event()
        self.turns.set()
        self.full = False
        self.refused = 0
        monkeypatch.setattr(calls, "save", self.save)

    async def save(self, entries: Sequence[Entry]) -> None:
        await self._write()
        await self._save(entries)

    async def _write(self) -> None:
        await self.turns.wait()
        if self.full:
            self.refused += 1
            raise OSError("disk full")


async def test_who_hung_up_is_free_at_once_though_the_store_hangs(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(scene.house, monkeypatch)
    alice = await scene.phone(enb_call_waiting=0)
    (bob,) = await scene.phones(1)
    disk.turns.clear()
    ours, theirs = await scene.talk(alice, bob)
    await scene.end(ours, theirs)
    back = await bob.dial(alice.number)
    theirs = await alice.pick_up(await alice.rings())
    await scene.end(await bob.answered(back), theirs)
    await until(lambda: scene.house.node.switchboard.running == 0, "a call waits for the store")
    (row,) = await scene.rows(caller=alice.number)
    told = (row["live"], row["disposition"], row["duration"], row["reason"])
    assert told == (True, None, None, ""), "a crash now would tell it otherwise"
    disk.turns.set()
    assert (await scene.story(alice)).disposition is Disposition.ANSWERED


async def test_who_hung_up_is_free_at_once_though_the_media_process_hangs(scene: Scene) -> None:
    alice, bob = await scene.phone(enb_call_waiting=0), await scene.phone(enb_call_waiting=0)
    ours, theirs = await scene.talk(alice, bob)
    pid = scene.house.node.media.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        await scene.end(ours, theirs)
        back = await bob.dial(alice.number)
        at_alice = await alice.rings()
        bob.cancel(back)
        await bob.refused(back)
        await alice.cancelled(at_alice)
        await until(lambda: scene.house.node.switchboard.running == 0, "a call waits for the media process")
        assert (await scene.story(alice)).disposition is Disposition.ANSWERED
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_a_record_that_the_store_refused_is_written_later_and_told_rightly_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(tmp_path) as house, Scene(house) as scene:
        disk = Disk(house, monkeypatch)
        alice, bob, carol = await scene.phones(3)
        disk.full = True
        never_begun = await scene.talk(alice, bob)
        await scene.end(*never_begun)
        disk.full = False
        begun = await scene.talk(carol, bob)
        await until(lambda: not house.node.switchboard._board.records.unwritten(), "nothing is written", within=5.0)
        disk.full, disk.refused = True, 0
        await scene.end(*begun)
        told = await scene.rows()
        assert [row["live"] for row in told] == [True, False], "what is not on the disk is not over"
        await until(lambda: disk.refused > 0, "the store is not asked")
        disk.full = False
    async with open_house(tmp_path) as house:
        for row in told:
            again = Story.from_data((await house.get("calls/get", id=row["id"]))["data"])
            assert (again.disposition, again.ended_by) == (Disposition.ANSWERED, "caller")


async def test_another_node_tells_our_calls_as_running_and_leaves_them_alone(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, Scene(house) as scene:
        alice, bob = await scene.phones(2)
        lines = await scene.talk(alice, bob)
        async with open_house(tmp_path / "second", database=house.node.settings.database_url) as second:
            for node in (house, second):
                answer = await node.get("calls/list")
                assert answer["total_number"] == 1
                (row,) = answer["data"]
                assert (row["live"], row["disposition"], row["caller"]["number"]) == (True, None, alice.number)
                assert (await node.get("calls/get", id=row["id"]))["data"]["id"] == row["id"]
            await scene.end(*lines)
            story = await scene.story(alice)
            await until(lambda: not house.node.switchboard._board.records.unwritten(), "nothing is written")
            (row,) = (await second.get("calls/list"))["data"]
            assert (row["live"], row["disposition"], row["duration"]) == (False, "ANSWERED", story.ended_at)


async def test_a_start_closes_what_a_crash_of_this_node_left_open(tmp_path: Path) -> None:
    left = Story(id="1.1", started_at=1000.0, caller=Party(number="2001"), dialled="2002")
    async with open_house(tmp_path) as house:
        name = house.node.settings.node.read_text().strip()
        await house.node.store.calls.save([Entry(left, name)])
        await house.node.store.calls.save([Entry(replace(left, id="1.2"), "another")])
    async with open_house(tmp_path) as house:
        rows = {row["id"]: row for row in (await house.get("calls/list"))["data"]}
        assert house.node.settings.node.read_text().strip() == name
    assert (rows["1.1"]["live"], rows["1.1"]["disposition"]) == (False, "FAILED")
    assert rows["1.1"]["reason"] == "the server stopped before the call ended"
    assert (rows["1.2"]["live"], rows["1.2"]["disposition"]) == (True, None)
