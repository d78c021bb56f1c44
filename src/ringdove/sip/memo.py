"""Remembering what was read: phones say the same again in every message of a call, and in every call.

Only for what comes back, if but within a call: to remember what never does costs more than to read it.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeVar

ENTRIES: Final = 4096
LONGEST: Final = 512
"""Texts come from the network: how many are remembered, and up to how many characters, is bounded."""

T = TypeVar("T")


def remembered(read: Callable[[str], T], entries: int = ENTRIES) -> Callable[[str], T]:
    """`read`, a pure function of a text to something that does not change, with a memory of its latest results.

    What it raises is not remembered.
    """
    kept = lru_cache(entries)(read)

    def recall(text: str) -> T:
        return kept(text) if len(text) <= LONGEST else read(text)

    return recall
