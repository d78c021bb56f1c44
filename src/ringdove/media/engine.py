"""What call code sees of media: sessions with parties. The engine owns ports, codecs and audio (design section 4).

Late binding is the heart of it: `invite` gives a leg its own ports and silence, `bridge` commits. All who may ever
talk to each other are parties of one session; a party is known from its first mention on. Only `open`, `close`, and
an `invite` or `accept` that finds no ready port, may take time; everything else is done when it returns.
"""

from collections.abc import AsyncIterator, Mapping, Set
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from ringdove.media.events import (
    DigitHeard,
    EngineDown,
    EngineUp,
    ItemId,
    MediaEvent,
    MediaSilent,
    PartyId,
    PlayEnded,
    PlayEnding,
    QuietFor,
    RecordingId,
    SessionId,
    SessionLost,
)
from ringdove.sip.sdp import Direction, SessionDescription
from ringdove.sip.sdp_exchange import Media

__all__ = [
    "Caps",
    "DigitHeard",
    "EngineDown",
    "EngineUnavailable",
    "EngineUp",
    "Flow",
    "Item",
    "ItemId",
    "Media",
    "MediaEngine",
    "MediaError",
    "MediaEvent",
    "MediaSession",
    "MediaSilent",
    "NoPortsLeft",
    "NoUsableAudio",
    "PartyId",
    "PlayEnded",
    "PlayEnding",
    "Profile",
    "QuietFor",
    "Recording",
    "RecordingFailed",
    "RecordingId",
    "SessionClosed",
    "SessionId",
    "SessionLost",
    "Sound",
    "Stats",
]


class MediaError(Exception):
    """What a media engine may raise."""


class NoUsableAudio(MediaError):
    """An offer or answer holds no audio that this engine can carry, or none that both sides share. In SIP: 488."""


class NoPortsLeft(MediaError):
    """Every RTP port of the range is in use. In SIP: 503."""


class EngineUnavailable(MediaError):
    """The engine does not answer now. In SIP: 503."""


class SessionClosed(MediaError):
    """The session was closed or lost."""


class RecordingFailed(MediaError):
    """The file of a recording could not be written: a full disk, for instance."""


class Profile(StrEnum):
    """What kind of media a leg speaks; one offer never mixes two."""

    PLAIN = "plain"
    """RTP/AVP: desk phones and trunks."""


@dataclass(frozen=True, slots=True)
class Caps:
    """What an engine can do."""

    webrtc: bool = False
    """ICE, DTLS-SRTP."""
    tap: bool = False
    """Audio of a live call to a third party."""
    survives_restart: bool = False
    """Calls go on by themselves, after a moment of silence, when the engine's process died and was started again."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What was counted for one party. RTP only; octets include RTP headers, not UDP."""

    packets_in: int = 0
    """From the party, accepted."""
    octets_in: int = 0
    packets_out: int = 0
    """To the party."""
    octets_out: int = 0
    dropped: int = 0
    """Came to the party's port and went nowhere: strangers, malformed packets, formats that the other side did not
    agree to, audio while nobody was bridged or on hold. Strangers only as long as somebody else than who was heard
    may yet be the party: after that the operating system may keep them off uncounted.
    """
    lost_in: int = 0
    """Packets that the party sent, as their numbers show, and that did not come."""
    jitter_in: float = 0.0
    """How unevenly its packets came at the end; milliseconds (RFC 3550 §6.4.1)."""
    lost_out: int = 0
    """Packets to the party that did not come, as it said in RTCP."""

    def plus(self, other: "Flow") -> "Flow":
        """Both together; of the jitter the worse."""
        return Flow(
            self.packets_in + other.packets_in,
            self.octets_in + other.octets_in,
            self.packets_out + other.packets_out,
            self.octets_out + other.octets_out,
            self.dropped + other.dropped,
            self.lost_in + other.lost_in,
            max(self.jitter_in, other.jitter_in),
            self.lost_out + other.lost_out,
        )


@dataclass(frozen=True, slots=True)
class Stats:
    """The sums of a session at its end. What an engine's process had not told when it died is missing."""

    flows: Mapping[PartyId, Flow] = field(default_factory=dict)
    """Every party that ever had a port, dropped ones included."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Something to be heard: tracks in this order or, `shuffled`, in a new random one each time round.

    A track is the folder of one transcoded file (see `media.codecs.SOUND_FORMATS`).
    """

    tracks: tuple[Path, ...]
    shuffled: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One part of what is played: `sound`, so many times over; None: until it is stopped."""

    id: ItemId
    sound: Sound
    times: int | None = 1


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded: a WAV file, and how long it is in seconds."""

    file: Path
    seconds: float


class MediaSession(Protocol):
    """The media of one call: its parties and who hears whom.

    Descriptions are passed as values (`sip.sdp.parse`); the returned `Media` is written by the dialog's `Author`.
    When a method raises, nothing has changed.
    """

    @property
    def id(self) -> SessionId:
        """The id it was opened with."""
        ...

    def offered(self, p: PartyId, offer: SessionDescription) -> None:
        """Note the offer that p made and that will be answered later, so that offers towards p can follow its codecs.

        Costs nothing, takes no port. A later `accept` or `reoffer` answers it, `refused` forgets it. Raises
        NoUsableAudio.
        """
        ...

    async def reserve(self, p: PartyId) -> None:
        """Take p's ports now, so that its answer later cannot fail for want of them. Raises as `invite`."""
        ...

    async def accept(
        self, p: PartyId, offer: SessionDescription, profile: Profile = Profile.PLAIN, prefer: PartyId | None = None
    ) -> Media:
        """The answer for a leg that made the first offer; the same again when asked again (183, then 200).

        Codecs are those that p's peer, or else `prefer`, has agreed to, in its order, µ-law and A-law standing for each
        other. Without either it is one voice codec, the first of the offer that sounds can be played in, so that the
        answer can stay whoever picks up; where there is none, all that are supported. The direction is the mirror of
        the offer's. Raises NoUsableAudio, NoPortsLeft, EngineUnavailable.
        """
        ...

    async def invite(
        self, p: PartyId, toward: PartyId | None = None, profile: Profile = Profile.PLAIN, *, at: str | None = None
    ) -> Media:
        """The first offer for a leg: its own ports, silent both ways until bridged.

        `at` is the IP address by which p is reached: an engine with addresses of both IP versions names the one of its
        version. In answers that is the version of the offer, in later offers that of what p said.

        With codecs known of `toward` it offers those that are supported, agreed ones first, under the same payload
        numbers, and the other law of G.711 at the end; else the engine's own list. Raises NoPortsLeft,
        EngineUnavailable.
        """
        ...

    async def bridge(self, a: PartyId, b: PartyId, answer: SessionDescription | None = None) -> list[PartyId]:
        """Two-way audio between a and b, as soon as both have described themselves; `answer`, if given, is b's.

        Earlier bridges of a and b end, and so does what was played to them. Returns who needs a re-INVITE (`remake`)
        because the chosen codecs do not meet; normally empty. Raises NoUsableAudio when the answer refuses audio; b is
        then not bridged.
        """
        ...

    async def answered(self, p: PartyId, answer: SessionDescription) -> list[PartyId]:
        """Take p's answer to our last offer to it: of `remake`, or of an `invite` in a 200 whose ACK brings it.

        Returns as `bridge` does; a peer whose own offer still waits for our answer is never named. Raises
        NoUsableAudio.
        """
        ...

    async def reoffer(self, p: PartyId, offer: SessionDescription) -> Media:
        """The answer to p's re-INVITE, made here; the far side need not know.

        Direction and codecs are as in `accept`. To pass an offer on whose codecs the peer did not agree to:
        `offered(p)`, `remake(peer)`, the peer's answer to `answered`, then this. Raises NoUsableAudio (answer 488;
        what was agreed stays).
        """
        ...

    async def remake(
        self, p: PartyId, *, toward: PartyId | None = None, direction: Direction = Direction.SENDRECV
    ) -> Media:
        """A fresh offer for a re-INVITE of ours to p, or for our 200 to its re-INVITE without an offer.

        Codecs follow `toward`, by default p's peer; p's ports and payload numbers stay. `direction` is ours towards
        p.
        """
        ...

    def refused(self, p: PartyId) -> None:
        """The offer in flight with p, either way, came to nothing (488, CANCEL, …); what was agreed stays."""
        ...

    def can_play(self, p: PartyId) -> bool:
        """Whether sounds can be played to p: one of their formats is among the codecs agreed with it or, before its
        answer, among those that it offered.
        """
        ...

    def on_hold(self, p: PartyId) -> bool:
        """Whether p does not want to receive, by its description in force: it has put the other side on hold."""
        ...

    async def play(self, p: PartyId, *items: Item) -> None:
        """Let p hear these one after the other without a gap, in place of its peer and of what was played before.

        What is played to a party that does not receive goes on unheard. Each item that ends by itself is told by
        PlayEnded; after the last one p hears its peer again. Raises NoUsableAudio where `can_play` is false and
        before p is described (its offer answered, or ours by it).
        """
        ...

    async def stop(self, p: PartyId) -> None:
        """Nothing is played to p any more. Unknown parties are fine."""
        ...

    async def record(self, r: RecordingId, file: Path, *parties: PartyId, quiet: float | None = None) -> None:
        """Record what comes from these parties, at least one, a channel each in this order. `file` is written when the
        recording is stopped; until then its folder holds what it will be made of (see `tape.recover`). A party that has
        not come yet, or has left, is silence. No other recording may have the same id or file.

        Whenever none of them was heard speaking for `quiet` seconds, more than 0, QuietFor tells. Noise of a line and
        of comfort is not speech, whereas keys, tones and music in the voice are; Opus cannot be judged and is silence,
        as it is in the file. What is silent when an engine starts anew is counted from there.
        """
        ...

    async def stop_record(self, r: RecordingId, *, keep_silence: float | None = None) -> Recording:
        """End a recording and write its WAV file; also after `close` or SessionLost, at which recordings end.

        With `keep_silence` no more than so many seconds of the silence at its end are kept, of all of it where nobody
        spoke. Raises KeyError where there is none of this id, RecordingFailed when the file cannot be made; ask again
        then.
        """
        ...

    async def part(self, a: PartyId, b: PartyId) -> None:
        """Silence between them, ports kept; what is played to them goes on."""
        ...

    async def drop(self, p: PartyId) -> None:
        """Forget a leg and free its ports; never disturbs others. Unknown parties are fine."""
        ...

    async def close(self) -> Stats:
        """End the session, free its ports and say what flowed; the same again when asked again."""
        ...


class MediaEngine(Protocol):
    """Where sessions come from."""

    @property
    def caps(self) -> Caps:
        """What this engine can do."""
        ...

    async def open(self, sid: SessionId) -> MediaSession:
        """The session of this id, made if need be."""
        ...

    async def recover(self, known: Set[SessionId]) -> set[SessionId]:
        """Which of these sessions still live, for use after EngineUp or after a restart of the caller."""
        ...

    def events(self) -> AsyncIterator[MediaEvent]:
        """Everything that happens from this call on; ends when the engine is stopped."""
        ...
