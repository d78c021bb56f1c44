"""What can happen to a call while it runs, in the order in which it happened.

Legs, the registrar and the media engine put events in; the call's one coroutine takes them out.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringdove.media.engine import ItemId, PartyId, RecordingId

if TYPE_CHECKING:
    from ringdove.model.extension import Extension
    from ringdove.net.endpoint import IncomingRequest
    from ringdove.sip.sdp import SessionDescription

    from .leg import Leg
    from .member import MemberLeg


@dataclass(frozen=True, slots=True)
class CallerGone:
    """The caller gave up before an answer: CANCEL, or BYE on the early dialog."""


@dataclass(frozen=True, slots=True)
class LegRang:
    """A phone said 180 or 183, and the caller knows of nothing yet."""

    leg: "MemberLeg"


@dataclass(frozen=True, slots=True)
class LegAnswered:
    """A phone took the call; its 2xx is acknowledged already."""

    leg: "MemberLeg"


@dataclass(frozen=True, slots=True)
class LegFailed:
    """A phone refused, or could not be reached (408 silence, 503 no transport)."""

    leg: "MemberLeg"
    status: int


@dataclass(frozen=True, slots=True)
class MemberChanged:
    """A member's bindings or calls changed."""

    member: int


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """A member's settings changed; None when it was deleted."""

    member: int
    extension: "Extension | None"


@dataclass(frozen=True, slots=True)
class HungUp:
    """A party of the talk left: BYE, or with `why` a lost dialog, an expired session.

    `reasons` are the Reason values of its BYE (RFC 3326).
    """

    leg: "Leg"
    why: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reoffered:
    """A party sent a re-INVITE or an UPDATE with an offer, or a re-INVITE without one."""

    leg: "Leg"
    incoming: "IncomingRequest"


@dataclass(frozen=True, slots=True)
class Passed:
    """A party sent something for the other one: INFO."""

    leg: "Leg"
    incoming: "IncomingRequest"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A party's ACK carried the answer to an offer that we made in a 200."""

    leg: "Leg"
    answer: "SessionDescription"


@dataclass(frozen=True, slots=True)
class HeardOut:
    """What was played to a party has come to its end, or could not be played."""

    party: PartyId
    item: ItemId


@dataclass(frozen=True, slots=True)
class Pressed:
    """A party pressed a key: 0-9, *, #, A-D. `by_info`: it told so in SIP, not in RTP."""

    party: PartyId
    digit: str
    by_info: bool = False


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing was said on a recording for as long as it was to be told of."""

    recording: RecordingId


@dataclass(frozen=True, slots=True)
class Ended:
    """The server ends the call: its media is lost, its time is over, or the server stops.

    `status` is what the caller is told, in a BYE where it has a 200.
    """

    reason: str
    status: int = 503


CallEvent = (
    CallerGone
    | LegRang
    | LegAnswered
    | LegFailed
    | MemberChanged
    | SettingsChanged
    | HungUp
    | Reoffered
    | Passed
    | Acknowledged
    | HeardOut
    | Pressed
    | Quiet
    | Ended
)


class CallEnded(Exception):
    """Raised in a call that the server ends; says why."""

    def __init__(self, end: Ended) -> None:
        super().__init__(end.reason)
        self.status = end.status


class Inbox:
    """The events of one call; one at a time may wait for them."""

    __slots__ = ("_events", "_is_open", "_waiter")

    def __init__(self) -> None:
        self._events: deque[CallEvent] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._is_open = True

    def put(self, event: CallEvent) -> None:
        """Add an event; never blocks."""
        if self._is_open:
            self._events.append(event)
            if self._waiter is not None:
                _wake(self._waiter)

    def close(self) -> None:
        """Nobody takes events out any more."""
        self._is_open = False
        self._events.clear()

    async def next(self, until: float | None = None) -> CallEvent | None:
        """The next event, or None when the loop's clock reaches `until` first."""
        if not self._events:
            loop = asyncio.get_running_loop()
            waiter = self._waiter = loop.create_future()
            alarm = None if until is None else loop.call_at(until, _wake, waiter)
            try:
                await waiter
            finally:
                self._waiter = None
                if alarm is not None:
                    alarm.cancel()
        # What came with the last tick still counts before it.
        return self._events.popleft() if self._events else None


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
