"""What strangers may cost in a second: token buckets, one for each source and one for all."""

from dataclasses import dataclass

from .sources import Recent


@dataclass(frozen=True, slots=True)
class RateRules:
    """Requests a second, and how many may come at once."""

    source: float = 100.0
    burst: float = 1_000.0
    """An office of 200 phones behind one address that come back after a power cut stays below it."""
    total: float = 2_000.0
    """Each costs 0.1 to 0.2 ms."""
    total_burst: float = 1_000.0
    """What comes at once holds up what comes after it."""
    most: int = 10_000
    """Sources that are remembered."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float = float("-inf")

    def fill(self, rate: float, burst: float, now: float) -> float:
        """What is left in it now."""
        self.left = min(burst, self.left + max(0.0, now - self.at) * rate)
        self.at = now  # also where the clock was set back: it goes on from there
        return self.left


class Rates:
    """Says whether a stranger may ask for one thing more."""

    def __init__(self, rules: RateRules) -> None:
        self.rules = rules
        self._sources: Recent[str, _Bucket] = Recent(rules.most, lambda: _Bucket(rules.burst))
        self._all = _Bucket(rules.total_burst)

    def has_left(self, source: str, now: float) -> bool:
        """Whether it would be let; costs nothing."""
        rules = self.rules
        if self._all.fill(rules.total, rules.total_burst, now) < 1:
            return False
        bucket = self._sources.get(source)
        return bucket is None or bucket.fill(rules.source, rules.burst, now) >= 1

    def spend(self, source: str, now: float, cost: float = 1.0) -> None:
        """It asked for something that costs as much as so many messages; what was not left is owed."""
        rules = self.rules
        bucket = self._sources.touch(source)
        bucket.left = bucket.fill(rules.source, rules.burst, now) - cost
        self._all.left = self._all.fill(rules.total, rules.total_burst, now) - cost
