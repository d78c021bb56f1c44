"""Who is to ring from when to when (design section 3)."""

from enum import StrEnum


class Strategy(StrEnum):
    """The ring strategies of the page."""

    RING_ALL = "ring_all"
    SEQUENTIALLY = "sequentially"
    MEMORY_HUNT = "memory_hunt"
    CUSTOM = "custom"
