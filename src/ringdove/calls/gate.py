"""How many calls run at once, and what the caller of one too many is told (ADR 0017)."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from ringdove.settings import Settings

from .busy import BusyList

QUIET = 60.0
"""Seconds in which, of the calls of one extension that one cap turns away, only the first gets a record."""
COME_BACK = 5
"""Seconds after which a caller may try again where the server as a whole is full."""


class Cap(StrEnum):
    """What a call can be too much for: the names of the settings."""

    CALLS = "max_calls"
    CALLS_PER_EXTENSION = "max_calls_per_extension"
    LEGS = "max_legs"
    CALL_DURATION = "max_call_duration"
    WAIT = "max_wait"


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """A call that is one too many. `reason` is for its record, which it gets only if `recorded`."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    recorded: bool


class Gate:
    """Counts the calls of known callers; `clock` counts seconds. `hits` says how often each cap was met."""

    def __init__(self, settings: Settings, busy: BusyList, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._busy = busy
        self._clock = clock
        self._inside = 0
        self.hits: Counter[Cap] = Counter()
        self._last_recorded: dict[tuple[Cap, int], float] = {}
        self._unrecorded: Counter[tuple[Cap, int]] = Counter()

    def check(self, caller_id: int) -> TurnedAway | None:
        """None where this extension may make one more call now."""
        most, own = self._settings.max_calls, self._settings.max_calls_per_extension
        if self._busy.calls(caller_id) >= own:
            return self._turn_away(Cap.CALLS_PER_EXTENSION, caller_id, 403, f"the caller is in {own} calls already")
        if self._inside >= most:
            back = ("Retry-After", str(COME_BACK))
            return self._turn_away(Cap.CALLS, caller_id, 503, f"{most} calls run already", back)
        return None

    @contextmanager
    def inside(self, caller_id: int) -> Iterator[None]:
        """Count a call of this extension while the block runs."""
        self._inside += 1
        try:
            with self._busy.busy(caller_id):
                yield
        finally:
            self._inside -= 1

    def _turn_away(self, cap: Cap, caller_id: int, status: int, why: str, *more: tuple[str, str]) -> TurnedAway:
        self.hits[cap] += 1
        key, now = (cap, caller_id), self._clock()
        recorded = now - self._last_recorded.get(key, float("-inf")) >= QUIET
        reason = f"{cap}: {why}"
        warning = ("Warning", f'399 ringdove "{reason}"')  # §20.43
        if recorded:
            self._last_recorded[key] = now
            if others := self._unrecorded.pop(key, 0):
                reason += f"; {others} more were turned away since the last record"
        else:
            self._unrecorded[key] += 1
        return TurnedAway(status, reason, (warning, *more), recorded)
