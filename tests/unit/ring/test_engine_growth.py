"""Whatever happens to each member in turn, a further member adds as much to a call as any before it.

Counted in steps of the interpreter, which no other program disturbs.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from types import FrameType
from typing import Any

import pytest

from ringdove.ring.plan import Entry, Strategy
from unit.ring.ringing_group import OFFLINE, RingingGroup, online, own_times

*_, CUSTOM = Strategy
FEW, SOME, MANY = 20, 60, 180
LONG = 10.0 * MANY


class Steps:
    """How many steps the rules have taken so far."""

    taken = 0


@contextmanager
def counted() -> Iterator[Steps]:
    """Count the steps taken in `ringdove.ring` while the block runs."""
    steps, before = Steps(), sys.gettrace()

    def trace(frame: FrameType, what: str, _: Any) -> Callable[..., Any] | None:
        if what == "call" and not frame.f_globals["__name__"].startswith("ringdove.ring"):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        steps.taken += what == "opcode"
        return trace

    sys.settrace(trace)
    try:
        yield steps
    finally:
        sys.settrace(before)


def group_of(strategy: Strategy, n: int, *, offline: range = range(0)) -> RingingGroup:
    """Members who have long to ring; with custom each begins a second after the one before."""
    entries = [Entry((member,), member - 1, LONG) for member in range(1, n + 1)]
    return RingingGroup(strategy, entries, timeout=LONG, standings=dict.fromkeys(offline, OFFLINE))


def nobody_answers(strategy: Strategy, n: int) -> None:
    group_of(strategy, n).wait_for_the_end()


def each_refuses(strategy: Strategy, n: int) -> None:
    group = group_of(strategy, n)
    for member in range(1, n + 1):
        group.wait_until(member - 0.5)
        group.fail(member - 0.5, member, 486)
    assert group.end


def each_declines_at_last(strategy: Strategy, n: int) -> None:
    """Just before the next one begins, or the end."""
    group = group_of(strategy, n)
    while (due := group.deadline) is not None:
        for member in group.ringing:
            group.fail(due - 0.25, member, 603)
        if group.deadline == due:
            group.wait()


def each_registers(strategy: Strategy, n: int) -> None:
    group = group_of(strategy, n, offline=range(2, n + 1))
    for member in range(2, n + 1):
        group.change(member, member, online(member))
    group.wait_for_the_end()


def each_registers_after_its_turn(strategy: Strategy, n: int) -> None:
    group = group_of(strategy, n, offline=range(1, n))
    group.wait_until(n)
    for member in range(1, n):
        group.change(n + member, member, online(member))
    group.wait_for_the_end()


def each_is_away_for_a_while(strategy: Strategy, n: int) -> None:
    group = group_of(strategy, n)
    for at, away in ((n, True), (2 * n, False)):
        group.wait_until(at)
        for member in range(1, n + 1):
            group.change(at, member, online(member, dnd=away))
    group.wait_for_the_end()


def each_is_passed_over(strategy: Strategy, n: int) -> None:
    """All but the first are busy when their turn comes."""
    group = group_of(strategy, n)
    for member in range(2, n + 1):
        group.change(0.5, member, online(member, busy=True, call_waiting=False))
    group.wait_for_the_end()


def the_caller_goes(strategy: Strategy, n: int) -> None:
    group = group_of(strategy, n)
    group.wait_until(n)
    group.caller_goes(n)


def a_few_members_have_many_times(strategy: Strategy, n: int) -> None:
    RingingGroup(strategy, [Entry((1, 2, 3), 20 * entry, 10) for entry in range(n)]).wait_for_the_end()


def a_few_members_have_times_that_overlap(strategy: Strategy, n: int) -> None:
    RingingGroup(strategy, own_times(*((entry % 3, 5 * entry, 10) for entry in range(n)))).wait_for_the_end()


OF_MEMBERS = (
    nobody_answers,
    each_refuses,
    each_declines_at_last,
    each_registers,
    each_registers_after_its_turn,
    each_is_away_for_a_while,
    each_is_passed_over,
    the_caller_goes,
)
OF_TIMES = (a_few_members_have_many_times, a_few_members_have_times_that_overlap)
CASES = [*product(OF_MEMBERS, Strategy), *product(OF_TIMES, [CUSTOM])]


@pytest.mark.parametrize(("course", "strategy"), CASES)
def test_a_further_member_costs_the_same_with_few_and_with_many(
    course: Callable[[Strategy, int], None], strategy: Strategy
) -> None:
    taken = []
    for n in (FEW, SOME, MANY):
        with counted() as steps:
            course(strategy, n)
        taken.append(steps.taken)
    early, late = (taken[1] - taken[0]) / (SOME - FEW), (taken[2] - taken[1]) / (MANY - SOME)
    assert late <= 1.05 * early
