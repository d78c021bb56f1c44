"""The lamp of a simulated phone that is lit while messages wait (RFC 3842)."""

import re
import time
from typing import Final, NamedTuple

from ringdove.sip.message import Request

SUMMARY: Final = "application/simple-message-summary"

_WAITING = re.compile(r"^messages-waiting *: *(yes|no) *$", re.IGNORECASE | re.MULTILINE)
_VOICE = re.compile(r"^voice-message *: *(\d+)/(\d+)", re.IGNORECASE | re.MULTILINE)


class Lamp(NamedTuple):
    """What the phone was told, and when (`time.monotonic()`): whether messages wait, and how many new and old ones."""

    at: float
    lit: bool
    new: int
    old: int

    def __str__(self) -> str:
        return f"Messages-Waiting: {'yes' if self.lit else 'no'}, {self.new}/{self.old}"


def lamp_of(notify: Request) -> Lamp | None:
    """What a NOTIFY has the lamp show; None where it is about something else (§5.2: numbers may be missing)."""
    text = notify.body.decode("utf-8", "replace").replace("\r\n", "\n")
    waiting = _WAITING.search(text)
    if notify.content_type != SUMMARY or waiting is None:
        return None
    voice = _VOICE.search(text)
    new, old = (int(voice[1]), int(voice[2])) if voice else (0, 0)
    return Lamp(time.monotonic(), waiting[1].lower() == "yes", new, old)
