"""Three SIPp phones register and a caller dials their group, for each strategy; times are those of SIPp's own logs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from ringdove.model.story import Disposition
from ringdove.ring.plan import Strategy
from support.exchange import (
    BUSY,
    DECLINES,
    ELSEWHERE,
    RINGS,
    TOLERANCE,
    Behaviour,
    Call,
    Exchange,
    Phone,
    answers,
    assert_rang,
    together,
)
from support.sipp import needs_sipp

pytestmark = [*needs_sipp, pytest.mark.asyncio(loop_scope="module")]

Spans = Sequence[Sequence[tuple[float, float]]]


@dataclass(frozen=True)
class Scene:
    """A group of phones to be called, and when each of them is to ring."""

    strategy: Strategy
    phones: Sequence[Phone]
    number: str
    plan: Spans


async def scene(
    exchange: Exchange,
    strategy: Strategy,
    behaviours: Sequence[Behaviour],
    plan: Spans,
    entries: Sequence[tuple[int, int]] = (),
) -> Scene:
    """A scene with a ring time of 1 s, or for `custom` one entry for each phone, as (delay, timeout)."""
    phones = await exchange.phones(*behaviours)
    fields: dict[str, Any] = {"ring_strategy": strategy, "ring_timeout": 1}
    if strategy is Strategy.CUSTOM:
        fields["member_list"] = [
            {
                "sub_option": [{"value": str(phone.person.id), "type": "extension"}],
                "delay_time": delay,
                "timeout": timeout,
            }
            for phone, (delay, timeout) in zip(phones, entries, strict=True)
        ]
    return Scene(strategy, phones, await exchange.ring_group(phones, **fields), plan)


async def play(exchange: Exchange, scenes: Sequence[Scene], **call: Any) -> list[Call]:
    """Call all groups at the same time; every phone must ring when its scene says."""
    calls = await together(exchange.call(scene.number, **call) for scene in scenes)
    for scene, call_ in zip(scenes, calls, strict=True):
        print(scene.strategy)
        assert_rang(call_, dict(zip(scene.phones, scene.plan, strict=True)))
    return calls


def ends(call: Call, scene: Scene) -> list[list[tuple[str, str]]]:
    """How each phone of a scene stopped ringing, and what it was told as the reason."""
    return [[(rang.ended, rang.reason) for rang in call.legs.get(phone, ())] for phone in scene.phones]


async def test_windows_follow_the_plan_and_close_without_a_reason(exchange: Exchange) -> None:
    """Design section 3: the table, R8 and R5; nobody answers, the caller is told 480."""
    nobody = [RINGS] * 3
    scenes = await together(
        [
            scene(exchange, Strategy.RING_ALL, nobody, [[(0, 1)], [(0, 1)], [(0, 1)]]),
            scene(exchange, Strategy.SEQUENTIALLY, nobody, [[(0, 1)], [(1, 2)], [(2, 3)]]),
            scene(exchange, Strategy.MEMORY_HUNT, nobody, [[(0, 3)], [(1, 3)], [(2, 3)]]),
            scene(exchange, Strategy.CUSTOM, nobody, [[(0, 1)], [(1, 3)], [(2, 3)]], [(0, 1), (1, 2), (2, 1)]),
        ]
    )
    for call, played in zip(await play(exchange, scenes), scenes, strict=True):
        assert ends(call, played) == [[("cancelled", "")]] * 3, played.strategy
        assert call.status == 480
        assert call.story.disposition is Disposition.NO_ANSWER
        assert call.ended_at - call.rang_first == pytest.approx(
            max(stop for spans in played.plan for _, stop in spans), abs=TOLERANCE
        )
        assert call.rang_first - call.dialled_at < TOLERANCE


async def test_R4_R5_first_answer_wins_and_the_others_hear_that_it_was_elsewhere(exchange: Exchange) -> None:
    second = [RINGS, answers(after=0.4), RINGS]
    elsewhere, answered, closed = ("cancelled", ELSEWHERE), ("answered", ""), ("cancelled", "")
    table: list[tuple[Strategy, Spans, list[list[tuple[str, str]]], list[tuple[int, int]]]] = [
        (Strategy.RING_ALL, [[(0, 0.4)]] * 3, [[elsewhere], [answered], [elsewhere]], []),
        (Strategy.SEQUENTIALLY, [[(0, 1)], [(1, 1.4)], []], [[closed], [answered], []], []),
        (Strategy.MEMORY_HUNT, [[(0, 1.4)], [(1, 1.4)], []], [[elsewhere], [answered], []], []),
        (
            Strategy.CUSTOM,
            [[(0, 1)], [(1, 1.4)], [(1, 1.4)]],
            [[closed], [answered], [elsewhere]],
            [(0, 1), (1, 2), (1, 1)],
        ),
    ]
    scenes = await together(scene(exchange, strategy, second, plan, entries) for strategy, plan, _, entries in table)
    for call, played, row in zip(await play(exchange, scenes), scenes, table, strict=True):
        assert ends(call, played) == row[2], played.strategy
        assert call.status == 200
        assert call.ended_at - call.legs[played.phones[1]][0].stop < TOLERANCE
        assert call.story.disposition is Disposition.ANSWERED
        assert call.story.answered_by is not None
        assert call.story.answered_by.number == played.phones[1].person.number


async def test_R6_a_refusal_ends_only_that_member_and_R7_the_next_one_starts_now(exchange: Exchange) -> None:
    refusals = [BUSY, DECLINES, answers(after=0.4)]
    scenes = await together(
        [
            scene(exchange, Strategy.RING_ALL, refusals, [[(0, 0)], [(0, 0)], [(0, 0.4)]]),
            scene(exchange, Strategy.SEQUENTIALLY, refusals, [[(0, 0)], [(0, 0)], [(0, 0.4)]]),
            scene(exchange, Strategy.MEMORY_HUNT, refusals, [[(0, 0)], [(0, 0)], [(0, 0.4)]]),
            scene(exchange, Strategy.CUSTOM, refusals, [[(0, 0)], [(1, 1)], [(2, 2.4)]], [(0, 1), (1, 1), (2, 1)]),
        ]
    )
    for call, played in zip(await play(exchange, scenes), scenes, strict=True):
        assert ends(call, played) == [[("486", "")], [("603", "")], [("answered", "")]], played.strategy
        assert call.status == 200


async def test_R7_what_is_left_of_the_plan_moves_forward_with_its_next_window(exchange: Exchange) -> None:
    first_is_busy = [BUSY, RINGS, RINGS]
    scenes = await together(
        [
            scene(exchange, Strategy.RING_ALL, first_is_busy, [[(0, 0)], [(0, 1)], [(0, 1)]]),
            scene(exchange, Strategy.SEQUENTIALLY, first_is_busy, [[(0, 0)], [(0, 1)], [(1, 2)]]),
            scene(exchange, Strategy.MEMORY_HUNT, first_is_busy, [[(0, 0)], [(0, 2)], [(1, 2)]]),
            scene(exchange, Strategy.CUSTOM, first_is_busy, [[(0, 0)], [(1, 2)], [(1, 2)]], [(0, 1), (1, 1), (1, 1)]),
        ]
    )
    for call, played in zip(await play(exchange, scenes), scenes, strict=True):
        assert ends(call, played) == [[("486", "")], [("cancelled", "")], [("cancelled", "")]], played.strategy
        assert call.status == 480


@pytest.mark.parametrize(
    ("behaviour", "status", "disposition"),
    [(BUSY, 486, Disposition.BUSY), (DECLINES, 603, Disposition.NO_ANSWER)],
    ids=["busy", "declined"],
)
async def test_R7_a_group_that_refuses_as_one_ends_at_once_with_that_status(
    exchange: Exchange, behaviour: Behaviour, status: int, disposition: Disposition
) -> None:
    at_once: Spans = [[(0, 0)]] * 3
    scenes = await together(
        [
            scene(exchange, Strategy.RING_ALL, [behaviour] * 3, at_once),
            scene(exchange, Strategy.SEQUENTIALLY, [behaviour] * 3, at_once),
            scene(exchange, Strategy.MEMORY_HUNT, [behaviour] * 3, at_once),
            scene(exchange, Strategy.CUSTOM, [behaviour] * 3, at_once, [(0, 2), (0, 1), (0, 2)]),
        ]
    )
    for call in await play(exchange, scenes):
        assert call.status == status
        assert call.story.disposition is disposition
        assert call.ended_at - call.rang_first < TOLERANCE


async def test_R10_a_caller_that_gives_up_ends_all_ringing_and_nobody_is_rung_after(exchange: Exchange) -> None:
    nobody = [RINGS] * 3
    scenes = await together(
        [
            scene(exchange, Strategy.RING_ALL, nobody, [[(0, 0.5)]] * 3),
            scene(exchange, Strategy.SEQUENTIALLY, nobody, [[(0, 0.5)], [], []]),
            scene(exchange, Strategy.MEMORY_HUNT, nobody, [[(0, 0.5)], [], []]),
            scene(exchange, Strategy.CUSTOM, nobody, [[(0, 0.5)], [], [(0, 0.5)]], [(0, 1), (1, 1), (0, 2)]),
        ]
    )
    for call, played in zip(await play(exchange, scenes, give_up=0.5), scenes, strict=True):
        assert {rang for legs in ends(call, played) for rang in legs} == {("cancelled", "")}
        assert call.status == 487
        assert call.story.disposition is Disposition.ABANDONED
