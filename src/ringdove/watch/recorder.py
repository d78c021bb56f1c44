"""Keeps the SIP messages of recent calls in memory, within limits that no flood can move.

Only what belongs to a known call is kept, which a call is once its caller has shown who it is. What may become a call
waits for that in a small buffer, so that the INVITE itself, and the one that was challenged before it, are there too.
"""

import re
from typing import Final

from ringdove.events.bus import Bus
from ringdove.events.types import CallBegan, CallOver, LegBegan
from ringdove.model.ladder import Ladder, LadderLeg, LadderMessage
from ringdove.model.story import Party
from ringdove.net.passage import Direction, Passage
from ringdove.net.source import Sources
from ringdove.sip.hop import Hop
from ringdove.sip.message import Message, Request
from ringdove.sip.parser import parse

from .mask import masked

CALLER: Final = "caller"
OCTETS_PER_CALL: Final = 40 * 1024
"""What a call may take on average: 40 messages or so, as those of a group of four."""
LARGEST_SHARE: Final = 1024 * 1024
"""Octets for one call where the others leave room: a group of a hundred phones."""
WAITING: Final = 256
"""Messages that may become part of a call."""
LONGEST_WAITING: Final = 8 * 1024
"""Octets of one of them."""
OVERHEAD: Final = 400
"""Octets that a kept message takes beside its text, more or less."""

_CSEQ_METHOD = re.compile(rb"^CSeq: *\d+ +([^\s]+)", re.MULTILINE)


_Kept = tuple[float, str, Direction, Hop, bytes]
"""When, which leg, which way, from or to whom, and the octets as they were on the wire."""


class _Call:
    """What is kept of one call."""

    __slots__ = ("began", "id", "left_out", "legs", "messages", "octets")

    def __init__(self, call_id: str, began: float) -> None:
        self.id = call_id
        self.began = began
        self.legs: list[tuple[str, str, Party]] = []
        """Name, Call-ID and party of each."""
        self.messages: list[_Kept] = []
        self.octets = 0
        self.left_out = 0

    def ladder(self, sources: Sources) -> Ladder:
        seen: set[tuple[str, Direction, bytes]] = set()
        messages: list[LadderMessage] = []
        for kept in self.messages:
            _, leg, direction, hop, data = kept
            same = (leg, direction, data)
            messages.append(_message(kept, self.began, sources.local_end(hop), repeated=same in seen))
            seen.add(same)
        legs = [LadderLeg(leg=leg, sip_call_id=call_id, party=party) for leg, call_id, party in self.legs]
        return Ladder(id=self.id, legs=legs, messages=messages, left_out=self.left_out)


_UNKNOWN: Final[tuple[_Call | None, str]] = None, CALLER


class Recorder:
    """An observer that keeps the messages of the last `calls` calls, or of fewer where these have many.

    All together take at most `OCTETS_PER_CALL` for each of `calls`. The oldest go first, those that are over before
    those that run.
    """

    def __init__(self, bus: Bus, calls: int) -> None:
        self._most_calls = calls
        self._most_octets = calls * OCTETS_PER_CALL
        self._share = min(LARGEST_SHARE, self._most_octets // 2)
        self._running: dict[str, _Call] = {}
        self._over: dict[str, _Call] = {}
        self._legs: dict[str, tuple[_Call, str]] = {}
        """The call and leg of each SIP Call-ID."""
        self._waiting: dict[str, list[_Kept]] = {}
        """What may become part of a call, by Call-ID, the oldest first."""
        self._waits = 0
        """How many messages that are."""
        self.octets = 0
        """What is taken by the messages that are kept."""
        self._sources = Sources()
        bus.subscribe(CallBegan, self._began)
        bus.subscribe(LegBegan, self._leg_began)
        bus.subscribe(CallOver, self._ended)

    def __len__(self) -> int:
        return len(self._running) + len(self._over)

    def __call__(self, passage: Passage) -> None:
        """See one message."""
        direction, hop, message, at, octets = passage
        sip_call_id = message.headers.get("Call-ID") or ""
        call, leg = self._legs.get(sip_call_id, _UNKNOWN)
        if call is None and not _may_become_a_call(message):
            return
        kept = at, leg, direction, hop, message.to_bytes() if octets is None else octets
        if call is None:
            self._wait(sip_call_id, kept)
        else:
            self._keep(call, kept)

    def ladder(self, call_id: str) -> Ladder | None:
        """The messages of a call; None where none are kept, any more or yet."""
        call = self._running.get(call_id) or self._over.get(call_id)
        return None if call is None else call.ladder(self._sources)

    def _began(self, event: CallBegan) -> None:
        call = self._running[event.call_id] = _Call(event.call_id, event.began)
        self._add(call, CALLER, event.sip_call_id, event.caller)
        waiting = self._waiting.pop(event.sip_call_id, [])
        self._waits -= len(waiting)
        for kept in waiting:
            self._keep(call, kept)
        self._make_room()

    def _leg_began(self, event: LegBegan) -> None:
        if (call := self._running.get(event.call_id)) is not None:
            self._add(call, event.leg, event.sip_call_id, event.callee)

    def _ended(self, event: CallOver) -> None:
        if (call := self._running.pop(event.story.id, None)) is not None:
            self._over[call.id] = call

    def _add(self, call: _Call, leg: str, sip_call_id: str, party: Party) -> None:
        call.legs.append((leg, sip_call_id, party))
        self._legs[sip_call_id] = call, leg

    def _wait(self, sip_call_id: str, kept: _Kept) -> None:
        if len(kept[-1]) > LONGEST_WAITING:
            return
        self._waiting.setdefault(sip_call_id, []).append(kept)
        self._waits += 1
        while self._waits > WAITING:
            self._waits -= len(self._waiting.pop(next(iter(self._waiting))))

    def _keep(self, call: _Call, kept: _Kept) -> None:
        octets = len(kept[-1]) + OVERHEAD
        if call.octets + octets > self._share:
            call.left_out += 1
            return
        call.messages.append(kept)
        call.octets += octets
        self.octets += octets
        if self.octets > self._most_octets:
            self._make_room()

    def _make_room(self) -> None:
        while len(self) > self._most_calls or self.octets > self._most_octets:
            calls = self._over or self._running
            call = calls.pop(next(iter(calls)))
            self.octets -= call.octets
            for leg, sip_call_id, _ in call.legs:
                if self._legs.get(sip_call_id) == (call, leg):  # else a later call has the same Call-ID
                    del self._legs[sip_call_id]


def _may_become_a_call(message: Message) -> bool:
    if isinstance(message, Request):
        return message.method in ("INVITE", "ACK")
    return (message.headers.get("CSeq") or "").endswith("INVITE")


def _message(kept: _Kept, began: float, local: tuple[str, int], *, repeated: bool) -> LadderMessage:
    at, leg, direction, hop, data = kept
    outbound = direction is Direction.OUT
    if not outbound:
        data = parse(data).to_bytes()  # in our way, as `masked` asks for
    text = masked(data).decode("utf-8", "replace")
    method = _CSEQ_METHOD.search(data)
    theirs, ours = str(hop), str(Hop(hop.transport, *local, *local))
    return LadderMessage(
        time=round(at - began, 6),
        direction="out" if outbound else "in",
        leg=leg,
        source=ours if outbound else theirs,
        destination=theirs if outbound else ours,
        start_line=text.partition("\r\n")[0],
        method=method[1].decode("utf-8", "replace") if method else "",
        repeated=repeated,
        text=text,
    )
