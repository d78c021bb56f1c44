"""One call on a simulated phone: what the user agent does (RFC 3261 §13 to §15), and when it did it.

Times are `time.monotonic()`.
"""

import asyncio
import secrets
import time
from abc import ABC, abstractmethod
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from ringdove.net.endpoint import IncomingRequest
from ringdove.sip.dialog import Dialog
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request, Response
from ringdove.sip.sdp import Direction, SdpError, SessionDescription, parse
from ringdove.sip.sdp_exchange import Author, Media, read_audio

from .audio import PCMU, Audio

if TYPE_CHECKING:
    from .phone import Phone

SDP = "application/sdp"


class State(StrEnum):
    """Where a call stands, seen from the phone."""

    CALLING = "calling"
    HEARS_RINGBACK = "hears ringback"
    LISTENS = "listens"
    """The server plays it something until somebody answers (early media)."""
    RINGING = "ringing"
    TALKING = "talking"
    HOLDING = "holding"
    """It has put the other side on hold."""
    OVER = "over"

    @property
    def is_up(self) -> bool:
        """Whether the call has been answered and is not over."""
        return self in (State.TALKING, State.HOLDING)


class Ending(StrEnum):
    """How a call ended, seen from the phone."""

    CANCELLED = "cancelled"
    """It rang, and a CANCEL came."""
    REFUSED = "refused"
    """It rang, and its owner refused."""
    REJECTED = "rejected"
    """Its own call was turned down."""
    GAVE_UP = "gave up"
    """Its own call was not answered, and its owner hung up."""
    HUNG_UP = "hung up"
    """Its owner ended the talk."""
    LEFT = "left"
    """The other side ended the talk."""
    LOST = "lost"
    """The phone vanished."""


class Line(ABC):
    """One call. `party` is who is at the other end, as the phone shows it."""

    def __init__(self, phone: "Phone", party: str, state: State, hop: Hop) -> None:
        self.phone = phone
        self.party = party
        self.call_id = ""
        self.state = state
        self.began_at = time.monotonic()
        """When its INVITE came or went."""
        self.answered_at: float | None = None
        self.held_at: float | None = None
        """When the other side was last put on hold here,"""
        self.resumed_at: float | None = None
        """and when the talk went on."""
        self.over_at: float | None = None
        self.ending: Ending | None = None
        self.status: int | None = None
        """The final status of its INVITE."""
        self.reason = ""
        """The Reason of the CANCEL or BYE that ended it (RFC 3326); "" where none was given."""
        self.audio = Audio(phone.contact.host.strip("[]"), phone.voice, phone.wiring.rtp)
        self._hop = hop
        self._dialog: Dialog | None = None
        self._author = Author(secrets.randbits(48))
        self._settled = asyncio.Event()
        self._over = asyncio.Event()

    async def settled(self) -> bool:
        """Wait until it is answered or over; says whether it was answered."""
        await self._settled.wait()
        return self.answered_at is not None

    async def over(self) -> None:
        """Wait until it is over."""
        await self._over.wait()

    @abstractmethod
    def hang_up(self) -> None:
        """End it, in the way that fits where it stands."""

    def lose(self) -> None:
        """The phone is gone: it ends, and nothing is said."""
        self._end(Ending.LOST)

    def hold(self, method: str = "INVITE") -> None:
        """Put the other side on hold (RFC 3264 §8.4). The owner talks on, and nobody is to hear it.

        `method` may be UPDATE (RFC 3311).
        """
        if self.state is State.TALKING:
            self._propose(Direction.SENDONLY, method)

    def resume(self, method: str = "INVITE") -> None:
        """Go on with the talk."""
        if self.state is State.HOLDING:
            self._propose(Direction.SENDRECV, method)

    def press(self, key: str) -> None:
        """Press a key in a talk, told by INFO (application/dtmf-relay)."""
        if self._dialog is not None and self.state.is_up:
            body = f"Signal={key}\r\nDuration=100\r\n".encode()
            request = self._dialog.request("INFO", body=body, content_type="application/dtmf-relay")
            self.phone.endpoint.send_request(request, self._hop, on_response=ignore, on_failure=ignore)

    # What both directions share once there is a dialog

    def _bye(self) -> None:
        if self._dialog is not None:
            request = self._dialog.request("BYE")
            self.phone.endpoint.send_request(request, self._hop, on_response=ignore, on_failure=ignore)
        self._end(Ending.HUNG_UP)

    def _connected(self, dialog: Dialog) -> None:
        self._dialog = dialog
        self.phone.endpoint.attach(dialog.id, self._on_request)
        self.status = 200
        self.answered_at = time.monotonic()
        self._settled.set()
        self._become(State.TALKING)

    def _end(self, ending: Ending, status: int | None = None, reason: str = "") -> None:
        """The call is over; what comes after the first ending changes nothing."""
        if self.state is State.OVER:
            return
        self.ending, self.reason = ending, reason
        self.status = status if status is not None else self.status
        self.over_at = time.monotonic()
        if self._dialog is not None:
            self.phone.endpoint.detach(self._dialog.id)
        self.audio.close()
        self._settled.set()
        self._over.set()
        self._become(State.OVER)

    def _become(self, state: State) -> None:
        self.state = state
        self.phone.on_change(self)

    def _on_request(self, incoming: IncomingRequest) -> None:
        request, dialog = incoming.request, self._dialog
        if dialog is None:
            incoming.reply(481)
        elif (rejection := dialog.accept(request)) is not None:
            incoming.reply(rejection.status, rejection.reason)
        elif request.method == "BYE":
            incoming.respond(dialog.respond(request, 200))
            self._end(Ending.LEFT, reason=request.headers.get("Reason") or "")
        elif request.method == "INVITE":
            body = self._description(request)
            if body is None:
                incoming.respond(dialog.respond(request, 488))
            else:
                incoming.respond(dialog.respond(request, 200, body=body, content_type=SDP))
        else:
            incoming.respond(dialog.respond(request, 200 if request.method in ("INFO", "OPTIONS") else 405))

    def _propose(self, direction: Direction, method: str) -> None:
        """Offer another direction (§14.1); where it is refused, all stays as it is."""
        if self._dialog is None:
            return
        request = self._dialog.request(method, body=self._author.offer(self._media(direction)), content_type=SDP)
        agreed = partial(self._agreed, self._dialog, direction)
        self.phone.endpoint.send_request(request, self._hop, on_response=agreed, on_failure=ignore)

    def _agreed(self, dialog: Dialog, direction: Direction, response: Response) -> None:
        if not response.is_success:
            return
        dialog.learn(response)
        if response.cseq.method == "INVITE":
            self.phone.endpoint.send_ack(dialog.ack(response.cseq.number), self._hop)
        answer = description_of(response)
        if answer is None or not self.state.is_up:
            return
        self._follow(audio_of(answer))
        if direction is Direction.SENDONLY:
            self.held_at = time.monotonic()
            self._become(State.HOLDING)
        else:
            self.resumed_at = time.monotonic()
            self._become(State.TALKING)

    # Audio

    def _offer(self) -> bytes:
        return self._author.offer(self._media())

    def _description(self, request: Request) -> bytes | None:
        """Our answer to the offer in an INVITE, or an offer where it has none; None where nothing fits this phone."""
        offer = description_of(request)
        if offer is None:
            return None if request.body else self._offer()
        theirs = audio_of(offer)
        if theirs is None:
            return None
        self._follow(theirs)
        return self._author.answer(offer, self._media(theirs.direction.mirrored, theirs.line))

    def _follow(self, theirs: Media | None) -> None:
        if theirs is not None and theirs.address is not None and theirs.direction.receives:
            self.audio.talk(theirs.address, theirs.port)
        else:
            self.audio.quiet()

    def _media(self, direction: Direction = Direction.SENDRECV, line: int = 0) -> Media:
        host = self.phone.contact.host.strip("[]")
        return Media(host, self.audio.port, self.audio.port + 1, (PCMU,), direction, line=line)


def description_of(message: Request | Response) -> SessionDescription | None:
    """The session description in a message; None where it has none, or none that can be read."""
    try:
        return parse(message.body) if message.body and message.content_type == SDP else None
    except SdpError:
        return None


def audio_of(description: SessionDescription) -> Media | None:
    """The audio in a description that this phone can speak."""
    return read_audio(description, lambda codec: codec.key == PCMU.key)


def ignore(_: object) -> None:
    """What is said to a BYE changes nothing."""
