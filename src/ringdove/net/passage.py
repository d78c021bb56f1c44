"""One message as it comes or goes, for whoever looks on."""

from collections.abc import Callable
from enum import Enum

from ringdove.sip.hop import Hop
from ringdove.sip.message import Message


class Direction(Enum):
    """Which way a message went."""

    IN = "in"
    OUT = "out"


class Passage:
    """A message that comes or goes. `at` is the endpoint's time, `local` our address and port towards the far end.

    Of a message that came, `data` are not its octets but the same said in our way: header names in full, one line each.
    """

    __slots__ = ("_data", "at", "direction", "hop", "local", "message")

    def __init__(
        self, direction: Direction, hop: Hop, local: tuple[str, int], message: Message, at: float, data: bytes | None
    ) -> None:
        self.direction = direction
        self.hop = hop
        self.local = local
        self.message = message
        self.at = at
        self._data = data

    @property
    def data(self) -> bytes:
        """The message as octets, with all its secrets."""
        if self._data is None:
            self._data = self.message.to_bytes()
        return self._data


Observer = Callable[[Passage], None]
"""Is shown every message; must not block, and changes nothing."""
