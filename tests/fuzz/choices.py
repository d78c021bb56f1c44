"""Decisions made out of octets, for targets that are fed with steps rather than with text."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """Reads octets from the front; when there are none left it is false, and every number is 0."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def octets(self, count: int) -> bytes:
        """The next `count` octets, or what is left."""
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken

    def rest(self) -> bytes:
        """All that is left."""
        return self.octets(len(self._data))

    def number(self, octets: int = 1) -> int:
        """A number of that many octets."""
        return int.from_bytes(self.octets(octets), "big")

    def flag(self) -> bool:
        """Yes or no."""
        return bool(self.number() & 1)

    def pick(self, among: Sequence[T]) -> T:
        """One of several."""
        return among[self.number() % len(among)]

    def text(self) -> str:
        """Up to 255 octets, as text without lone surrogates."""
        return self.octets(self.number()).decode("utf-8", "replace")
