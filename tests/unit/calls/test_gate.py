"""Who is let in, who is turned away with what, and how much of that is written down."""

from ringdove.calls.busy import BusyList
from ringdove.calls.gate import COME_BACK, QUIET, Cap, Gate
from ringdove.events.bus import Bus
from ringdove.settings import Settings


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def gate(clock: Clock, **caps: int) -> Gate:
    return Gate(Settings.load(**caps), BusyList(Bus(), 1000), clock)


def test_as_many_as_the_cap_come_in_and_one_more_when_one_has_left() -> None:
    door = gate(Clock(), max_calls=2)
    with door.inside(1):
        with door.inside(2):
            turned_away = door.check(3)
            assert turned_away is not None
            assert (turned_away.status, turned_away.reason) == (503, "max_calls: 2 calls run already")
            assert turned_away.headers == (
                ("Warning", '399 ringdove "max_calls: 2 calls run already"'),
                ("Retry-After", str(COME_BACK)),
            )
        assert door.check(3) is None
    assert door.hits == {Cap.CALLS: 1}


def test_one_extension_has_a_cap_of_its_own_and_others_do_not_feel_it() -> None:
    door = gate(Clock(), max_calls_per_extension=1)
    with door.inside(1):
        turned_away = door.check(1)
        assert turned_away is not None
        assert turned_away.status == 403
        assert turned_away.reason == "max_calls_per_extension: the caller is in 1 calls already"
        assert door.check(2) is None
    assert door.check(1) is None


def test_of_a_flood_one_a_minute_is_recorded_and_says_how_many_there_were() -> None:
    clock = Clock()
    door = gate(clock, max_calls=1)
    with door.inside(1):
        flood = [door.check(2) for _ in range(1000)]
        assert [turned_away.recorded for turned_away in flood if turned_away] == [True] + [False] * 999
        other = door.check(3)
        assert other is not None
        assert other.recorded, "another caller is told of, too"
        clock.now += QUIET
        later = door.check(2)
        assert later is not None
        assert later.recorded
        assert later.reason.endswith("; 999 more were turned away since the last record")
        again = door.check(2)
        assert again is not None
        assert not again.recorded
    assert door.hits == {Cap.CALLS: 1003}
