"""Who is in a call: counted from our own calls, by extension id (R1)."""

from collections.abc import Iterator
from contextlib import contextmanager

from ringdove.events.bus import Bus
from ringdove.events.types import BusyChanged


class BusyList:
    """How many calls each extension is in, of at most `most`; tells the bus of what others may have to know."""

    def __init__(self, bus: Bus, most: int) -> None:
        self._bus = bus
        self._most = most
        self._calls: dict[int, int] = {}

    def calls(self, extension_id: int) -> int:
        """How many calls it is in: as the caller, or as who answered."""
        return self._calls.get(extension_id, 0)

    @contextmanager
    def busy(self, extension_id: int) -> Iterator[None]:
        """Count a call of this extension while the block runs."""
        self._count(extension_id, 1)
        try:
            yield
        finally:
            self._count(extension_id, -1)

    def _count(self, extension_id: int, more: int) -> None:
        before = self.calls(extension_id)
        after = before + more
        if after:
            self._calls[extension_id] = after
        else:
            del self._calls[extension_id]
        full = (before < self._most) != (after < self._most)
        if full or not (before and after):
            self._bus.publish(BusyChanged(extension_id, full))
