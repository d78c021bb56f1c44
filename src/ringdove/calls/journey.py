"""The life of a call: who calls, where it goes, who answers, how it ends. Reads top to bottom."""

from functools import lru_cache

import structlog

from ringdove.events.bus import Bus
from ringdove.events.types import CallBegan, CallOver
from ringdove.media.engine import Stats
from ringdove.model.destination import Destination
from ringdove.model.reference import Dialable
from ringdove.model.story import EndedBy, HopOutcome
from ringdove.sip.message import Response

from . import features
from .book import Book
from .call import Call
from .destinations import KINDS, end_call
from .gate import TurnedAway
from .inbox import CallEnded
from .summary import summary

log = structlog.get_logger(__name__)

MAX_HOPS = 20
"""Destinations that one call may enter (R12)."""


async def run(call: Call) -> None:
    """Live through the call, in a task of its own; returns when it is over. Its record is left with the keeper of
    records.
    """
    who = await call.board.authenticate(call.caller.request, call.caller.hop)
    if isinstance(who, Response):
        call.caller.challenge(who)
        return
    call.comes_from(who)
    gate = call.board.gate
    structlog.contextvars.bind_contextvars(call=call.id)  # for all that this task does
    if (one_too_many := gate.check(who.id)) is not None:
        _turn_away(call, one_too_many)
        return
    _tell_of_its_beginning(call.book, call.board.bus)
    try:
        with call.board.records.record(call.book.story), gate.inside(who.id):
            await _live(call)
    finally:
        await _close(call)


def _tell_of_its_beginning(book: Book, bus: Bus) -> None:
    story = book.story
    bus.publish(CallBegan(story.id, story.sip_call_id, story.caller, book.began))
    log.debug("call_began", caller=story.caller.number, dialled=story.dialled, sip_call_id=story.sip_call_id)


async def _close(call: Call) -> None:
    """Give back what it held, and tell what it came to."""
    audio: Stats | None = None
    try:
        audio = await call.close_media()
    finally:
        log.info("call_over", **summary(call.book.story))
        call.board.bus.publish(CallOver(call.book.story, audio))


def _turn_away(call: Call, one_too_many: TurnedAway) -> None:
    """It costs no port and rings nobody, and a flood of its like does not fill the records."""
    call.refuse(one_too_many.status, one_too_many.reason, one_too_many.headers)
    call.hang_up()
    if one_too_many.recorded:
        log.warning("call_turned_away", reason=one_too_many.reason)
        call.board.records.finish(call.book.story)
    call.board.bus.publish(CallOver(call.book.story))


async def _live(call: Call) -> None:
    """Whatever happens on the way, everybody is told goodbye at its end."""
    try:
        await _travel(call)
    except CallEnded as end:
        call.book.ended(EndedBy.SERVER, str(end))
        call.refuse(end.status)
    except Exception:
        log.exception("call_broke")
        call.book.ended(EndedBy.SERVER, "an error in the server")
        call.refuse(500)
    finally:
        call.hang_up()


async def _travel(call: Call) -> None:
    """Hear the caller's offer, then go from destination to destination until one keeps the call."""
    if call.caller.is_over or not await call.hear_offer():
        return
    visited: set[Destination] = set()
    destination = await _route(call)
    while destination is not None and not call.caller.is_over:
        if destination in visited or len(visited) == MAX_HOPS:
            _stray(call, destination, again=destination in visited)
            return
        visited.add(destination)
        enter = KINDS.get(destination.kind, end_call.enter)
        destination = await enter(call, destination)
        if destination is not None:
            call.board.records.save(call.book.story)  # a crash leaves what is known up to here


def _stray(call: Call, destination: Destination, *, again: bool) -> None:
    """This way has no end (R12)."""
    here = f"{destination.kind} {destination.value}"
    reason = f"a loop: {here} comes a second time" if again else f"more than {MAX_HOPS} destinations"
    outcome = HopOutcome.LOOP if again else HopOutcome.TOO_FAR
    with call.book.hop(destination.kind, destination.value, outcome=outcome):
        call.refuse(482, reason)


async def _route(call: Call) -> Destination | None:
    """Where the number leads that was dialled, or the feature code."""
    dialled = call.book.story.dialled
    if (feature := features.find(dialled, call.board.settings)) is not None:
        return await feature(call)
    found = await call.board.store.numbers.find(dialled)
    if found is None:
        call.refuse(404, "nobody has this number")
        return None
    return _destination(found)


@lru_cache(1024)
def _destination(dialled: Dialable) -> Destination:
    """The same again for who is dialled often: to check one costs more than to find it."""
    return Destination(kind=dialled.kind, value=str(dialled.id))
