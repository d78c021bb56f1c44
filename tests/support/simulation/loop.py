"""An asyncio loop whose clock jumps from timer to timer."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

LONGEST = 48 * 3600.0
"""Seconds of simulated time after which somebody must be running in circles."""

BUSIEST = 100_000
"""Turns of the loop in one instant after which somebody must be running in circles."""


class Stuck(AssertionError):
    """Everybody waits for somebody else, or nobody ever comes to rest."""


class SimulatedLoop(asyncio.BaseEventLoop):
    """No sockets, no threads, no real time. A coroutine that waits takes no time; a timer takes exactly its time."""

    def __init__(self) -> None:
        super().__init__()
        self._scheduled: list[asyncio.TimerHandle] = []
        """The heap of timers, which asyncio keeps by this name and its types do not know."""
        self._now = 0.0
        self._turns = 0
        """In this instant."""
        self._clock_resolution = 1e-9
        self._selector = self
        self._resting: list[asyncio.Future[None]] = []

    def time(self) -> float:
        """Seconds since the world began."""
        return self._now

    async def rest(self) -> None:
        """Return when nobody has anything left to do: nothing is ready and no timer runs."""
        future = self.create_future()
        self._resting.append(future)
        await future

    def select(self, timeout: float | None) -> list[Any]:
        """Instead of waiting for sockets: move on to the next timer."""
        self._turns += 1
        if self._turns > BUSIEST:
            raise Stuck("it goes round in circles")
        if self._scheduled:
            if timeout:
                self._turns = 0
                self._now = max(self._now, self._scheduled[0].when())
                if self._now > LONGEST:
                    raise Stuck("it never comes to rest")
        elif timeout is None:
            if not self._resting:
                raise Stuck("everybody waits for somebody else")
            for future in self._resting:
                future.set_result(None)
            self._resting.clear()
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass


def simulated_loop() -> SimulatedLoop:
    """The loop of the world that this is called in."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedLoop)
    return loop


def simulate(story: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a story in a world of its own."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(story())
