"""Remembering what was read: phones say the same again in every message of a call, and in every call.

Only for what comes back, if but within a call: to remember what never does costs more than to read it.
"""

from collections.abc import Callable
from typing import Final, TypeVar

ENTRIES: Final = 4096
LONGEST: Final = 512
"""Texts come from the network: how many are remembered, and up to how many characters, is bounded."""

T = TypeVar("T")


def remembered(read: Callable[[str], T], entries: int = ENTRIES) -> Callable[[str], T]:
    """`read`, a pure function of a text to something that does not change, with a memory of its latest results.

    What it raises is not remembered.
    """
    return _Memory(read, entries).__getitem__


class _Memory(dict[str, T]):
    """What is in it is found without a line of Python. When it is full, it begins anew, which costs the least."""

    __slots__ = ("_entries", "_read")

    def __init__(self, read: Callable[[str], T], entries: int) -> None:
        self._read = read
        self._entries = entries

    def __missing__(self, text: str) -> T:
        value = self._read(text)
        if len(text) <= LONGEST:
            if len(self) >= self._entries:
                self.clear()
            self[text] = value
        return value
