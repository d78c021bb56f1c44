"""Who is in a call: counted from our own calls, by extension id (R1)."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from ringdove.events.bus import Bus
from ringdove.events.types import BusyChanged


class BusyList:
    """How many calls each extension is in; tells the bus of every change."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._calls: Counter[int] = Counter()

    def calls(self, extension_id: int) -> int:
        """How many calls it is in: as the caller, or as who answered."""
        return self._calls[extension_id]

    @contextmanager
    def busy(self, extension_id: int) -> Iterator[None]:
        """Count a call of this extension while the block runs."""
        self._calls[extension_id] += 1
        self._bus.publish(BusyChanged(extension_id))
        try:
            yield
        finally:
            self._calls[extension_id] -= 1
            if not self._calls[extension_id]:
                del self._calls[extension_id]
            self._bus.publish(BusyChanged(extension_id))
