"""One call told as data: who called, every hop, every attempt, every code, with times.

Times inside a story are seconds since the call arrived; `started_at` is Unix time in seconds. A running call writes
its story line by line, so its parts are plain objects: what comes from elsewhere is checked where it is read
(`Story.from_json`, `Story.from_data`), not at every line.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter
from pydantic.json_schema import SkipJsonSchema

from ringdove.ring.eligibility import Skip
from ringdove.ring.engine import Outcome

NotYet = Literal[""]
"""What stands in place of a word while that is still open."""


class Disposition(StrEnum):
    """How a call is counted (design section 8)."""

    ANSWERED = "ANSWERED"
    NO_ANSWER = "NO ANSWER"
    BUSY = "BUSY"
    FAILED = "FAILED"
    VOICEMAIL = "VOICEMAIL"
    ABANDONED = "ABANDONED"


class LegResult(StrEnum):
    """How one phone's ringing ended."""

    ANSWERED = "answered"

    # We stopped it.
    ANSWERED_ELSEWHERE = "answered elsewhere"
    NO_ANSWER = "no answer"
    """Its window closed."""
    DECLINED_ELSEWHERE = "declined on another phone"
    REGISTERED_ANEW = "registered anew"
    REMOVED = "removed"
    """The member was deleted or disabled."""
    CALLER_GONE = "caller gone"
    DIVERTED_ELSEWHERE = "sent to voicemail on another phone"
    CALL_ENDED = "call ended"

    DIVERTED = "sent elsewhere"
    """Its phone redirected the call (3xx)."""

    # It failed.
    BUSY = "busy"
    DECLINED = "declined"
    UNAVAILABLE = "unavailable"
    NO_RESPONSE = "no response"
    UNREACHABLE = "unreachable"
    NO_CODEC = "no common codec"
    NO_PORT = "no port for audio"
    """We had none to offer it."""
    HUNG_UP = "hung up"
    """After its answer, before it was connected."""
    REFUSED = "refused"
    """With any other status."""


class HopOutcome(StrEnum):
    """How a hop ended: as the ring rules say, or as only the whole way tells."""

    ANSWERED = Outcome.ANSWERED
    UNANSWERED = Outcome.UNANSWERED
    NOBODY_ONLINE = Outcome.NOBODY_ONLINE
    NOBODY_ELIGIBLE = Outcome.NOBODY_ELIGIBLE
    ABANDONED = Outcome.ABANDONED
    DIVERTED = Outcome.DIVERTED
    LOOP = "loop"
    """The call had been here before (R12)."""
    TOO_FAR = "too_far"
    """The call had been to too many places (R12)."""
    ENDED = "ended"
    """The place is the end of the call."""
    MESSAGE_LEFT = "message_left"
    NO_MESSAGE = "no_message"
    """The caller was heard out, and left none or too short a one."""
    MAILBOX_FULL = "mailbox_full"
    ENTERED = "entered"
    """Somebody dialled into a mailbox and was let in."""
    NOT_ENTERED = "not_entered"
    """Somebody was not let in, or left before."""


class EndedBy(StrEnum):
    """Who ended a call."""

    CALLER = "caller"
    CALLEE = "callee"
    SERVER = "server"


@dataclass(slots=True, kw_only=True)
class Party:
    """Somebody in a call. `id` is the extension's id; None for callers from outside."""

    id: int | None = None
    number: str
    name: str = ""


@dataclass(slots=True, kw_only=True)
class Window:
    """The span [start, stop) in which a member was to ring, in seconds since the group began to ring."""

    start: float
    stop: float


@dataclass(slots=True, kw_only=True)
class LegStory:
    """One INVITE to one phone."""

    leg: str = ""
    """What tells it from the other legs of the call; logs and the ladder use it too."""
    sip_call_id: str = ""
    """The Call-ID that the phone's own log shows."""
    contact: str
    invited_at: float
    trying_at: float | None = None
    """When it said 100."""
    ringing_at: float | None = None
    answered_at: float | None = None
    """When its 200 came, which was acknowledged at once; also where that was too late."""
    ended_at: float | None = None
    status: int | None = None
    """The final SIP status; None while it rings."""
    result: LegResult | NotYet = ""


@dataclass(slots=True, kw_only=True)
class Attempt:
    """What happened to one member in one hop: when it rang, how it ended, or why it was skipped."""

    member: Party
    windows: list[Window] = field(default_factory=list)
    legs: list[LegStory] = field(default_factory=list)
    skipped: Skip | None = None
    result: LegResult | NotYet = ""
    """That of the leg that ended last; but once declined on one phone, it is declined."""


@dataclass(slots=True, kw_only=True)
class Recorded:
    """A message that the caller left: when it began to be recorded, and how many seconds of it are kept."""

    began_at: float
    seconds: float


@dataclass(slots=True, kw_only=True)
class Hop:
    """One destination that the call entered."""

    kind: str
    id: str = ""
    number: str = ""
    name: str = ""
    entered_at: float
    ringing_from: float | None = None
    left_at: float | None = None
    strategy: str | None = None
    attempts: list[Attempt] = field(default_factory=list)
    outcome: HopOutcome | NotYet = ""
    enb_miss_call: bool | None = None
    """Of a ring group that sent the call on to its `fail_dest`: what this setting was then; None for all else."""
    message: Recorded | None = None
    """What was left in a mailbox."""


class HeardKind(StrEnum):
    """What a party was played."""

    JOIN_PROMPT = "join_prompt"
    WELCOME_PROMPT = "welcome_prompt"
    GREETING = "greeting"
    """The prompt of a `play_greeting`, or what a mailbox says before its tone."""
    RINGBACK = "ringback"
    """A tone, after a prompt that nothing follows."""
    MOH = "moh"
    """Music while the other side had it on hold."""


@dataclass(slots=True, kw_only=True)
class Heard:
    """Something that the server played to a party."""

    party: Party
    kind: HeardKind
    name: str = ""
    """Of the prompt or playlist; "" on hold where no music is set, and for the tone."""
    began_at: float
    ended_at: float | None = None


@dataclass(slots=True, kw_only=True)
class Story:
    """The record of one call; `ended_at` is None while it runs."""

    id: str
    started_at: float
    sip_call_id: str = ""
    """The Call-ID of the caller's INVITE."""
    caller: Party
    dialled: str
    progress_at: float | None = None
    """When the caller was first told that it rings, or heard something."""
    hops: list[Hop] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    answered_at: float | None = None
    answered_by: Party | None = None
    acknowledged_at: float | None = None
    """When the caller's ACK came."""
    ended_at: float | None = None
    ended_by: EndedBy | NotYet = ""
    final_status: int | None = None
    """The status that the caller's INVITE got."""
    disposition: Disposition | None = None
    reason: str = ""
    """In words: why it ended as it did."""
    catch_up: SkipJsonSchema[Annotated[Callable[[], None] | None, Field(exclude=True)]] = field(
        default=None, repr=False, compare=False
    )
    """No part of what is told: writes down what changes so often that it is only written when somebody looks."""

    @property
    def message(self) -> Recorded | None:
        """The message that the caller left."""
        return next((hop.message for hop in self.hops if hop.message is not None), None)

    def before_its_end(self) -> "Story":
        """The call as it stands, told as running; it may end after this."""
        if self.catch_up is not None:
            self.catch_up()
        return replace(self, ended_at=None, ended_by="", disposition=None, reason="", catch_up=None)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Story":
        """The story that `to_json` told; raises ValidationError."""
        return _STORY.validate_json(text)

    @classmethod
    def from_data(cls, data: object) -> "Story":
        """The story that an answer holds; raises ValidationError."""
        return _STORY.validate_python(data)

    def to_json(self, *, indent: int | None = None) -> str:
        """The story as JSON text."""
        return _STORY.dump_json(self, indent=indent).decode()


_STORY: Final = TypeAdapter(Story)
