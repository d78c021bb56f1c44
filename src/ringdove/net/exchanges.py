"""The requests in hand, in both directions, and who is told of what becomes of them."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any, Final

from ringdove.sip.message import Response
from ringdove.sip.transaction import (
    AckReceived,
    Action,
    Cancelled,
    ClientKey,
    DeliverResponse,
    Ended,
    Failed,
    Failure,
    NoAck,
    ServerKey,
)

from .calling import called
from .exchange import IncomingRequest, OutgoingRequest

_LOOK_AGAIN: Final = 0.02
"""Seconds between two looks at what is still open at the end."""


class Exchanges:
    """Who waits for what, by the transaction.

    Transactions last up to half a minute longer than what they were for, so a request is let go of as soon as there is
    nothing more to tell: with it goes the call that it belonged to.
    """

    def __init__(self) -> None:
        self.incoming: dict[ServerKey, IncomingRequest] = {}
        self.outgoing: dict[ClientKey, OutgoingRequest] = {}
        self.failed: Counter[tuple[str, str]] = Counter()
        """See `Endpoint.failed`."""
        self.by_action: dict[type[Action], Callable[[Any], None]] = {
            DeliverResponse: self._responded,
            Failed: self._failed,
            Cancelled: self._cancelled,
            AckReceived: self._acknowledged,
            NoAck: self._not_acknowledged,
            Ended: self._ended,
        }
        """What to do about what the transaction layer says."""

    async def all_answered(self, methods: Collection[str], patience: float) -> None:
        """See `Endpoint.all_answered`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        while loop.time() < deadline:
            if all(sent.answered for sent in self.outgoing.values() if sent.request.method in methods):
                return
            await asyncio.sleep(_LOOK_AGAIN)

    def answered(self, key: ServerKey, response: Response) -> None:
        """A request of somebody's is being answered."""
        if response.is_final and not (key.method == "INVITE" and response.is_success):  # else an ACK comes, or does not
            self._forget(key)

    def _responded(self, action: DeliverResponse) -> None:
        key, response = action
        outgoing = self.outgoing.get(key)
        if outgoing is None:
            return
        outgoing.otherwise = None
        tell = outgoing.on_response
        if response.is_final:
            outgoing.answered = True
            if key.method != "INVITE" or not response.is_success:  # else phones behind a fork may answer, too
                self._forget(key)
        called(tell, response)

    def _failed(self, action: Failed) -> None:
        key, failure = action
        outgoing = self.outgoing.get(key)
        if outgoing is None:
            return
        if failure is Failure.TRANSPORT and outgoing.otherwise is not None:
            del self.outgoing[key]  # it goes on under another
            outgoing.otherwise()
        else:
            self.failed[key.method, failure.name.lower()] += 1
            outgoing.answered = True
            tell = outgoing.on_failure
            self._forget(key)
            called(tell, failure)

    def _cancelled(self, action: Cancelled) -> None:
        incoming = self.incoming[action.key]
        if incoming.on_cancel is None or not called(incoming.on_cancel, action.request):
            incoming.reply(487)

    def _acknowledged(self, action: AckReceived) -> None:
        on_ack = self.incoming[action.key].on_ack
        self._forget(action.key)
        if on_ack is not None:
            called(on_ack, action.ack)

    def _not_acknowledged(self, action: NoAck) -> None:
        self.failed["ACK", "timeout"] += 1
        on_no_ack = self.incoming[action.key].on_no_ack
        self._forget(action.key)
        if on_no_ack is not None:
            called(on_no_ack)

    def _ended(self, action: Ended) -> None:
        self._forget(action.key)

    def _forget(self, key: ClientKey | ServerKey) -> None:
        """Nobody is told of it any more."""
        held = self.incoming.pop(key, None) if isinstance(key, ServerKey) else self.outgoing.pop(key, None)
        if held is not None:
            held.over()
