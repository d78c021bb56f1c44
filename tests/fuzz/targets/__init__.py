"""What is fuzzed, one file each, alike.

A target says what a stranger's octets may lead to: `check` returns, having found each promise kept, or raises. The
exceptions that the code under test documents are no fault; a target catches those, and only where they are promised.
`SEEDS` are inputs to begin with, `WORDS` what is worth putting into them.
"""

from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol, cast

NAMES = tuple(sorted(module.name for module in iter_modules(__path__)))


class Target(Protocol):
    """A module of this package."""

    SEEDS: Sequence[bytes]
    WORDS: Sequence[bytes]

    @staticmethod
    def check(data: bytes) -> None:
        """Raise anything where a promise is broken."""


def load(name: str) -> Target:
    """The target of that name."""
    return cast("Target", import_module(f"{__name__}.{name}"))
