"""Sources that fail too often have to wait."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from .sources import Recent

TEXT: Final = 127
"""Characters that are kept of what a stranger says."""
SHOWN: Final = 5
"""Of what a source tried, how many are told."""


@dataclass(frozen=True, slots=True)
class BanRules:
    """When a source is banned and for how long; times are seconds."""

    failures: int = 30
    """So many within `window` are too many."""
    window: float = 600.0
    first: float = 600.0
    """How long the first ban lasts; each further one twice as long as the one before it."""
    longest: float = 3_600.0
    memory: float = 86_400.0
    """How long after its end a ban makes the next one longer."""
    most: int = 10_000
    """Sources that are remembered."""


@dataclass(frozen=True, slots=True)
class Ban:
    """A source that is not heard. Times are those of the clock that is passed in."""

    source: str
    reason: str
    """What it failed at last."""
    failures: int
    """How often, since it last succeeded or was banned."""
    since: float
    until: float
    times: int
    """The how manieth ban in a row this is."""
    tried: tuple[str, ...] = ()
    """What it tried last: a few user names or, for a user name, a few sources."""


@dataclass(slots=True)
class _Record:
    failures: deque[tuple[float, str]] = field(default_factory=deque)
    ban: Ban | None = None


class Bans:
    """Counts the failures of each source, and bans it where they are too many. `total` counts bans by reason.

    `on_ban` is told of each ban.
    """

    def __init__(self, rules: BanRules) -> None:
        self.rules = rules
        self.total: Counter[str] = Counter()
        self.on_ban: Callable[[Ban], None] = lambda ban: None
        self._records: Recent[str, _Record] = Recent(rules.most, _Record)

    def failed(self, source: str, reason: str, tried: str, now: float) -> Ban | None:
        """Take note of a failure at `tried`; the ban, where it led to one. A banned source's failures do not count."""
        if self.of(source, now) is not None:
            return None
        record, rules = self._records.touch(source), self.rules
        record.failures.append((now, tried[:TEXT]))
        while record.failures[0][0] <= now - rules.window:
            record.failures.popleft()
        if len(record.failures) < rules.failures:
            return None
        last = record.ban
        times = last.times + 1 if last is not None and now < last.until + rules.memory else 1
        lasts = min(rules.first * 2.0 ** min(times - 1, 64), rules.longest)
        last_tried = dict.fromkeys(name for _, name in reversed(record.failures))
        shown = tuple(last_tried)[:SHOWN]
        record.ban = Ban(source, reason, len(record.failures), now, now + lasts, times, shown)
        record.failures.clear()
        self.total[reason] += 1
        self.on_ban(record.ban)
        return record.ban

    def succeeded(self, source: str, tried: str) -> None:
        """Its failures at this were slips. Those at others stay, or who has one password could guess at all of them."""
        if (record := self._records.get(source)) is not None:
            record.failures = deque(failure for failure in record.failures if failure[1] != tried[:TEXT])

    def of(self, source: str, now: float) -> Ban | None:
        """The ban that is on this source now."""
        record = self._records.get(source)
        ban = record.ban if record is not None else None
        return ban if ban is not None and now < ban.until else None

    def lift(self, source: str, now: float) -> bool:
        """Let a source be heard again, as if nothing had been; False where it is not banned."""
        if self.of(source, now) is None:
            return False
        self._records.pop(source)
        return True

    def active(self, now: float) -> list[Ban]:
        """The bans of this moment, the latest last."""
        bans = [record.ban for record in self._records.values() if record.ban is not None and now < record.ban.until]
        return sorted(bans, key=lambda ban: ban.since)
