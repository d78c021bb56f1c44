"""`enb_miss_call` for every strategy, destination and outcome: whole calls in simulated time, and whose logs say so."""

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from ringdove.model.call_log import lines
from ringdove.model.destination import END_CALL, Destination
from ringdove.model.reference import DestinationKind
from ringdove.model.story import Story
from ringdove.ring.plan import Strategy
from support.simulation.loop import simulate
from support.simulation.phone import Habit, Mood
from support.simulation.script import (
    COMMON,
    CallScript,
    GroupScript,
    PersonScript,
    PhoneScript,
    Script,
)
from support.simulation.world import World

CALLER, FIRST, SECOND, ALONE, ONE, OTHER, LAST = range(1, 8)
"""The caller; the group's members; an extension to fail over to; the members of a group to fail over to; one more."""
TIMEOUT = 10
BEFORE, THERE = 3.0, 23.0
"""When the first member rings; and when the members of no strategy ring any more, but who it fails over to."""

RINGS_ON, BUSY, DECLINES = Mood(), Mood(thinks=1.0, status=486), Mood(thinks=1.0, status=603)
ANSWERS = Mood(thinks=1.0, talks=2.0)

MISSED, ANSWERED, ELSEWHERE = "missed", "answered", "answered_elsewhere"
BY_SWITCH = "missed by the switch"

OUTCOMES: Mapping[str, tuple[str | None, str | None]] = {
    # what happens: in the log of the first member, and of those it fails over to
    "nobody answers": (MISSED, BY_SWITCH),
    "the caller gives up before": (MISSED, None),
    "the caller gives up there": (MISSED, BY_SWITCH),
    "a member answers": (ANSWERED, None),
    "the failover answers": (ELSEWHERE, ANSWERED),
    "the failover is busy": (MISSED, BY_SWITCH),
    "the failover declines": (MISSED, BY_SWITCH),
    "the failover is offline": (MISSED, BY_SWITCH),
    "the failover does not want to be disturbed": (MISSED, BY_SWITCH),
    "the members decline": (MISSED, BY_SWITCH),
    "no member is online": (None, BY_SWITCH),
    "no member wants to be disturbed": (None, BY_SWITCH),
    "no member is online, the failover answers": (None, ANSWERED),
}

PLACES = {
    DestinationKind.EXTENSION: Destination(kind=DestinationKind.EXTENSION, value=str(ALONE)),
    DestinationKind.RING_GROUP: Destination(kind=DestinationKind.RING_GROUP, value="2"),
    DestinationKind.END_CALL: END_CALL,
}


def person(id_: int, mood: Mood = RINGS_ON, *, online: bool = True, dnd: bool = False) -> PersonScript:
    phone = PhoneScript(f"10.0.{id_}.1", online, [mood], COMMON)
    return PersonScript(id_, [phone], dnd=dnd, ring_timeout=TIMEOUT)


def group(
    id_: int,
    members: tuple[int, ...],
    strategy: Strategy,
    miss_call: bool,
    fail_dest: Destination,
    nobody_dest: Destination | None = None,
) -> GroupScript:
    custom = strategy is Strategy.CUSTOM
    entries: list[tuple[tuple[int, ...], int, int]] = [((member,), 0, TIMEOUT if custom else 0) for member in members]
    return GroupScript(
        id_, strategy, TIMEOUT, entries, fail_dest=fail_dest, nobody_dest=nobody_dest, miss_call=miss_call
    )


def play(
    people: list[PersonScript], groups: list[GroupScript], dials: str = "6001", leaves: float | None = None
) -> Story:
    """The one call of this world."""
    script = Script(1, 0.0, 0.0, 0.0, 0.0, False, people, groups)
    script.calls.append(CallScript(CALLER, 0.0, dials, Habit(leaves=leaves), False, COMMON))
    chronicle = simulate(lambda: World.play(script))
    assert chronicle.left == []
    (story,) = chronicle.stories
    return story


def log(story: Story) -> dict[int, str]:
    """What stands in the logs of those who were called."""
    return {extension: str(line.result) for extension, line in lines(story).items() if extension != CALLER}


def people_for(outcome: str) -> list[PersonScript]:
    members: dict[str, dict[str, Any]] = {
        "a member answers": {"mood": ANSWERS},
        "the members decline": {"mood": DECLINES},
        "no member is online": {"online": False},
        "no member is online, the failover answers": {"online": False},
        "no member wants to be disturbed": {"dnd": True},
    }
    failovers: dict[str, dict[str, Any]] = {
        "the failover answers": {"mood": ANSWERS},
        "no member is online, the failover answers": {"mood": ANSWERS},
        "the failover is busy": {"mood": BUSY},
        "the failover declines": {"mood": DECLINES},
        "the failover is offline": {"online": False},
        "the failover does not want to be disturbed": {"dnd": True},
    }
    member, failover = members.get(outcome, {}), failovers.get(outcome, {})
    second = {} if member.get("mood") is ANSWERS else member
    other = {} if failover.get("mood") is ANSWERS else failover
    return [
        person(CALLER),
        person(FIRST, **member),
        person(SECOND, **second),
        person(ALONE, **failover),
        person(ONE, **failover),
        person(OTHER, **other),
    ]


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("strategy", list(Strategy))
def test_a_failed_over_call_is_missed_there_by_the_switch_where_it_applies(strategy: Strategy, outcome: str) -> None:
    leaves = {"the caller gives up before": BEFORE, "the caller gives up there": THERE}.get(outcome)
    together = strategy in {Strategy.RING_ALL, Strategy.CUSTOM}
    if leaves == THERE and together:
        leaves -= TIMEOUT
    for kind, switch in itertools.product(PLACES, (False, True)):
        first = group(1, (FIRST, SECOND), strategy, switch, PLACES[kind])
        second = group(2, (ONE, OTHER), Strategy.RING_ALL, False, END_CALL)
        story = play(people_for(outcome), [first, second], leaves=leaves)
        counts = switch and strategy is not Strategy.SEQUENTIALLY  # what the page says
        member, there = OUTCOMES[outcome]
        if kind is DestinationKind.END_CALL:
            member, there = (MISSED if member == ELSEWHERE else member), None
        expected: dict[int, str | None] = {FIRST: member, SECOND: member}
        if member == ANSWERED:
            expected[SECOND] = ELSEWHERE if together else None
        elif outcome == "the caller gives up before" and not together:
            expected[SECOND] = None  # not its turn yet
        there = (MISSED if counts else None) if there == BY_SWITCH else there
        if kind is DestinationKind.EXTENSION:
            expected[ALONE] = there
        elif kind is DestinationKind.RING_GROUP:
            expected |= {ONE: there, OTHER: ELSEWHERE if there == ANSWERED else there}
        assert log(story) == {who: what for who, what in expected.items() if what is not None}, (kind, switch)


@pytest.mark.parametrize(("first", "then"), [*itertools.product((False, True), repeat=2)])
def test_in_a_chain_each_group_speaks_for_whom_it_hands_the_call_to(first: bool, then: bool) -> None:
    groups = [
        group(1, (FIRST, SECOND), Strategy.RING_ALL, first, PLACES[DestinationKind.RING_GROUP]),
        group(2, (ONE, OTHER), Strategy.RING_ALL, then, Destination(kind=DestinationKind.EXTENSION, value=str(LAST))),
    ]
    people = [*people_for("nobody answers"), person(LAST)]
    expected = {FIRST, SECOND} | ({ONE, OTHER} if first else set()) | ({LAST} if then else set())
    assert log(play(people, groups)) == dict.fromkeys(expected, MISSED)
    people[-1] = person(LAST, ANSWERS)
    everybody = dict.fromkeys((FIRST, SECOND, ONE, OTHER), ELSEWHERE)
    assert log(play(people, groups)) == everybody | {LAST: ANSWERED}, "who rang in vain sees that somebody took it"


@pytest.mark.parametrize("switch", [False, True])
def test_who_is_called_because_nobody_was_online_has_an_ordinary_missed_call(switch: bool) -> None:
    fail_dest = Destination(kind=DestinationKind.EXTENSION, value=str(LAST))
    groups = [
        group(1, (FIRST, SECOND), Strategy.RING_ALL, switch, fail_dest, PLACES[DestinationKind.EXTENSION]),
    ]
    people = [*people_for("no member is online"), person(LAST)]
    assert log(play(people, groups)) == {ALONE: MISSED}


@pytest.mark.parametrize("switch", [False, True])
def test_who_is_in_the_group_and_its_failover_too_has_missed_the_group_call(switch: bool) -> None:
    fail_dest = Destination(kind=DestinationKind.EXTENSION, value=str(FIRST))
    groups = [group(1, (FIRST, SECOND), Strategy.RING_ALL, switch, fail_dest)]
    assert log(play(people_for("nobody answers"), groups)) == {FIRST: MISSED, SECOND: MISSED}


@pytest.mark.parametrize(("switch", "missed"), [(False, set()), (True, {ONE, OTHER})])
def test_the_switch_is_for_everybody_there_rung_or_not(switch: bool, missed: set[int]) -> None:
    groups = [
        group(1, (FIRST, SECOND), Strategy.RING_ALL, switch, PLACES[DestinationKind.RING_GROUP]),
        group(2, (ONE, OTHER), Strategy.SEQUENTIALLY, False, END_CALL),
    ]
    story = play(people_for("nobody answers"), groups, leaves=TIMEOUT + BEFORE)
    assert log(story) == dict.fromkeys({FIRST, SECOND} | missed, MISSED)


@pytest.mark.parametrize(
    ("callee", "result"),
    [
        (person(FIRST), MISSED),
        (person(FIRST, BUSY), MISSED),
        (person(FIRST, DECLINES), MISSED),
        (person(FIRST, online=False), MISSED),
        (person(FIRST, dnd=True), MISSED),
        (person(FIRST, ANSWERS), ANSWERED),
    ],
)
def test_a_call_to_one_person_is_in_that_log_whatever_came_of_it(callee: PersonScript, result: str) -> None:
    assert log(play([person(CALLER), callee], [], callee.number)) == {FIRST: result}
