"""Which RTP ports are free, bound ahead, or resting. Pure: the clock is passed in, binding is done by others."""

import random
from collections import deque
from collections.abc import Iterable


class PortPool:
    """Even ports of a range, each standing for a pair.

    A port goes from idle to binding (`wanted`) to ready (`bound`) to taken (`take`), and back through a rest
    (`release`), so that late packets of the last call are not heard in the next. Order is random: ports are not to
    be guessed.
    """

    def __init__(self, ports: range, *, ready: int, rest: float, retry: float = 30.0) -> None:
        """`ports`: first and last+1 of the range; `ready`: how many pairs to hold bound; `rest`, `retry`: seconds
        that a released port, and one that could not be bound, is left alone.
        """
        first = ports.start + ports.start % 2
        self._idle = deque(range(first, ports.stop - 1, 2))
        if not self._idle:
            raise ValueError("the port range holds no even port followed by an odd one")
        shuffled = list(self._idle)
        random.SystemRandom().shuffle(shuffled)
        self._idle = deque(shuffled)
        self._resting: deque[tuple[float, int]] = deque()
        self._failed: deque[tuple[float, int]] = deque()
        self._binding: set[int] = set()
        self._ready: deque[int] = deque()
        self._size = min(ready, len(self._idle))
        self._rest = rest
        self._retry = retry

    @property
    def ready(self) -> tuple[int, ...]:
        """Ports bound and not taken."""
        return tuple(self._ready)

    def take(self) -> int | None:
        """A bound port; None when there is none now."""
        return self._ready.popleft() if self._ready else None

    def release(self, port: int, now: float) -> None:
        """A taken port was closed."""
        self._resting.append((now + self._rest, port))

    def wanted(self, now: float, *, at_least: float = 0.5) -> list[int]:
        """Ports to be bound now; none while more than this share of what is to be ready is there. They count as
        binding.
        """
        self._wake(now)
        have = len(self._ready) + len(self._binding)
        if have > self._size * at_least:
            return []
        ports = [self._idle.popleft() for _ in range(min(self._size - have, len(self._idle)))]
        self._binding.update(ports)
        return ports

    def exhausted(self, now: float) -> bool:
        """Whether no port can be had by waiting a moment."""
        self._wake(now)
        return not (self._ready or self._binding or self._idle)

    def bound(self, ports: Iterable[int]) -> None:
        """These were bound. Ports that nobody wanted bound are ignored."""
        for port in ports:
            if port in self._binding:
                self._binding.remove(port)
                self._ready.append(port)

    def failed(self, ports: Iterable[int], now: float) -> None:
        """These could not be bound, or no longer."""
        for port in ports:
            if port in self._binding:
                self._binding.remove(port)
            elif port in self._ready:
                self._ready.remove(port)
            else:
                continue
            self._failed.append((now + self._retry, port))

    def unbind(self) -> None:
        """Whoever held the bound ports is gone: nothing is ready any more. Taken ports stay taken."""
        self._idle.extendleft((*self._ready, *self._binding))
        self._ready.clear()
        self._binding.clear()

    def _wake(self, now: float) -> None:
        for rested in (self._resting, self._failed):
            while rested and rested[0][0] <= now:
                self._idle.append(rested.popleft()[1])
