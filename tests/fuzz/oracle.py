"""Runs inputs and keeps those that show a fault, made as small as goes."""

import hashlib
import signal
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType

Check = Callable[[bytes], None]
Site = tuple[str, str, int]
"""Exception, file and line: two faults that share all three count as one."""

LARGEST = 65_536
"""Octets of an input at most: a datagram."""
PATIENCE = 0.5
PATIENCE_PER_OCTET = 50e-6
"""Seconds of CPU that an input may take, and more for each octet: many times what any takes in truth, and far less than
something that grows with the square of the length takes at the largest.
"""
SMALLER = 2_000
"""Attempts to make an input smaller."""
MOST = 20
"""Findings after which the others of a run are not kept: there is enough to do."""


class TooSlow(AssertionError):
    """An input took more time than its length explains."""


def judge(check: Check, data: bytes) -> None:
    """Raise where a promise is broken, or takes too long to keep. For the main thread."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise TooSlow(f"more than {limit:.2f} s of CPU for {len(data)} octets")

    limit = PATIENCE + PATIENCE_PER_OCTET * len(data)
    signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit)
    try:
        check(data)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


class Findings:
    """A folder with one small input for each fault."""

    def __init__(self, folder: Path, check: Check) -> None:
        self._folder = folder
        self._check = check
        self._known: set[Site] = set()

    def judge(self, data: bytes) -> None:
        """Run an input; keep it where that shows something new."""
        fault = self._fault(data)
        if fault is None or fault[0] in self._known or len(self._known) >= MOST:
            return
        site, told = fault
        self._known.add(site)
        data = self._smaller(data, site)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / hashlib.sha256(data).hexdigest()[:16]
        path.write_bytes(data)
        print(f"FINDING {path} {told}", flush=True)

    def _fault(self, data: bytes) -> tuple[Site, str] | None:
        try:
            judge(self._check, data)
        except TooSlow as error:  # wherever it was just then
            return (TooSlow.__name__, "", 0), f"TooSlow: {error}"
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            told = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno} {error}".replace("\n", " ")
            return (type(error).__name__, last.filename, last.lineno or 0), told
        return None

    def _smaller(self, data: bytes, site: Site) -> bytes:
        """Leave out what the fault does not need, in ever smaller pieces."""
        if site[0] == TooSlow.__name__:
            return data
        size, tried = len(data) // 2, 0
        while size:
            at = 0
            while at < len(data) and tried < SMALLER:
                tried += 1
                shorter = data[:at] + data[at + size :]
                fault = self._fault(shorter)
                if fault is not None and fault[0] == site:
                    data = shorter
                else:
                    at += size
            size //= 2
        return data
