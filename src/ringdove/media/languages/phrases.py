"""What Ringdove says to callers, whatever the language: each is the id of a text in the table of every language."""

from enum import StrEnum, auto


class Phrase(StrEnum):
    """A whole sentence."""

    IS_NOT_AVAILABLE = auto()
    """Behind a name that was recorded, or a number."""
    LEAVE_A_MESSAGE = auto()
    """After the tone."""
    WHEN_DONE = auto()
    """Hang up, or press hash."""
    MESSAGE_SENT = auto()
    TOO_SHORT = auto()
    NOTHING_RECORDED = auto()
    MAILBOX_FULL = auto()
    NO_ROOM = auto()
    """The mailboxes of all together are full."""

    ENTER_MAILBOX = auto()
    ENTER_PASSWORD = auto()
    LOGIN_INCORRECT = auto()

    FIRST_MESSAGE = auto()
    NEXT_MESSAGE = auto()
    PREVIOUS_MESSAGE = auto()
    LAST_MESSAGE = auto()
    NO_MORE_MESSAGES = auto()
    MESSAGE_SAVED = auto()
    MESSAGE_DELETED = auto()
    MESSAGE_RESTORED = auto()

    RECORD_AFTER_TONE = auto()
    """And press hash."""
    GREETING_SAVED = auto()
    NAME_SAVED = auto()
    SYSTEM_GREETING = auto()
    """Is in use from now on."""

    INVALID_KEY = auto()
    ERROR = auto()
    GOODBYE = auto()


class Choice(StrEnum):
    """What a key is for, in a menu: the first half of a sentence. Which key it is, the menu says."""

    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[str]) -> str:
        return f"to_{name.lower()}"

    ACCEPT_RECORDING = auto()
    HEAR_RECORDING = auto()
    RECORD_AGAIN = auto()

    NEW_MESSAGES = auto()
    OLD_MESSAGES = auto()
    OPTIONS = auto()
    GROUP_MAILBOX = auto()
    """Of the group whose number follows."""
    OWN_MAILBOX = auto()
    EXIT = auto()
    MENU_AGAIN = auto()
    MAIN_MENU = auto()

    ENVELOPE = auto()
    """When the message came, and from whom."""
    PREVIOUS = auto()
    REPEAT = auto()
    NEXT = auto()
    DELETE = auto()
    RESTORE = auto()
    SAVE = auto()

    RECORD_GREETING = auto()
    RECORD_NAME = auto()
    HEAR_GREETING = auto()
    USE_SYSTEM_GREETING = auto()
