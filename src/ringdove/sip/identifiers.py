"""Tags, branches and Call-IDs: unique across nodes and not to be guessed (RFC 3261 §8.1.1.4, §8.1.1.7, §19.3)."""

from os import register_at_fork, urandom
from typing import Final

MAGIC_COOKIE: Final = "z9hG4bK"
"""What the branch of every RFC 3261 transaction begins with (§8.1.1.7)."""

_PIECE: Final = 2048
"""Octets that the system is asked for at once: a call takes a dozen identifiers, each of which was a system call."""


class _Randomness:
    """Random octets of the system, in hexadecimal, each of which is used once. For one thread."""

    def __init__(self) -> None:
        self._digits = ""
        self._used = 0

    def take(self, octets: int) -> str:
        """So many of them."""
        end = self._used + 2 * octets
        if end > len(self._digits):
            self._digits, self._used, end = urandom(_PIECE).hex(), 0, 2 * octets
        begin, self._used = self._used, end
        return self._digits[begin:end]

    def forget(self) -> None:
        """Use no more of what was asked for: a process that was forked has it, too."""
        self._digits = ""


_randomness = _Randomness()
register_at_fork(after_in_child=_randomness.forget)


def new_tag() -> str:
    """A From or To tag."""
    return _randomness.take(8)


def new_branch() -> str:
    """The branch of a Via."""
    return MAGIC_COOKIE + _randomness.take(12)


def new_call_id() -> str:
    """A Call-ID; names no host, as RFC 3261 §8.1.1.4 allows."""
    return _randomness.take(16)
