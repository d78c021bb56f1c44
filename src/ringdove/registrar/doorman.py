"""What the endpoint asks before anything is read or kept of what comes from outside (`net.transport.Door`)."""

import time
from collections.abc import Callable, Collection

from ringdove.guard.guard import Guard
from ringdove.sip.event import Event
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request, Response, refusal_of
from ringdove.sip.transaction.keys import stateless_tag

from .authentication import Authenticator
from .bindings import check

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REGISTER, SUBSCRIBE"
COME_BACK = 30
"""Seconds after which a caller may try again where no calls are taken."""


class Doorman:
    """Lets in who shows credentials that can be right, and answers all others from memory, equally and at once.

    `ready` says whether calls are taken. `events` are the event packages that can be subscribed to. `clock` gives Unix
    seconds.
    """

    def __init__(
        self,
        guard: Guard,
        authenticator: Authenticator,
        ready: Callable[[], bool],
        clock: Callable[[], float] = time.time,
        *,
        events: Collection[str],
    ) -> None:
        self._guard = guard
        self._authenticator = authenticator
        self._ready = ready
        self._clock = clock
        self._events = frozenset(events)
        self._allow_events = "Allow-Events", ", ".join(sorted(events))

    def admits(self, source: Hop) -> bool:
        """See `Door`."""
        return self._guard.admits(source.remote, self._clock())

    def trusts(self, source: Hop) -> bool:
        """See `Door`."""
        return self._guard.trusts(source.remote, self._clock())

    def strange(self, source: Hop, cost: float = 1.0) -> None:
        """See `Door`."""
        self._guard.strange(source.remote, self._clock(), cost)

    def answer(self, request: Request, source: Hop) -> Response | None:
        """See `Door`."""
        match request.method:
            case "REGISTER" if (wrong := check(request)) is not None:
                return wrong.response(request, stateless_tag(request))
            case "SUBSCRIBE" if Event.of(request).package not in self._events:
                return _with(request.reply(489, to_tag=stateless_tag(request)), self._allow_events)
            case "INVITE" | "SUBSCRIBE" if not self._ready():
                response = request.reply(503, to_tag=stateless_tag(request))
                return _with(response, ("Retry-After", str(COME_BACK)))
            case "REGISTER" | "INVITE" | "SUBSCRIBE":
                return self._authenticator.challenge(request, source)
        tag = stateless_tag(request)
        match request.method:
            case "OPTIONS":
                # While we drain or start, a proxy that asks finds another server.
                response = request.reply(200 if self._ready() else 503, to_tag=tag)
                return _with(response, ("Allow", ALLOW), self._allow_events, ("Accept", "application/sdp"))
            case method:
                return _with(request.reply(refusal_of(method), to_tag=tag), ("Allow", ALLOW))


def _with(response: Response, *headers: tuple[str, str]) -> Response:
    for name, value in headers:
        response.headers.add(name, value)
    return response
