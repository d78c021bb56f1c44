"""The port pool, under any order of events."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ringdove.media.embedded.ports import PortPool

REST = 5.0


class Pool(RuleBasedStateMachine):
    """Plays the binder and the calls."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.pool = PortPool(range(30001, 30022), ready=6, rest=REST, retry=2 * REST)
        self.binding: list[int] = []
        self.taken: list[int] = []
        self.released: dict[int, float] = {}

    @rule(seconds=st.floats(0, REST))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def refill(self) -> None:
        self.binding += self.pool.wanted(self.now)

    @rule(fail=st.booleans())
    def binder_answers(self, fail: bool) -> None:
        if fail:
            self.pool.failed(self.binding, self.now)
        else:
            self.pool.bound(self.binding)
        self.binding.clear()

    @rule()
    def binder_dies(self) -> None:
        self.pool.unbind()
        self.binding.clear()

    @rule()
    def take(self) -> None:
        port = self.pool.take()
        if port is not None:
            assert port not in self.taken
            assert self.now >= self.released.get(port, 0.0) + (REST if port in self.released else 0.0)
            self.taken.append(port)

    @rule()
    def release(self) -> None:
        if self.taken:
            port = self.taken.pop(0)
            self.released[port] = self.now
            self.pool.release(port, self.now)

    @invariant()
    def every_port_is_even_in_range_and_in_one_place(self) -> None:
        held = [*self.taken, *self.pool.ready, *self.binding]
        assert len(held) == len(set(held))
        assert all(port % 2 == 0 and 30001 <= port < 30021 for port in held)

    @invariant()
    def not_more_is_bound_ahead_than_asked_for(self) -> None:
        assert len(self.pool.ready) + len(self.binding) <= 6

    def teardown(self) -> None:
        """No port is ever lost: when all is released and time has passed, all ten can be had again."""
        while self.taken:
            self.release()
        self.now += 100
        for _ in range(10):
            self.refill()
            self.binder_answers(fail=False)
            self.take()
        assert len(self.taken) == 10
        assert self.pool.exhausted(self.now)


TestPool = Pool.TestCase
TestPool.settings = settings(max_examples=60, stateful_step_count=40)


def test_a_pool_of_any_size_can_be_half_empty_before_it_asks_again() -> None:
    pool = PortPool(range(30000, 31000), ready=8, rest=REST)
    first = pool.wanted(0)
    pool.bound(first)
    assert len(first) == 8
    for _ in range(3):
        pool.take()
    assert pool.wanted(0) == []
    pool.take()
    assert len(pool.wanted(0)) == 4


def test_ports_come_in_no_guessable_order() -> None:
    orders = {tuple(PortPool(range(30000, 31000), ready=100, rest=REST).wanted(0)) for _ in range(3)}
    assert len(orders) == 3


@pytest.mark.parametrize("ports", [range(0), range(30000, 30001), range(30001, 30003)])
def test_a_range_without_a_pair_is_refused(ports: range) -> None:
    with pytest.raises(ValueError, match="no even port"):
        PortPool(ports, ready=1, rest=REST)
