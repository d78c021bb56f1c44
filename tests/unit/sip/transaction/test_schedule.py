"""Timers of a few durations, many of which are stopped or set anew, and what is kept to be sent again."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from ringdove.sip.message import Response
from ringdove.sip.transaction import Send
from ringdove.sip.transaction.machine import NEVER, Said
from ringdove.sip.transaction.schedule import Schedule
from unit.sip.transaction.transaction_cases import TCP, UDP, request

DURATIONS = (0.0, 0.5, 1.0, 4.0, 32.0)


@dataclass(eq=False)
class Sleeper:
    """Somebody who has two timers, and how long each may wait."""

    again_at: float = NEVER
    over_at: float = NEVER
    again_by: float = NEVER
    over_by: float = NEVER

    @property
    def by(self) -> float:
        """When it has to be woken."""
        return min(self.again_by if self.again_at < NEVER else NEVER, self.over_by if self.over_at < NEVER else NEVER)


steps = st.lists(
    st.tuples(
        st.sampled_from(["again", "over", "stop", "wait"]), st.integers(0, 3), st.sampled_from((*DURATIONS, 0.1, 7.0))
    ),
    max_size=60,
)


@given(steps)
def test_who_is_due_is_woken_in_order_and_nobody_else(steps: list[tuple[str, int, float]]) -> None:
    schedule: Schedule[Sleeper] = Schedule()
    sleepers = [Sleeper() for _ in range(4)]
    now = 0.0
    for what, which, seconds in steps:
        sleeper = sleepers[which]
        if what == "again":
            sleeper.again_at = schedule.add(sleeper, seconds, now)
            sleeper.again_by = now + seconds * 33 / 32
        elif what == "over":
            sleeper.over_at = schedule.add(sleeper, seconds, now)
            sleeper.over_by = now + seconds * 33 / 32
        elif what == "stop":
            sleeper.again_at = sleeper.over_at = NEVER
        else:
            now += seconds
            woken: list[float] = []
            for one in schedule.pop_due(now):
                woken.append(min(one.again_at, one.over_at))
                one.again_at = NEVER if one.again_at == woken[-1] else one.again_at
                one.over_at = NEVER if one.over_at == woken[-1] else one.over_at
            assert woken == sorted(woken)
            assert all(at <= now for at in woken)
            assert all(min(one.again_at, one.over_at) > now for one in sleepers)
            assert schedule.look_at > now, "a look that stays due makes a busy loop"
        due = min(min(one.again_at, one.over_at) for one in sleepers)
        assert schedule.deadline == (None if due == NEVER else due)
        assert schedule.look_at <= min(one.by for one in sleepers) + 1e-9


def test_what_is_sent_again_is_read_anew_however_long_it_is() -> None:
    asked = request(fields=[("Via", f"SIP/2.0/UDP far{n}.example.test;branch=z9hG4bK{n}") for n in range(300)])
    response = asked.reply(200, to_tag="callee")
    response.set_body("application/sdp", b"x" * 100_000)
    send = Send(response, response.to_bytes(), TCP, UDP)
    again = Said.of(send).again()
    assert (again.data, again.hop, again.otherwise) == (send.data, TCP, UDP)
    assert isinstance(again.message, Response)
    assert again.message.to_bytes() == send.data


def test_timers_that_end_within_a_32nd_of_their_duration_are_woken_together() -> None:
    schedule: Schedule[Sleeper] = Schedule()
    for n in range(100):
        sleeper = Sleeper()
        sleeper.over_at = schedule.add(sleeper, 32.0, n / 100)
    assert schedule.look_at == 33.0
    assert len(list(schedule.pop_due(schedule.look_at))) == 100
    assert schedule.look_at == NEVER
