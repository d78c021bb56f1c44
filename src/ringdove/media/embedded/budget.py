"""How much of something is taken. Pure: the clock is passed in."""


class Budget:
    """So many a second on average, and `burst` at once after a pause."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = self._left = burst
        self._at = 0.0

    def takes(self, now: float) -> bool:
        """Whether one more is taken."""
        left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        taken = left >= 1
        self._left = left - taken
        return taken
