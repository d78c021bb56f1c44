"""Which RTP ports are free, bound, taken or resting. Pure: the clock is passed in, binding is done by others."""

import os
import random
from collections import deque
from collections.abc import Iterable


class PortPool:
    """Even ports of a range, each standing for a pair.

    A port goes from idle to binding (`wanted`) to ready (`bound`) to taken (`take`). It stays bound through a rest
    (`release`), so that late packets of the last call are not heard in the next, and is ready again, or, where too many
    are, closed (`surplus`) and idle. Which one is taken is random: ports are not to be guessed.
    """

    def __init__(self, ports: range, *, ready: int, rest: float, retry: float = 30.0) -> None:
        """`ports`: first and last+1 of the range; `ready`: how many pairs to hold bound; `rest`: seconds that a
        released port is left alone, a quarter of it where no other is left; `retry`: the same after it could not be
        bound.
        """
        first = ports.start + ports.start % 2
        idle = list(range(first, ports.stop - 1, 2))
        if not idle:
            raise ValueError("the port range holds no even port followed by an odd one")
        random.SystemRandom().shuffle(idle)
        self._idle = deque(idle)
        self._binding: set[int] = set()
        self._ready: list[int] = []
        self._resting: deque[tuple[float, int]] = deque()
        """Bound, and since when they rest."""
        self._away: deque[tuple[float, int]] = deque()
        """Not bound, and until when they are left alone."""
        self._size = min(ready, len(idle))
        self._most = 4 * ready
        """So many ready ones are kept."""
        self._rest = rest
        self._retry = retry

    @property
    def held(self) -> tuple[int, ...]:
        """Ports that are bound and not taken."""
        return (*self._ready, *(port for _, port in self._resting))

    def take(self, now: float) -> int | None:
        """A bound port; None when there is none now."""
        self._wake(now)
        ready = self._ready
        if not ready:
            return self._wake_early(now)
        chosen = int.from_bytes(os.urandom(4), "big") % len(ready)
        port, ready[chosen] = ready[chosen], ready[-1]
        ready.pop()
        return port

    def release(self, port: int, now: float, *, bound: bool = True) -> None:
        """A port was taken and is not needed any more; whether it is still bound."""
        if bound:
            self._resting.append((now, port))
        else:
            self._away.append((now + self._rest, port))

    def wanted(self, now: float, *, at_least: float = 0.5) -> list[int]:
        """Ports to be bound now; none while more than this share of what is to be ready is there. They count as
        binding.
        """
        have = len(self._ready) + len(self._binding)
        if have > self._size * at_least:
            return []
        self._wake(now)
        have = len(self._ready) + len(self._binding)
        ports = [self._idle.popleft() for _ in range(min(max(0, self._size - have), len(self._idle)))]
        self._binding.update(ports)
        return ports

    def surplus(self) -> list[int]:
        """Ready ports that are more than are kept; they count as idle from now on."""
        ports = self._ready[self._most :]
        del self._ready[self._most :]
        self._idle.extend(ports)
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
        """These could not be bound. Ports that nobody wanted bound are ignored."""
        for port in ports:
            if port in self._binding:
                self._binding.remove(port)
                self._away.append((now + self._retry, port))

    def unbind(self) -> None:
        """Whoever held the bound ports is gone. Taken ports stay taken, resting ones go on resting."""
        self._idle.extendleft((*self._ready, *self._binding))
        self._ready.clear()
        self._binding.clear()
        self._away.extendleft((since + self._rest, port) for since, port in reversed(self._resting))
        self._resting.clear()

    def _wake(self, now: float) -> None:
        resting, away = self._resting, self._away
        while resting and resting[0][0] + self._rest <= now:
            self._ready.append(resting.popleft()[1])
        while away and away[0][0] <= now:
            self._idle.append(away.popleft()[1])

    def _wake_early(self, now: float) -> int | None:
        """The port that rests longest, if all others are in use and it has rested at least a little."""
        if self._idle or self._binding or not self._resting or self._resting[0][0] + self._rest / 4 > now:
            return None
        return self._resting.popleft()[1]
