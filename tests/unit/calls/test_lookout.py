"""Calls are told of what may change whom they ring, and of nothing else (R1, R9)."""

import asyncio

from ringdove.calls.busy import BusyList
from ringdove.calls.inbox import Inbox, MemberChanged, SettingsChanged
from ringdove.calls.lookout import Lookout
from ringdove.events.bus import Bus
from ringdove.events.types import BindingsChanged, ExtensionChanged
from ringdove.model.extension import Extension

MOST = 3


def extension(*, call_waiting: bool) -> Extension:
    return Extension(id=7, number="1007", reg_name="seven", reg_password="Secret-123", enb_call_waiting=call_waiting)


class House:
    """One extension that a call rings, and what that call is told."""

    def __init__(self, *, call_waiting: bool) -> None:
        self.extension = extension(call_waiting=call_waiting)
        self.bus = Bus()
        self.busy = BusyList(self.bus, MOST)
        self.lookout = Lookout(self.bus, self._read)
        self.inbox = Inbox()

    async def _read(self, _: int) -> Extension | None:
        return self.extension

    async def told(self) -> list[object]:
        """What the call was told since this was last asked."""
        events: list[object] = []
        while (event := await self.inbox.next(until=asyncio.get_running_loop().time())) is not None:
            events.append(event)
        return events


async def test_R1_without_call_waiting_only_the_first_call_and_the_end_of_the_last_are_told() -> None:
    house = House(call_waiting=False)
    with house.lookout.watch([house.extension], house.inbox):
        with house.busy.busy(7):
            assert await house.told() == [MemberChanged(7)]
            with house.busy.busy(7):
                assert await house.told() == []
            assert await house.told() == []
        assert await house.told() == [MemberChanged(7)]


async def test_R1_with_call_waiting_only_the_call_too_much_is_told() -> None:
    house = House(call_waiting=True)
    with house.lookout.watch([house.extension], house.inbox):
        with house.busy.busy(7), house.busy.busy(7):
            assert await house.told() == []
            with house.busy.busy(7):
                assert await house.told() == [MemberChanged(7)]
            assert await house.told() == [MemberChanged(7)]
        assert await house.told() == []


async def test_call_waiting_that_is_switched_off_while_it_rings_counts_from_then_on() -> None:
    house = House(call_waiting=True)
    with house.lookout.watch([house.extension], house.inbox):
        house.extension = extension(call_waiting=False)
        house.bus.publish(ExtensionChanged(7))
        assert await house.inbox.next() == SettingsChanged(7, house.extension)
        with house.busy.busy(7):
            assert await house.told() == [MemberChanged(7)]


async def test_who_rings_nobody_any_more_is_told_nothing() -> None:
    house = House(call_waiting=False)
    with house.lookout.watch([house.extension], house.inbox):
        house.bus.publish(BindingsChanged(7))
    with house.busy.busy(7):
        assert await house.told() == [MemberChanged(7)]
    assert len(house.lookout) == 0
