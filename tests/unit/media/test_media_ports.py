"""The port pool, under any order of events."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ringdove.media.embedded.ports import PortPool

REST = 5.0
SIZE = 6


class Pool(RuleBasedStateMachine):
    """Plays the binder and the calls."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.pool = PortPool(range(30001, 30022), ready=SIZE, rest=REST, retry=2 * REST)
        self.binding: list[int] = []
        self.open: set[int] = set()
        """What the binder holds."""
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
            self.open.update(self.binding)
        self.binding.clear()

    @rule()
    def binder_dies(self) -> None:
        """The next one binds what is taken."""
        self.pool.unbind()
        self.binding.clear()
        self.open = set(self.taken)

    @rule()
    def take(self) -> None:
        port = self.pool.take(self.now)
        if port is None:
            assert not any(self.rested(port, REST) for port in self.pool.held)
        else:
            assert port in self.open - set(self.taken)
            assert self.rested(port, REST) or (self.rested(port, REST / 4) and self.pool.exhausted(self.now))
            self.taken.append(port)

    def rested(self, port: int, seconds: float) -> bool:
        return port not in self.released or self.released[port] + seconds <= self.now

    @rule(bound=st.booleans())
    def release(self, bound: bool) -> None:
        if self.taken:
            port = self.taken.pop(0)
            self.released[port] = self.now
            self.pool.release(port, self.now, bound=bound)
            if not bound:
                self.open.remove(port)

    @rule()
    def trim(self) -> None:
        surplus = set(self.pool.surplus())
        assert surplus <= self.open - set(self.taken)
        self.open -= surplus

    @invariant()
    def every_port_is_even_in_range_and_in_one_place(self) -> None:
        held = [*self.taken, *self.pool.held, *self.binding]
        assert len(held) == len(set(held))
        assert all(port % 2 == 0 and 30001 <= port < 30021 for port in held)

    @invariant()
    def what_it_counts_on_is_open(self) -> None:
        assert {*self.taken, *self.pool.held} == self.open

    @invariant()
    def not_more_is_bound_than_asked_for(self) -> None:
        assert len(self.binding) <= SIZE

    def teardown(self) -> None:
        """No port is ever lost: when all is released and time has passed, all ten can be had again."""
        while self.taken:
            self.release(bound=True)
        self.now += 100
        for _ in range(10):
            self.refill()
            self.binder_answers(fail=False)
            self.take()
        assert len(self.taken) == 10
        assert self.pool.exhausted(self.now)


TestPool = Pool.TestCase
TestPool.settings = settings(max_examples=60, stateful_step_count=40)


def pool_of(ports: int, *, ready: int) -> PortPool:
    """A pool of so many ports, of which some are ready."""
    pool = PortPool(range(30000, 30000 + 2 * ports), ready=ready, rest=REST)
    pool.bound(pool.wanted(0))
    return pool


def test_a_pool_of_any_size_can_be_half_empty_before_it_asks_again() -> None:
    pool = pool_of(500, ready=8)
    assert len(pool.held) == 8
    for _ in range(3):
        pool.take(0)
    assert pool.wanted(0) == []
    pool.take(0)
    assert len(pool.wanted(0)) == 4


def test_a_port_is_used_again_after_its_rest_without_being_bound_anew() -> None:
    pool = pool_of(500, ready=1)
    port = pool.take(0)
    assert port is not None
    pool.release(port, 10)
    assert pool.take(10 + REST - 0.1) is None
    assert pool.take(10 + REST) == port


def test_where_all_are_in_use_the_one_that_rests_longest_is_used_earlier() -> None:
    pool = pool_of(3, ready=3)
    ports = [pool.take(0) for _ in range(3)]
    for at, port in enumerate(ports):
        assert port is not None
        pool.release(port, at / 10)
    assert pool.take(REST / 4 - 0.1) is None
    assert pool.take(REST / 4) == ports[0]
    assert pool.take(REST / 4) is None


def test_what_was_needed_once_is_closed_when_it_is_not_any_more() -> None:
    pool = pool_of(500, ready=8)
    taken = []
    for _ in range(100):
        taken.append(pool.take(0))
        pool.bound(pool.wanted(0))
    for port in taken:
        assert port is not None
        pool.release(port, 0)
    assert pool.surplus() == []
    assert pool.wanted(REST) == []
    pool.take(REST)
    closed = pool.surplus()
    assert len(pool.held) == 32
    assert not set(closed) & set(pool.held)
    assert len(pool_of(500, ready=8).surplus()) == 0


def test_which_port_is_taken_is_not_to_be_guessed() -> None:
    pools = []
    for _ in range(20):
        pool = PortPool(range(30000, 30020), ready=10, rest=REST)
        pool.wanted(0)
        pool.bound(range(30000, 30020, 2))
        pools.append(tuple(pool.take(0) for _ in range(10)))
    assert len(set(pools)) > 15


def test_ports_come_in_no_guessable_order() -> None:
    orders = {tuple(PortPool(range(30000, 31000), ready=100, rest=REST).wanted(0)) for _ in range(3)}
    assert len(orders) == 3


@pytest.mark.parametrize("ports", [range(0), range(30000, 30001), range(30001, 30003)])
def test_a_range_without_a_pair_is_refused(ports: range) -> None:
    with pytest.raises(ValueError, match="no even port"):
        PortPool(ports, ready=1, rest=REST)
