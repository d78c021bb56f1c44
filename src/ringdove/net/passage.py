"""One message as it comes or goes, for whoever looks on."""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from ringdove.sip.hop import Hop
from ringdove.sip.message import Message


class Direction(Enum):
    """Which way a message went."""

    IN = "in"
    OUT = "out"


class Passage(NamedTuple):
    """A message that comes or goes. `at` is the endpoint's time.

    `octets` are those on the wire, where they are known: of what came over a stream they are not.
    """

    direction: Direction
    hop: Hop
    message: Message
    at: float
    octets: bytes | None

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
