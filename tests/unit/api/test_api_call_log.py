"""`call_log/list`."""

from itertools import chain
from typing import Any

import pytest

from ringdove.model.call_log import LogRow
from ringdove.model.story import Attempt, Disposition, Hop, HopOutcome, LegResult, LegStory, Party, Story
from ringdove.store.calls import Entry
from unit.api.api_client import Api

ALICE, BOB, CAROL = (
    Party(id=i, number=n, name=f"Person {n}") for i, n in ((3071, "1001"), (3074, "1002"), (3075, "1003"))
)


def story(call_id: str, began: float, **fields: Any) -> Story:
    """Alice calls a group; Bob and Carol ring."""
    leg = LegStory(contact="sip:x", invited_at=0.0, result=LegResult.NO_ANSWER)
    attempts = [Attempt(member=member, legs=[leg]) for member in (BOB, CAROL)]
    hop = Hop(
        kind="ring_group",
        id="8",
        number="6300",
        name="Support",
        entered_at=0.0,
        attempts=attempts,
        outcome=HopOutcome.UNANSWERED,
    )
    plain = {"id": call_id, "started_at": began, "caller": ALICE, "dialled": "6300", "hops": [hop], "ended_at": 9.0}
    return Story.from_data({**plain, "disposition": Disposition.NO_ANSWER, **fields})


def taken(call_id: str, began: float) -> Story:
    return story(call_id, began, answered_at=4.0, answered_by=BOB, disposition=Disposition.ANSWERED)


@pytest.fixture
async def log(people: Api) -> Api:
    """One call that Bob took, and after it one that nobody took."""
    await people.store.calls.save([Entry(taken("b", 1000.0)), Entry(story("a", 2000.0))])
    return people


async def ids(api: Api, **params: Any) -> list[str]:
    answer = await api.get("call_log/list", **params)
    assert answer["errcode"] == 0, answer
    return [row["call_id"] for row in answer["data"]]


async def test_a_row_says_what_the_call_was_for_this_extension(log: Api) -> None:
    answer = await log.get("call_log/list", ext_id=3075)
    group = {"id": 8, "number": "6300", "name": "Support"}
    alice = {"id": 3071, "number": "1001", "name": "Person 1001"}
    assert answer == {
        "errcode": 0,
        "errmsg": "SUCCESS",
        "total_number": 2,
        "data": [
            {
                "call_id": "a",
                "time": 2000.0,
                "direction": "in",
                "result": "missed",
                "with": alice,
                "dialled": "6300",
                "ring_group": group,
                "duration": 9.0,
                "talk_duration": None,
            },
            {
                "call_id": "b",
                "time": 1000.0,
                "direction": "in",
                "result": "answered_elsewhere",
                "with": alice,
                "dialled": "6300",
                "ring_group": group,
                "duration": 4.0,
                "talk_duration": None,
            },
        ],
    }
    (_, bobs) = (await log.get("call_log/list", ext_id="3074"))["data"]
    assert (bobs["result"], bobs["duration"], bobs["talk_duration"]) == ("answered", 9.0, 5.0)
    nobody, bob = (await log.get("call_log/list", ext_id=3071))["data"]
    assert (nobody["direction"], nobody["result"], nobody["with"]["number"]) == ("out", "no_answer", "6300")
    assert (bob["direction"], bob["result"], bob["with"]["id"]) == ("out", "answered", 3074)


async def test_a_log_is_filtered(log: Api) -> None:
    for params, expected in (
        ({"direction": "in"}, ["a", "b"]),
        ({"direction": "out"}, []),
        ({"result": "missed"}, ["a"]),
        ({"result": "answered", "direction": "in"}, []),
        ({"result": "answered_elsewhere"}, ["b"]),
        ({"start_time": 1000, "end_time": 2000}, ["b"]),
        ({"start_time": 1000.5}, ["a"]),
        ({"direction": "", "result": ""}, ["a", "b"]),
    ):
        assert await ids(log, ext_id=3075, **params) == expected, params


async def test_a_log_has_pages(people: Api) -> None:
    await people.store.calls.save([Entry(story(str(i), 1000.0 + i)) for i in range(5)])
    assert await ids(people, ext_id=3074) == ["4", "3", "2", "1", "0"]
    for order in ("asc", "desc"):
        pages = [await ids(people, ext_id=3074, page=page, page_size=2, order_by=order) for page in range(1, 5)]
        assert [len(page) for page in pages] == [2, 2, 1, 0]
        assert list(chain(*pages)) == await ids(people, ext_id=3074, order_by=order)


async def test_a_call_that_runs_is_in_no_log(people: Api) -> None:
    begun = taken("c", 3000.0).before_its_end()
    await people.store.calls.save([Entry(begun, "here")])
    people.live = [begun]
    assert await ids(people, ext_id=3074) == []


async def test_whatever_is_wrong_is_named(people: Api) -> None:
    answer = await people.get("call_log/list")
    assert answer["invalid_param_list"] == [{"field": "ext_id", "validation_type": "required"}]
    answer = await people.get("call_log/list", ext_id=1)
    assert answer["invalid_param_list"] == [{"field": "ext_id", "validation_type": "exist"}]
    bad = {"ext_id": "me", "direction": "up", "result": "MISSED", "start_time": -1, "page_size": 0, "order_by": "up"}
    answer = await people.get("call_log/list", **bad)
    assert {p["field"]: p["validation_type"] for p in answer["invalid_param_list"]} == {
        "ext_id": "type", "direction": "enum", "result": "enum", "start_time": "range", "page_size": "range",
        "order_by": "enum",
    }  # fmt: skip


async def test_the_reference_tells_the_fields_by_their_names(people: Api) -> None:
    row = (await people.http.get("/openapi.json")).json()["components"]["schemas"]["LogRow"]
    LogRow.model_validate(row["example"])
    assert list(row["properties"]) == [
        "call_id", "time", "direction", "result", "with", "dialled", "ring_group", "duration", "talk_duration",
    ]  # fmt: skip
