"""Tags, branches and Call-IDs: unique across nodes and not to be guessed (RFC 3261 §8.1.1.4, §8.1.1.7, §19.3)."""

from os import urandom
from typing import Final

MAGIC_COOKIE: Final = "z9hG4bK"
"""What the branch of every RFC 3261 transaction begins with (§8.1.1.7)."""


def new_tag() -> str:
    """A From or To tag."""
    return urandom(8).hex()


def new_branch() -> str:
    """The branch of a Via."""
    return MAGIC_COOKIE + urandom(12).hex()


def new_call_id() -> str:
    """A Call-ID; names no host, as RFC 3261 §8.1.1.4 allows."""
    return urandom(16).hex()
