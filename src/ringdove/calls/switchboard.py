"""The door for calls: takes INVITEs, runs one coroutine per call, and knows which calls are running."""

import asyncio
from collections import Counter

import structlog

from ringdove.media.engine import DigitHeard, PlayEnded, QuietFor, SessionId, SessionLost
from ringdove.model.simulation import Simulation
from ringdove.model.story import Story
from ringdove.net.endpoint import IncomingRequest

from .board import Board
from .book import CallState
from .call import Call
from .inbox import CallEvent, Ended, HeardOut, Pressed, Quiet
from .journey import run
from .simulate import simulate

log = structlog.get_logger(__name__)

_LAST_WORDS = 5.0
"""Seconds for calls that the server ends to say goodbye."""
_FAREWELL = 3.0
"""Seconds in which a BYE that was lost is sent again, twice over UDP."""


class Switchboard:
    """The running calls of this node."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._running: dict[Call, asyncio.Task[None]] = {}
        self._by_id: dict[str, Call] = {}
        self._watchers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Close the records that an earlier run of this node left open, and listen to the media engine."""
        await self._board.store.calls.close_open(self._board.node, "the server stopped before the call ended")
        self._watchers = [asyncio.create_task(self._watch_media())]

    def handle(self, incoming: IncomingRequest) -> None:
        """Take an INVITE that opens a dialog."""
        call = Call(self._board, incoming)
        self._by_id[call.id] = call
        self._running[call] = asyncio.create_task(self._run(call))

    @property
    def running(self) -> int:
        """How many calls are running."""
        return len(self._running)

    @property
    def legs(self) -> int:
        """How many legs of running calls are not over, their callers' included."""
        return sum(call.legs_up for call in self._running)

    def states(self) -> dict[CallState, int]:
        """How many calls of known callers are in which state."""
        states = Counter(call.book.state for call in self._running if call.has_caller)
        return {state: states[state] for state in CallState}

    def stories(self) -> list[Story]:
        """The records of the calls whose end is not in the store yet: each is told as running until it is.

        So what was once told as over stays as it was told, whatever happens to this process (ADR 0017).
        """
        running = [call.book.story for call in self._running if call.has_caller]
        return [story.before_its_end() for story in (*self._board.records.unwritten(), *running)]

    async def simulate(self, group_id: int) -> Simulation:
        """The plan of a ring group for the present state; an unknown group rings nobody."""
        group = await self._board.store.ring_groups.get(group_id)
        return Simulation() if group is None else await simulate(self._board, group)

    async def drain(self, patience: float) -> None:
        """Let the running calls end, and end those that have not after `patience` seconds; no new ones may come.

        Returns when the phones have heard of it, as far as they answer.
        """
        if self._running:
            await asyncio.wait(self._running.values(), timeout=patience)
        for call in self._running:
            call.inbox.put(Ended("the server stops"))
        if self._running:
            await asyncio.wait(self._running.values(), timeout=_LAST_WORDS)
        await self._board.endpoint.all_answered("INVITE", "BYE", patience=_FAREWELL)

    async def close(self) -> None:
        """End what still runs, at once, and see the records into the store."""
        tasks = [*self._running.values(), *self._watchers]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._board.lookout.close()
        await self._board.records.close()

    async def _run(self, call: Call) -> None:
        try:
            await run(call)
        except Exception:
            log.exception("call_failed", call=call.id)
            call.caller.refuse(500)
        finally:
            del self._running[call], self._by_id[call.id]

    async def _watch_media(self) -> None:
        async for event in self._board.media.events():
            match event:
                case PlayEnded(session, party, item):
                    self._tell(session, HeardOut(party, item))
                case DigitHeard(session, party, digit):
                    self._tell(session, Pressed(party, digit))
                case QuietFor(session, recording):
                    self._tell(session, Quiet(recording))
                case SessionLost(session):
                    self._tell(session, Ended("the audio of the call was lost"))

    def _tell(self, session: SessionId, event: CallEvent) -> None:
        if (call := self._by_id.get(session)) is not None:
            call.inbox.put(event)
