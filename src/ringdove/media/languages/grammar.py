"""What has to be known of a language, beside its texts: how sentences are built of them."""

from collections.abc import Set
from datetime import datetime
from typing import Protocol

Words = tuple[str, ...]
"""Ids of texts, in the order in which they are spoken."""


class Grammar(Protocol):
    """A module of these functions, which are pure. What is out of range raises ValueError."""

    @property
    def WORDS(self) -> Set[str]:  # noqa: N802 - a constant of the module
        """Every id that can come out, but for choices."""
        ...

    def digits(self, text: str) -> Words:
        """A number that is dialled, key by key: 0-9, *, #, and + in front."""
        ...

    def number(self, value: int) -> Words:
        """How many: 0 to 999,999."""
        ...

    def duration(self, seconds: int) -> Words:
        """In minutes and seconds."""
        ...

    def moment(self, when: datetime, now: datetime) -> Words:
        """Day and time of day, as somebody says it at `now`; both in the zone that is spoken of."""
        ...

    def count(self, new: int, old: int) -> Words:
        """How many messages there are."""
        ...

    def received(self, when: datetime, now: datetime) -> Words:
        """When a message came."""
        ...

    def caller(self, number: str | None) -> Words:
        """Whom a message is from; None: that is unknown."""
        ...

    def length(self, seconds: int) -> Words:
        """How long a message is."""
        ...

    def unavailable(self, number: str, group: bool) -> Words:
        """Nobody answers at the extension, or in the group, of this number."""
        ...

    def option(self, choice: str, key: str, number: str) -> Words:
        """Which key is for what; `number` belongs to the choice, and may be empty."""
        ...
