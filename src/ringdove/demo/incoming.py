"""A call that comes to a simulated phone: it rings, and then its owner does what they are like."""

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ringdove.net.endpoint import IncomingRequest
from ringdove.sip.dialog import Dialog
from ringdove.sip.grammar import param_of, parse_params
from ringdove.sip.message import Request

from .line import SDP, Ending, Line, State, audio_of, description_of

if TYPE_CHECKING:
    from .phone import Phone

BUSY: Final = 486
DECLINED: Final = 603


@dataclass(frozen=True, slots=True)
class Answer:
    """Take the call after so many seconds of ringing."""

    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Refuse:
    """Refuse it with this status after so many seconds."""

    status: int = DECLINED
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class LetRing:
    """Do nothing about it."""


Behaviour = Answer | Refuse | LetRing


class IncomingLine(Line):
    """A call to this phone. `ringtone` is the keyword of its Alert-Info, "" for the usual ringing."""

    def __init__(self, phone: "Phone", incoming: IncomingRequest) -> None:
        request = incoming.request
        super().__init__(
            phone, request.from_.display_name or request.from_.uri.user or "", State.RINGING, incoming.source
        )
        self.call_id = request.call_id
        self.caller = request.from_.uri.user or ""
        """The number that calls."""
        self.acknowledged_at: float | None = None
        """When its answer was acknowledged."""
        self.ringtone = _ringtone(request)
        self._incoming = incoming
        self._early = Dialog.as_uas(request, incoming.local_tag, phone.contact)
        self._timer: asyncio.TimerHandle | None = None
        self._hangs_up = False
        incoming.on_cancel = self._cancelled
        incoming.on_no_ack = self._bye

    def ring(self, behaviour: Behaviour) -> None:
        """Ring, and leave the rest to the owner."""
        self._incoming.respond(self._early.respond(self._incoming.request, 180))
        self._become(State.RINGING)
        loop = asyncio.get_running_loop()
        match behaviour:
            case Answer(after):
                self._timer = loop.call_later(after, self.answer)
            case Refuse(status, after):
                self._timer = loop.call_later(after, self.refuse, status)

    def answer(self) -> None:
        """Take the call; 488 where its audio is not for this phone."""
        if self.state is not State.RINGING:
            return
        request = self._incoming.request
        body = self._description(request)
        if body is None:
            self.refuse(488)
            return
        self._incoming.on_ack = self._acknowledged
        self._incoming.respond(self._early.respond(request, 200, body=body, content_type=SDP))
        self._connected(self._early)

    def refuse(self, status: int = DECLINED) -> None:
        """Turn the call down."""
        if self.state is State.RINGING:
            self._incoming.respond(self._early.respond(self._incoming.request, status))
            self._end(Ending.REFUSED, status)

    def hang_up(self) -> None:
        """Turn it down, or end the talk; that waits for the ACK to our answer (§15)."""
        if not self.state.is_up:
            self.refuse()
        elif self.acknowledged_at is not None:
            self._bye()
        else:
            self._hangs_up = True

    def _acknowledged(self, ack: Request) -> None:
        """The ACK carries the answer where the INVITE carried no offer."""
        self.acknowledged_at = time.monotonic()
        if self._hangs_up:
            self._bye()
            return
        answer = description_of(ack)
        if answer is not None and self.state is State.TALKING:
            self._follow(audio_of(answer))

    def _cancelled(self, cancel: Request | None) -> None:
        self._incoming.respond(self._early.respond(self._incoming.request, 487))
        self._end(Ending.CANCELLED, 487, (cancel.headers.get("Reason") if cancel else None) or "")

    def _end(self, ending: Ending, status: int | None = None, reason: str = "") -> None:
        if self._timer is not None:
            self._timer.cancel()
        super()._end(ending, status, reason)


def _ringtone(request: Request) -> str:
    """The `info` of the first Alert-Info (RFC 3261 §20.4)."""
    _, _, params = (request.headers.get("Alert-Info") or "").partition(">")
    return (param_of(parse_params(params, "Alert-Info"), "info") or "").strip('"')
