"""OPTIONS towards every binding at an interval: keeps NAT bindings open, and finds phones that are gone."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count

import structlog

from ringdove.model.binding import StoredBinding
from ringdove.net.endpoint import Endpoint, Failure
from ringdove.sip.headers import Headers
from ringdove.sip.hop import Hop
from ringdove.sip.identifiers import new_call_id, new_tag
from ringdove.sip.message import DEFAULT_MAX_FORWARDS, Request, Response
from ringdove.sip.uri import Uri

from .registrar import Registrar

log = structlog.get_logger(__name__)

TICK = 1.0
"""Seconds between two looks at who is due."""


@dataclass(slots=True)
class _Watch:
    """What is known of one binding's flow; nothing is asked while an answer is awaited."""

    hop: Hop
    failures: int = 0
    asking: bool = False


class KeepAlive:
    """Asks each phone every `interval` seconds, at times spread over it. Any final answer means that it is there.

    After `failures` questions in a row without an answer the registrar is told that the phone is unreachable; it is
    asked on, and comes back with its next answer or REGISTER. `clock` counts seconds and never goes back.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        registrar: Registrar,
        *,
        interval: float = 30.0,
        failures: int = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = endpoint
        self._registrar = registrar
        self._interval = interval
        self._failures = failures
        self._clock = clock
        self._watched: dict[tuple[int, str], _Watch] = {}
        self._due: list[tuple[float, int, tuple[int, str], _Watch]] = []
        """When to ask next, the earliest first; a watch that is no longer that of its binding is dropped then."""
        self._order = count()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ask."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop asking."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def tick(self) -> None:
        """Ask those who are due. A phone that is new is asked some time within the interval, one in doubt at once."""
        now = self._clock()
        for binding in self._registrar.newcomers():
            spread = self._interval * random.random()  # noqa: S311 - no secret
            wait = spread if self._registrar.is_reachable(binding) else 0.0
            name = binding.extension_id, binding.key
            watch = self._watched[name] = _Watch(Hop.of_binding(binding))
            heappush(self._due, (now + wait, next(self._order), name, watch))
        due: list[tuple[tuple[int, str], _Watch]] = []
        while self._due and self._due[0][0] <= now:
            due.append(heappop(self._due)[2:])
        asked: list[tuple[StoredBinding, _Watch]] = []
        for name, watch in due:
            if self._watched.get(name) is not watch:
                continue
            current = self._registrar.find(*name)
            if current is None:
                del self._watched[name]
                continue
            heappush(self._due, (now + self._interval, next(self._order), name, watch))
            asked.append((current, watch))
        for binding, watch in asked:  # when all have their next time: a fault may end this
            if not watch.asking:
                self._ask(binding, watch)

    def _ask(self, binding: StoredBinding, watch: _Watch) -> None:
        def answered(response: Response) -> None:
            if response.is_final:
                watch.asking = False
                watch.failures = 0
                self._registrar.mark(binding, reachable=True)

        def failed(_: Failure) -> None:
            watch.asking = False
            watch.failures += 1
            if watch.failures >= self._failures:
                self._registrar.mark(binding, reachable=False)

        self._endpoint.send_request(
            self._options(binding, watch.hop), watch.hop, on_response=answered, on_failure=failed
        )
        watch.asking = True

    def _options(self, binding: StoredBinding, hop: Hop) -> Request:
        contact = Uri.parse(binding.contact).without_headers()
        headers = Headers()
        for route in binding.path:
            headers.add("Route", route)
        headers.add("Max-Forwards", str(DEFAULT_MAX_FORWARDS))
        headers.add("From", f"<{self._endpoint.contact(hop)}>;tag={new_tag()}")
        headers.add("To", f"<{contact}>")
        headers.add("Call-ID", new_call_id())
        headers.add("CSeq", "1 OPTIONS")
        headers.add("Accept", "application/sdp")
        return Request("OPTIONS", contact, headers)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            try:
                self.tick()
            except Exception:
                log.exception("keep_alive_failed")
