"""The media of one call in the parent: the whole state, declaratively. The child is only told what follows from it."""

import asyncio
import itertools
from collections.abc import Iterable, Set
from pathlib import Path

from ringdove.media.embedded.party import Party, Player, audio_of
from ringdove.media.embedded.switch import Switch
from ringdove.media.embedded.tapes import Tape, Tapes
from ringdove.media.embedded.wire import Freed, Play, Played, Quiet
from ringdove.media.engine import (
    Flow,
    Item,
    ItemId,
    Media,
    NoUsableAudio,
    PartyId,
    PlayEnded,
    PlayEnding,
    Profile,
    QuietFor,
    Recording,
    RecordingId,
    SessionClosed,
    SessionId,
    Stats,
)
from ringdove.sip.sdp import Direction, SessionDescription


class EmbeddedSession:
    """A `MediaSession`; see there for what each method promises."""

    def __init__(self, sid: SessionId, switch: Switch) -> None:
        self._id = sid
        self._switch = switch
        self._parties: dict[PartyId, Party] = {}
        self._tapes = Tapes(switch)
        self._players = itertools.count(1)
        self._flows: dict[PartyId, Flow] = {}
        self._owed = 0
        """Parties whose counts are still to be told."""
        self._closing: list[asyncio.Future[None]] = []
        """Who waits until none is owed any more."""
        self._closed = False

    @property
    def id(self) -> SessionId:
        """The id it was opened with."""
        return self._id

    def offered(self, p: PartyId, offer: SessionDescription) -> None:
        """Note an offer that will be answered later."""
        self._check_open()
        media = self._audio(p, offer)
        self._party(p).pending = media

    async def reserve(self, p: PartyId) -> None:
        """A port, leased now."""
        self._check_open()
        await self._placed(p)

    async def accept(
        self, p: PartyId, offer: SessionDescription, profile: Profile = Profile.PLAIN, prefer: PartyId | None = None
    ) -> Media:
        """The answer to a leg's first offer."""
        self._check_open()
        media = self._audio(p, offer)
        known = self._parties.get(p)
        if known is not None and known.ours is not None and known.answers == media:
            return known.ours
        party, port = await self._placed(p)
        peer = self._peer(party) or (self._parties.get(prefer) if prefer is not None else None)
        answer = party.answer(self._address(party, media.address), port, media, peer)
        self._push(party)
        return answer

    async def invite(
        self, p: PartyId, toward: PartyId | None = None, profile: Profile = Profile.PLAIN, *, at: str | None = None
    ) -> Media:
        """A leg's first offer."""
        self._check_open()
        party, port = await self._placed(p)
        other = self._parties.get(toward) if toward is not None else None
        return party.offer(self._address(party, at), port, other, Direction.SENDRECV)

    async def bridge(self, a: PartyId, b: PartyId, answer: SessionDescription | None = None) -> list[PartyId]:
        """Two-way audio."""
        self._check_open()
        if a == b:
            raise ValueError("a party cannot be bridged with itself")
        if answer is not None:
            self._party(b).take_answer(audio_of(answer))
        one, other = self._party(a), self._party(b)
        left: list[Party] = []
        if (one.peer, other.peer) != (b, a):
            left = [*self._unlink(one), *self._unlink(other)]
            one.peer, other.peer = b, a
        one.player = other.player = None
        self._push(one, *left)
        return self._mismatched(one)

    async def answered(self, p: PartyId, answer: SessionDescription) -> list[PartyId]:
        """An answer to our last offer."""
        self._check_open()
        party = self._party(p)
        party.take_answer(audio_of(answer))
        self._push(party)
        return self._mismatched(party)

    async def reoffer(self, p: PartyId, offer: SessionDescription) -> Media:
        """The answer to a re-INVITE."""
        self._check_open()
        media = audio_of(offer)
        party, port = await self._placed(p)
        answer = party.answer(self._address(party, media.address), port, media, self._peer(party))
        self._push(party)
        return answer

    async def remake(
        self, p: PartyId, *, toward: PartyId | None = None, direction: Direction = Direction.SENDRECV
    ) -> Media:
        """A fresh offer for a party that is there already."""
        self._check_open()
        party, port = await self._placed(p)
        other = self._parties.get(toward) if toward is not None else self._peer(party)
        return party.offer(self._address(party), port, other, direction)

    def refused(self, p: PartyId) -> None:
        """An offer came to nothing."""
        if p in self._parties:
            self._parties[p].pending = None

    def can_play(self, p: PartyId) -> bool:
        """Whether sounds can be played to a party."""
        party = self._parties.get(p)
        return party is not None and party.sound is not None

    def on_hold(self, p: PartyId) -> bool:
        """Whether a party has put the other side on hold."""
        party = self._parties.get(p)
        return party is not None and party.theirs is not None and not party.theirs.direction.receives

    async def play(self, p: PartyId, *items: Item) -> None:
        """Let a party hear something."""
        self._check_open()
        if not items:
            raise ValueError("nothing to play")
        party = self._parties.get(p)
        if party is None or party.theirs is None or party.sound is None:
            raise NoUsableAudio("no codec is agreed with the party that sounds can be played in")
        party.player = Player(next(self._players), items, asyncio.get_running_loop().time(), party.sound)
        self._push(party)

    async def stop(self, p: PartyId) -> None:
        """Play nothing to a party."""
        if p in self._parties:
            self._parties[p].player = None
            self._push(self._parties[p])

    async def record(self, r: RecordingId, file: Path, *parties: PartyId, quiet: float | None = None) -> None:
        """Record what comes from some parties."""
        self._check_open()
        if quiet is not None and quiet <= 0:
            raise ValueError("silence takes some time")
        self._tapes.begin(r, Tape(file, parties, quiet or 0.0))
        self._push(*(self._parties[p] for p in parties if p in self._parties))

    async def stop_record(self, r: RecordingId, *, keep_silence: float | None = None) -> Recording:
        """End a recording and make its file."""
        return await self._tapes.stop(r, keep_silence)

    async def part(self, a: PartyId, b: PartyId) -> None:
        """Silence between two."""
        one = self._parties.get(a)
        if one is not None and one.peer == b:
            self._push(one, *self._unlink(one))

    async def drop(self, p: PartyId) -> None:
        """Forget a leg."""
        party = self._parties.pop(p, None)
        if party is not None:
            self._push(*self._unlink(party))
            self._release([party])

    async def close(self) -> Stats:
        """End the session."""
        self._end()
        if self._owed:
            settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._closing.append(settled)
            await settled
        return Stats(self._flows)

    def freed(self, p: PartyId, count: Freed) -> None:
        """A party that the child knew is forgotten; what was counted of it."""
        flow = _flow(count)
        self._flows[p] = self._flows[p].plus(flow) if p in self._flows else flow
        self._owed -= 1
        if not self._owed:
            for settled in self._closing:
                if not settled.done():  # by a caller that has lost patience
                    settled.set_result(None)
            self._closing.clear()

    def lose(self) -> None:
        """The engine cannot carry it on."""
        self._end()

    def replay(self) -> None:
        """Tell a new child everything. What is played goes on where it would be, had the old one lived."""
        now = asyncio.get_running_loop().time()
        self._tapes.forget()
        for party in self._parties.values():
            party.streamed = party.played = None
            if party.player is not None:
                party.player.skip = now - party.player.since
        self._push(*self._parties.values())

    def played(self, p: PartyId, report: Played) -> PlayEnded | None:
        """An item of a player came to its end; None where that player is not there any more."""
        party = self._parties.get(p)
        player = party.player if party is not None else None
        item = ItemId(report.item)
        if party is None or player is None or player.number != report.number or not player.ended(item, report.at):
            return None
        if not player.items:
            party.player = None
        party.played = party.play()  # it goes on by itself
        how = PlayEnding.BROKEN if report.broken else PlayEnding.FINISHED
        return PlayEnded(self._id, p, item, how, report.at)

    def quiet(self, report: Quiet) -> QuietFor | None:
        """Nobody was heard speaking; None where that is not of a recording of this session that still runs."""
        r = self._tapes.of(report.tape)
        return QuietFor(self._id, r, report.seconds, report.at) if r is not None else None

    def _end(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._tapes.end()
        self._release(self._parties.values())
        self._parties.clear()
        self._switch.forget(self._id)

    def _check_open(self) -> None:
        if self._closed:
            raise SessionClosed(self._id)

    def _party(self, p: PartyId) -> Party:
        party = self._parties.get(p)
        if party is None:
            party = self._parties[p] = Party(p)
        return party

    def _audio(self, p: PartyId, offer: SessionDescription) -> Media:
        """What an offer says, read once: it is noted, then answered, in 183 and in 200."""
        party = self._parties.get(p)
        if party is not None and party.read is not None and party.read[0] is offer:
            return party.read[1]
        media = audio_of(offer)
        self._party(p).read = offer, media
        return media

    def _peer(self, party: Party) -> Party | None:
        return self._parties.get(party.peer) if party.peer is not None else None

    def _address(self, party: Party, remote: str | None = None) -> str:
        """Our address for a description to this party, which is at `remote` as far as that is known now."""
        for known in (party.theirs, party.ours):
            if remote is None and known is not None:
                remote = known.address
        return self._switch.address(remote)

    async def _placed(self, p: PartyId) -> tuple[Party, int]:
        """The party and its port pair; takes one if it has none."""
        party = self._parties.get(p)
        if party is not None and party.port is not None:
            return party, party.port
        port = await self._switch.lease(self, p)
        if self._closed:
            self._switch.release(port)
            raise SessionClosed(self._id)
        party = self._party(p)  # as it is now: it may have been dropped and made anew meanwhile
        party.port = port
        return party, port

    def _port_of(self, p: PartyId) -> int:
        """The port at which the child knows a party; 0 where it does not."""
        streamed = self._parties[p].streamed if p in self._parties else None
        return streamed.port if streamed is not None else 0

    def _release(self, parties: Iterable[Party]) -> None:
        """Give their pairs back; the child only hears of those that it knows."""
        known = [party.port for party in parties if party.port is not None and party.streamed is not None]
        for party in parties:
            if party.port is not None and party.streamed is None:
                self._flows.setdefault(party.id, _NOTHING)
                self._switch.release(party.port)
        if known:
            self._owed += len(known)
            self._switch.free(known)

    def _unlink(self, party: Party) -> list[Party]:
        """Let nobody hear it; returns who did until now."""
        peer = self._peer(party)
        party.peer = None
        if peer is None or peer.peer != party.id:
            return []
        peer.peer = None
        return [peer]

    def _mismatched(self, party: Party) -> list[PartyId]:
        peer = self._peer(party)
        if peer is None or party.meets(peer):
            return []
        return [party.id] if party.could(peer.voice) else [peer.id]

    def _push(self, *changed: Party) -> None:
        """Tell the child what is not as it was told last of parties that have changed, and so of their peers."""
        recorded = self._tapes.recorded
        for party in changed:
            peer = self._peer(party)
            self._tell(party, peer, recorded)
            if peer is not None:
                self._tell(peer, party, recorded)
        self._tapes.push(self._port_of)

    def _tell(self, party: Party, peer: Party | None, recorded: Set[PartyId]) -> None:
        """A party that was never bridged, played to or recorded is none of the child's business."""
        bridged = peer is not None and peer.port is not None and peer.theirs is not None
        if not bridged and party.player is None and party.streamed is None and party.id not in recorded:
            return
        stream = party.stream(peer)
        if stream is None:
            return
        play = party.play()
        if stream != party.streamed:
            party.streamed = stream
            self._switch.tell(stream)
        if play is None and party.played is not None:
            play = Play(stream.port, 0, 0, "", ())
        if play is not None and play != party.played:
            party.played = play
            self._switch.tell(play)


_NOTHING = Flow()


def _flow(count: Freed) -> Flow:
    if not any(count[1:]):
        return _NOTHING
    return Flow(
        packets_in=count.packets_in,
        octets_in=count.octets_in,
        packets_out=count.packets_out,
        octets_out=count.octets_out,
        dropped=count.dropped,
        lost_in=count.lost_in,
        jitter_in=count.jitter_in,
        lost_out=count.lost_out,
    )
