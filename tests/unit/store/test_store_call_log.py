"""The log of each extension."""

import json
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from ringdove.model.call_log import Direction, LogResult
from ringdove.model.story import Attempt, Disposition, Hop, LegResult, LegStory, Party, Story
from ringdove.store import Store, migrate
from ringdove.store.call_log import LogFilter
from ringdove.store.calls import Entry, roles

ALICE, BOB, CAROL = (Party(id=i, number=f"100{i}") for i in (1, 2, 3))


def story(call_id: str, **fields: object) -> Story:
    """Alice calls a group in which Bob and Carol ring."""
    leg = LegStory(contact="sip:x", invited_at=0.0, result=LegResult.NO_ANSWER)
    attempts = [Attempt(member=member, legs=[leg]) for member in (BOB, CAROL)]
    hop = Hop(kind="ring_group", id="8", number="6300", entered_at=0.0, attempts=attempts)
    plain = {"id": call_id, "started_at": 1000.0, "caller": ALICE, "dialled": "6300", "hops": [hop]}
    return Story.from_data(plain | fields)


def missed(call_id: str, **fields: object) -> Story:
    return story(call_id, **{"ended_at": 9.0, "disposition": Disposition.NO_ANSWER} | fields)


def answered(call_id: str, **fields: object) -> Story:
    plain = {"answered_at": 4.0, "answered_by": BOB, "ended_at": 9.0, "disposition": Disposition.ANSWERED}
    return story(call_id, **plain | fields)


async def log(store: Store, who: int, **wanted: Any) -> list[tuple[str, str]]:
    total, found = await store.call_log.page(who, LogFilter(**wanted))
    assert total == len(found)
    return [(story.id, str(line.result)) for story, line in found]


async def test_each_extension_has_its_line_and_finds_it_by_what_it_says(store: Store) -> None:
    await store.calls.save([Entry(missed("a")), Entry(answered("b", started_at=2000.0))])
    assert await log(store, 1) == [("b", "answered"), ("a", "no_answer")]
    assert await log(store, 2) == [("b", "answered"), ("a", "missed")]
    assert await log(store, 3) == [("b", "answered_elsewhere"), ("a", "missed")]
    assert await log(store, 8) == [], "the group has the number 8, but is no extension"
    assert await log(store, 1, direction=Direction.OUT) == await log(store, 1)
    assert await log(store, 2, direction=Direction.OUT) == []
    assert await log(store, 2, result=LogResult.MISSED) == [("a", "missed")]
    assert await log(store, 2, since=1000.0, until=2000.0) == [("a", "missed")]
    assert await log(store, 2, since=1000.5) == [("b", "answered")]


async def test_a_call_is_in_no_log_until_it_is_over(store: Store) -> None:
    begun = story("a", hops=[])
    await store.calls.save([Entry(begun, "here", roles(begun))])
    rings = story("a")
    await store.calls.save([Entry(rings, "here", roles(rings) - roles(begun))])
    talks = answered("a").before_its_end()
    await store.calls.save([Entry(talks, "here", roles(talks) - roles(rings))])
    assert [await log(store, who) for who in (1, 2, 3)] == [[], [], []]
    over = answered("a")
    assert roles(over) == roles(talks), "nothing is left to be written of those who took part"
    await store.calls.save([Entry(over, None, ())])
    assert [await log(store, who) for who in (1, 2, 3)] == [
        [("a", "answered")],
        [("a", "answered")],
        [("a", "answered_elsewhere")],
    ]


async def test_what_a_crash_leaves_open_is_in_the_logs_after_the_next_start(store: Store) -> None:
    rings, talks = story("a"), answered("b", started_at=2000.0).before_its_end()
    await store.calls.save([Entry(rings, "here"), Entry(talks, "here")])
    await store.calls.close_open("here", "the server stopped", now=3000.0)
    assert await log(store, 1) == [("b", "answered"), ("a", "failed")]
    assert await log(store, 3) == [("b", "answered_elsewhere"), ("a", "missed")]


async def test_pages_of_a_log_follow_each_other(store: Store) -> None:
    await store.calls.save([Entry(missed(str(i), started_at=1000.0 + i)) for i in range(5)])
    total, found = await store.call_log.page(2, LogFilter(), offset=1, limit=2)
    assert (total, [story.id for story, _ in found]) == (5, ["3", "2"])
    _, found = await store.call_log.page(2, LogFilter(), offset=1, limit=2, descending=False)
    assert [story.id for story, _ in found] == ["1", "2"]


async def test_calls_from_before_there_were_logs_are_in_them(url: str, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'ringdove.db'}")
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with engine.begin() as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, "0002")
        for i in range(1100):  # more than are filled in at once
            told = _as_it_was(answered(f"{i:04}") if i % 2 else missed(f"{i:04}"))
            node = "here" if i == 7 else None
            row = {"id": f"{i:04}", "node": node, "story": told}
            conn.execute(text("INSERT INTO call VALUES (:id, 1000.0, :node, '1001', '6300', NULL, NULL, :story)"), row)
            for kind, id_ in (("extension", 1), ("extension", 2), ("extension", 3), ("ring_group", 8)):
                conn.execute(text("INSERT INTO call_object VALUES (:id, :kind, :of)"), row | {"kind": kind, "of": id_})
    engine.dispose()
    store = await Store.open(url)
    assert len(await log(store, 1)) == 1099, "one of them runs"
    assert len(await log(store, 2, result=LogResult.MISSED)) == 550
    assert len(await log(store, 3, result=LogResult.ANSWERED_ELSEWHERE)) == 549
    await store.close()


def _as_it_was(told: Story) -> str:
    """A story in the words of the first releases."""
    data = json.loads(told.to_json())
    for hop in data["hops"]:
        del hop["enb_miss_call"]
    return json.dumps(data)
