"""The mailbox that somebody dials into: login, menu, messages, greetings (docs/voicemail.md has its keys).

Each file is one menu. What is said comes from `media.speech`, what happens to messages and greetings is the postbox's.
"""

from .visit import of_anybody, of_caller

__all__ = ["of_anybody", "of_caller"]
