"""INVITE client transaction (RFC 3261 §17.1.1, RFC 6026 §8.4), with the client's side of CANCEL (§9.1)."""

from collections.abc import Iterable
from enum import Enum, auto
from typing import Any, Final

from ..hop import Hop
from ..message import Request, Response
from .actions import Action, DeliverResponse, Failure, Send, StartCancel
from .asking import Asking
from .derived import ack_of, cancel_of
from .keys import ClientKey, DialogTransaction, dialog_transaction
from .machine import Said
from .schedule import Schedule
from .timers import Timers

MAX_ANSWERS: Final = 16
"""How many phones behind one forked INVITE may answer it; what comes after them is taken for abuse."""


class State(Enum):
    """As in RFC 6026 figure 5."""

    CALLING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    ACCEPTED = auto()
    TERMINATED = auto()


class InviteClient(Asking):
    """One INVITE of ours; its timers are A and B."""

    __slots__ = ("_ack", "_cancel", "_cancelled", "answers", "state")

    def __init__(
        self,
        key: ClientKey,
        request: Request,
        hop: Hop,
        timers: Timers,
        schedule: Schedule[Any],
        data: bytes | None = None,
    ) -> None:
        super().__init__(key, request, hop, timers, schedule, data)
        self.state = State.CALLING
        self.answers: dict[DialogTransaction, Said | None] = {}
        """The 2xx responses as their ACKs will name them, with those ACKs."""
        self._ack: Said | None = None
        self._cancel: Request | None = None
        self._cancelled = False

    def receive(self, response: Response, now: float) -> list[Action]:
        """A response that matches."""
        match self.state:
            case State.CALLING | State.PROCEEDING:
                return self._waiting(response, now)
            case State.COMPLETED if response.status >= 300 and self._ack is not None:
                return [self._ack.again()]
            case State.ACCEPTED if response.is_success:
                return self._accepted(response)
        return []

    def cancel(self, headers: Iterable[tuple[str, str]], now: float) -> list[Action]:
        """Ask the far end to stop: now if it has shown itself by a provisional response, else as soon as it does.

        Nothing happens once a final response is there.
        """
        if self._cancelled or self.request is None:
            return []
        self._cancelled = True
        self._cancel = cancel_of(self.request, headers)
        return self._send_cancel(now) if self.state is State.PROCEEDING else []

    def acknowledged(self, answer: DialogTransaction, ack: Send) -> None:
        """A 2xx gets its ACK, and the same again whenever it is repeated (§13.2.2.4)."""
        if self.state is State.ACCEPTED:
            self.answers[answer] = Said.of(ack)

    def transport_failed(self) -> list[Action]:
        """The INVITE or its CANCEL cannot be delivered."""
        if self.state in (State.CALLING, State.PROCEEDING):
            return self._fail(Failure.TRANSPORT)
        return []

    def _waiting(self, response: Response, now: float) -> list[Action]:
        deliver = DeliverResponse(self.key, response)
        if not response.is_final:
            if self.state is State.PROCEEDING:  # after a CANCEL the wait goes on
                return [deliver]
            self._stop()
            self.state = State.PROCEEDING
            return [deliver, *self._send_cancel(now)]
        self._stop()
        invite, self.request, self._send = self.request, None, None  # the transaction outlives the call
        if response.is_success:
            self.state = State.ACCEPTED
            self._set_over(self.timers.timeout, now)  # M
            return self._accepted(response)
        assert invite is not None  # noqa: S101 - it waits for a response
        ack = ack_of(invite, response)
        send = Send(ack, ack.to_bytes(), self.hop)
        self._ack = Said.of(send)
        self.state = State.COMPLETED
        self._set_over(self.timers.d(self.hop.reliable), now)
        return [send, deliver]

    def _accepted(self, response: Response) -> list[Action]:
        answer = dialog_transaction(response)
        if answer not in self.answers and len(self.answers) == MAX_ANSWERS:
            return []
        acknowledged = self.answers.setdefault(answer)
        return [DeliverResponse(self.key, response) if acknowledged is None else acknowledged.again()]

    def _send_cancel(self, now: float) -> list[Action]:
        if self._cancel is None:
            return []
        cancel, self._cancel = self._cancel, None
        self._set_over(self.timers.timeout, now)
        return [StartCancel(cancel, self.hop)]

    def _again(self, now: float) -> list[Action]:
        self._interval *= 2
        self._set_again(self._interval, now)
        return self._sends()

    def _time_is_over(self, now: float) -> list[Action]:
        waits = self.state in (State.CALLING, State.PROCEEDING)
        return self._fail(Failure.TIMEOUT) if waits else self._end()

    def _end(self) -> list[Action]:
        self.state = State.TERMINATED
        return super()._end()
