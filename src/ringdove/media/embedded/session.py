"""The media of one call in the parent: the whole state, declaratively. The child is only told what follows from it."""

import asyncio
from collections import defaultdict
from typing import Protocol

from ringdove.media.embedded.party import Party, audio_of
from ringdove.media.embedded.wire import Freed, Stream
from ringdove.media.engine import Flow, Media, PartyId, Profile, SessionClosed, SessionId, Stats
from ringdove.sip.sdp import Direction, SessionDescription


class Switch(Protocol):
    """What a session needs of its engine."""

    address: str
    """The address that goes into descriptions."""

    async def lease(self, session: "EmbeddedSession", party: PartyId) -> int:
        """A port pair, bound; raises NoPortsLeft, EngineUnavailable."""
        ...

    def free(self, port: int) -> asyncio.Future[Freed]:
        """Close a pair; the future brings its counts and never fails."""
        ...

    def tell(self, stream: Stream) -> None:
        """Pass this on to the child, or do nothing while there is none: `replay` follows then."""
        ...

    def forget(self, session: SessionId) -> None:
        """The session is closed."""
        ...


class EmbeddedSession:
    """A `MediaSession`; see there for what each method promises."""

    def __init__(self, sid: SessionId, switch: Switch) -> None:
        self._id = sid
        self._switch = switch
        self._parties: dict[PartyId, Party] = {}
        self._told: dict[int, Stream] = {}
        self._freeing: list[tuple[PartyId, asyncio.Future[Freed]]] = []
        self._closed = False

    @property
    def id(self) -> SessionId:
        """The id it was opened with."""
        return self._id

    def offered(self, p: PartyId, offer: SessionDescription) -> None:
        """Note an offer that will be answered later."""
        self._check_open()
        media = audio_of(offer)
        self._party(p).pending = media

    async def reserve(self, p: PartyId) -> None:
        """A port, leased now."""
        self._check_open()
        await self._port(p)

    async def accept(
        self, p: PartyId, offer: SessionDescription, profile: Profile = Profile.PLAIN, prefer: PartyId | None = None
    ) -> Media:
        """The answer to a leg's first offer."""
        self._check_open()
        media = audio_of(offer)
        known = self._parties.get(p)
        if known is not None and known.ours is not None and known.answers == media:
            return known.ours
        port = await self._port(p)
        party = self._party(p)
        peer = self._peer(party) or (self._parties.get(prefer) if prefer is not None else None)
        answer = party.answer(self._switch.address, port, media, peer)
        self._push()
        return answer

    async def invite(self, p: PartyId, toward: PartyId | None = None, profile: Profile = Profile.PLAIN) -> Media:
        """A leg's first offer."""
        self._check_open()
        port = await self._port(p)
        other = self._parties.get(toward) if toward is not None else None
        return self._party(p).offer(self._switch.address, port, other, None)

    async def bridge(self, a: PartyId, b: PartyId, answer: SessionDescription | None = None) -> list[PartyId]:
        """Two-way audio."""
        self._check_open()
        if a == b:
            raise ValueError("a party cannot be bridged with itself")
        if answer is not None:
            self._party(b).take_answer(audio_of(answer))
        one, other = self._party(a), self._party(b)
        if (one.peer, other.peer) != (b, a):
            self._unlink(one)
            self._unlink(other)
            one.peer, other.peer = b, a
        self._push()
        return self._mismatched(one)

    async def answered(self, p: PartyId, answer: SessionDescription) -> list[PartyId]:
        """An answer to our last offer."""
        self._check_open()
        party = self._party(p)
        party.take_answer(audio_of(answer))
        self._push()
        return self._mismatched(party)

    async def reoffer(self, p: PartyId, offer: SessionDescription) -> Media:
        """The answer to a re-INVITE."""
        self._check_open()
        media = audio_of(offer)
        port = await self._port(p)
        party = self._party(p)
        answer = party.answer(self._switch.address, port, media, self._peer(party))
        self._push()
        return answer

    async def remake(self, p: PartyId, *, toward: PartyId | None = None, direction: Direction | None = None) -> Media:
        """A fresh offer for a party that is there already."""
        self._check_open()
        port = await self._port(p)
        party = self._party(p)
        other = self._parties.get(toward) if toward is not None else self._peer(party)
        return party.offer(self._switch.address, port, other, direction)

    def refused(self, p: PartyId) -> None:
        """An offer came to nothing."""
        if p in self._parties:
            self._parties[p].pending = None

    async def part(self, a: PartyId, b: PartyId) -> None:
        """Silence between two."""
        one = self._parties.get(a)
        if one is not None and one.peer == b:
            self._unlink(one)
            self._push()

    async def drop(self, p: PartyId) -> None:
        """Forget a leg."""
        party = self._parties.pop(p, None)
        if party is None:
            return
        self._unlink(party)
        self._push()
        self._release(party)

    async def close(self) -> Stats:
        """End the session."""
        self._end()
        flows: dict[PartyId, Flow] = defaultdict(Flow)
        for party, future in self._freeing:
            count = await asyncio.shield(future)
            flows[party] = flows[party].plus(
                Flow(count.packets_in, count.octets_in, count.packets_out, count.octets_out, count.dropped)
            )
        return Stats(dict(flows))

    def lose(self) -> None:
        """The engine cannot carry it on."""
        self._end()

    def replay(self) -> None:
        """Tell a new child everything."""
        self._told.clear()
        self._push()

    def _end(self) -> None:
        if self._closed:
            return
        self._closed = True
        for party in self._parties.values():
            self._release(party)
        self._parties.clear()
        self._switch.forget(self._id)

    def _check_open(self) -> None:
        if self._closed:
            raise SessionClosed(self._id)

    def _party(self, p: PartyId) -> Party:
        return self._parties.setdefault(p, Party(p))

    def _peer(self, party: Party) -> Party | None:
        return self._parties.get(party.peer) if party.peer is not None else None

    async def _port(self, p: PartyId) -> int:
        """The party's port pair; takes one if it has none."""
        party = self._parties.get(p)
        if party is not None and party.port is not None:
            return party.port
        port = await self._switch.lease(self, p)
        if self._closed:
            self._freeing.append((p, self._switch.free(port)))
            raise SessionClosed(self._id)
        self._party(p).port = port
        return port

    def _release(self, party: Party) -> None:
        if party.port is not None:
            self._told.pop(party.port, None)
            self._freeing.append((party.id, self._switch.free(party.port)))
            party.port = None

    def _unlink(self, party: Party) -> None:
        peer = self._peer(party)
        if peer is not None and peer.peer == party.id:
            peer.peer = None
        party.peer = None

    def _mismatched(self, party: Party) -> list[PartyId]:
        peer = self._peer(party)
        if peer is None or party.meets(peer):
            return []
        return [party.id] if party.could(peer.voice) else [peer.id]

    def _push(self) -> None:
        """Tell the child what is not as it was told last. A party that was never bridged is none of its business."""
        for party in self._parties.values():
            stream = party.stream(self._peer(party))
            if stream is None:
                continue
            before = self._told.get(stream.port)
            if stream == before or (before is None and stream.peer is None):
                continue
            self._told[stream.port] = stream
            self._switch.tell(stream)
