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

    `octets` are those on the wire, where they are known: of what came over a stream they are not.
    """

    __slots__ = ("at", "direction", "hop", "local", "message", "octets")

    def __init__(
        self, direction: Direction, hop: Hop, local: tuple[str, int], message: Message, at: float, octets: bytes | None
    ) -> None:
        self.direction = direction
        self.hop = hop
        self.local = local
        self.message = message
        self.at = at
        self.octets = octets

    @property
    def data(self) -> bytes:
        """The message as octets, with all its secrets.

        Of one that came, they are the same said in our way: header names in full, one line each.
        """
        if self.octets is None or self.direction is Direction.IN:
            return self.message.to_bytes()
        return self.octets


Observer = Callable[[Passage], None]
"""Is shown every message; must not block, and changes nothing."""
