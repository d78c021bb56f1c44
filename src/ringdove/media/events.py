"""What a media engine tells of by itself, and by which names. Call code takes all of it from `media.engine`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

SessionId = NewType("SessionId", str)
"""Ours, unique across nodes."""
PartyId = NewType("PartyId", str)
"""Ours, unique within its session: one leg of a call."""

ItemId = NewType("ItemId", str)
"""Ours, unique within its session: one thing that is played to somebody."""
RecordingId = NewType("RecordingId", str)
"""Ours, unique within its session."""


class PlayEnding(StrEnum):
    """How an item ended by itself."""

    FINISHED = "finished"
    BROKEN = "broken"
    """A track could not be read; the next item began."""


@dataclass(frozen=True, slots=True)
class PlayEnded:
    """An item has been played to its end, or cannot be; not told of what was stopped or replaced."""

    session: SessionId
    party: PartyId
    item: ItemId
    how: PlayEnding
    at: float


@dataclass(frozen=True, slots=True)
class DigitHeard:
    """A party pressed a key (RFC 4733); told once, when the key was let go. `digit`: 0-9, *, #, A-D."""

    session: SessionId
    party: PartyId
    digit: str
    seconds: float
    """How long the key was held."""
    at: float


@dataclass(frozen=True, slots=True)
class MediaSilent:
    """A bridged party that should be sending was not heard for so long. Told once per silence."""

    session: SessionId
    party: PartyId
    seconds: float
    at: float
    """Monotonic time in seconds, as in the other events."""


@dataclass(frozen=True, slots=True)
class QuietFor:
    """None of the parties of a recording was heard speaking for so long; see `MediaSession.record`. Told once per
    silence.
    """

    session: SessionId
    recording: RecordingId
    seconds: float
    """Since somebody was heard last or, where nobody was yet, since the recording began."""
    at: float


@dataclass(frozen=True, slots=True)
class SessionLost:
    """The engine cannot carry this session on; it is closed. Its calls should end."""

    session: SessionId
    at: float


@dataclass(frozen=True, slots=True)
class EngineDown:
    """The engine went away; audio stands still."""

    at: float


@dataclass(frozen=True, slots=True)
class EngineUp:
    """The engine is ready (at first, or again). Sessions that did not survive were named by SessionLost before."""

    at: float


MediaEvent = PlayEnded | DigitHeard | MediaSilent | QuietFor | SessionLost | EngineDown | EngineUp
