"""One party's side of offer and answer, and what follows for its packets. Pure.

Offers towards a party are made of what is known of the one it is to talk to; so are the codecs of answers. Directions
are between us and each party. Nothing is decided twice: the codecs that an answer settled are `agreed`, and payload
numbers once used in a dialog keep their meaning.
"""

from dataclasses import dataclass, field
from operator import attrgetter

from ringdove.media.codecs import DEFAULT_OFFER, sound_file, supported
from ringdove.media.embedded import agreement
from ringdove.media.embedded.conversion import carried_as
from ringdove.media.embedded.wire import Play, Stream
from ringdove.media.engine import Item, ItemId, Media, NoUsableAudio, PartyId
from ringdove.sip.codec import Codec
from ringdove.sip.sdp import Direction, SessionDescription
from ringdove.sip.sdp_exchange import is_voice, read_audio

_payload = attrgetter("payload")


def audio_of(description: SessionDescription) -> Media:
    """The peer's audio with the codecs that can be carried; raises NoUsableAudio."""
    media = read_audio(description, supported)
    if media is None:
        raise NoUsableAudio("no RTP/AVP audio line with a codec that can be carried")
    return media


@dataclass(slots=True)
class Player:
    """What a party hears instead of its peer."""

    number: int
    """Another one for every player of the session."""
    items: tuple[Item, ...]
    """The one that is heard and those to come."""
    since: float
    """When the first of them began; monotonic time in seconds."""
    codec: Codec
    """What it is played in, under the number that the party wants to receive."""
    skip: float = 0.0
    """Seconds of it that were over when a new child was told of it."""

    def ended(self, item: ItemId, at: float) -> bool:
        """Go on with what comes after this item. False when the item is over already, or was never there."""
        names = [item.id for item in self.items]
        if item not in names:
            return False
        self.items = self.items[names.index(item) + 1 :]
        self.since, self.skip = at, 0.0
        return True


@dataclass(slots=True)
class Party:
    """A leg's media: what we told it, what it told us, what was settled."""

    id: PartyId
    port: int | None = None
    """Our port pair for it, once it has one."""
    peer: PartyId | None = None
    """Who hears it."""
    read: tuple[SessionDescription, Media] | None = None
    """Its offer that was read last, and what that says."""
    ours: Media | None = None
    """Our last description to it."""
    answers: Media | None = None
    """Its offer that `ours` answers; None while `ours` is an offer."""
    theirs: Media | None = None
    """Its description in force."""
    pending: Media | None = None
    """Its offer that is not answered yet."""
    agreed: tuple[Codec, ...] = ()
    """The settled codecs in the answerer's order, under the numbers that the party wants to receive."""
    epoch: int = 0
    """Goes up when its packets may come from elsewhere than before."""
    player: Player | None = None
    streamed: Stream | None = None
    """What the child was told last of its packets."""
    played: Play | None = None
    """What the child was told last to play to it."""
    told: dict[int, Codec] = field(default_factory=dict)
    """Every payload number we ever gave it."""
    heard: dict[int, Codec] = field(default_factory=dict)
    """Every payload number it ever gave us."""

    def offer(self, address: str, port: int, toward: "Party | None", direction: Direction) -> Media:
        """Our offer to this party, on behalf of `toward`."""
        basis = (toward.pending or toward.theirs) if toward else None
        wanted = toward._offerable() if toward and basis else DEFAULT_OFFER
        codecs = agreement.offered(wanted, {**self.heard, **self.told})
        line, proto = (self.ours.line, self.ours.proto) if self.ours else (0, "RTP/AVP")
        ptime, maxptime = (basis.ptime, basis.maxptime) if basis else (None, None)
        self.answers = None
        return self._say(Media(address, port, port + 1, codecs, direction, ptime, maxptime, proto, line))

    def take_answer(self, media: Media) -> None:
        """It answered our last offer. Raises NoUsableAudio when the two share no voice codec."""
        if self.ours is None or self.answers is not None:
            raise NoUsableAudio("an answer to nothing")
        agreed = agreement.agreed(self.ours.codecs, media.codecs)
        if not agreed:
            raise NoUsableAudio("the answer has no codec of the offer")
        direction = media.direction.within(self.ours.direction.mirrored)
        self._settle(media if direction is media.direction else media._replace(direction=direction), agreed)

    def answer(self, address: str, port: int, media: Media, peer: "Party | None") -> Media:
        """Our answer to its offer: codecs that the peer agreed to, or what sounds can be played in; the direction that
        it asks for.
        """
        if peer is not None and peer.theirs is not None:
            chosen = agreement.chosen(media.codecs, peer.agreed)
            ptime, maxptime = peer.theirs.ptime, peer.theirs.maxptime
        else:
            chosen = agreement.for_sounds(media.codecs)
            ptime = maxptime = None
        if not any(map(is_voice, chosen)):
            raise NoUsableAudio("the offer has no codec that the other side agreed to")
        said = agreement.said(chosen, peer.agreed if peer is not None else ())
        direction = media.direction.mirrored
        self.answers = media
        self._settle(media, chosen)
        return self._say(Media(address, port, port + 1, said, direction, ptime, maxptime, media.proto, media.line))

    def stream(self, peer: "Party | None") -> Stream | None:
        """What the relay is to know of it; None while there is nothing to relay."""
        if self.port is None or self.theirs is None:
            return None
        at, known = self.theirs, self._known
        hears = at.direction.receives and (self.player is None or self.sound is not None)
        where = (self.port, at.address, at.port, at.rtcp_port, self.epoch, agreement.formats(known), hears)
        if peer is None or peer.port is None or peer.theirs is None:
            return Stream(*where, peer=None, numbers=(), watch=False)
        passes = at.direction.sends and peer.theirs.direction.receives
        numbers = agreement.numbers(known, peer.agreed) if passes else ()
        talk = at.direction == peer.theirs.direction == Direction.SENDRECV
        return Stream(*where, peer.port, numbers, talk)

    @property
    def sound(self) -> Codec | None:
        """What sounds can be played to it in: the first such codec agreed or, before that, offered."""
        codecs = self.agreed or (self.pending.codecs if self.pending else ())
        return agreement.sound(codecs)

    def play(self) -> Play | None:
        """What the child is to play to it; None for nothing."""
        player = self.player
        if self.port is None or player is None:
            return None
        items = [
            (item.id, [str(track) for track in item.sound.tracks], item.times or 0, item.sound.shuffled)
            for item in player.items
        ]
        file = sound_file(player.codec) or ""
        return Play(self.port, player.number, player.codec.payload, file, items, player.skip)

    def meets(self, peer: "Party") -> bool:
        """Whether the first choice of each is agreed with the other. True as well while that is still open: one of them
        has not settled anything, or its offer waits for our answer, which will follow the other.
        """
        if self.pending or peer.pending or not self.agreed or not peer.agreed:
            return True
        return agreement.meets(self.agreed, peer.agreed)

    def could(self, codec: Codec) -> bool:
        """Whether this codec reaches it by its description in force."""
        return self.theirs is not None and carried_as(codec, self.theirs.codecs) is not None

    @property
    def voice(self) -> Codec:
        """Its first agreed voice codec."""
        return agreement.voice(self.agreed)

    def _offerable(self) -> tuple[Codec, ...]:
        if self.pending is not None:
            return self.pending.codecs
        rest = self.theirs.codecs if self.theirs else ()
        return tuple(dict.fromkeys((*self.agreed, *rest)))

    def _say(self, media: Media) -> Media:
        self.ours = media
        for codec in media.codecs:
            self.told[codec.payload] = codec
        return media

    def _settle(self, theirs: Media, agreed: tuple[Codec, ...]) -> None:
        before = self.theirs
        moved = before is None or (before.address, before.port, before.rtcp_port) != (
            theirs.address,
            theirs.port,
            theirs.rtcp_port,
        )
        if moved or (before is not None and theirs.direction.sends and not before.direction.sends):
            self.epoch += 1
        self.theirs = theirs
        self.agreed = agreed
        self.pending = None
        for codec in theirs.codecs:
            self.heard[codec.payload] = codec
        if self.player is not None:
            self.player.codec = self.sound or self.player.codec

    @property
    def _known(self) -> tuple[Codec, ...]:
        """What it may send, in the order of our numbers or, from phones that send what they ask for, of its own."""
        known = {codec.payload: codec for codec in self.agreed} | self.told
        return tuple(sorted(known.values(), key=_payload))
