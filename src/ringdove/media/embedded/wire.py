"""What the two processes tell each other, on a socket pair. One line is a JSON array of messages, each an array of its
name and its fields: all that one side had to say at that moment.

    → [["Bind", [30000, 30002]]]
    ← [["Bound", [30000], [30002]]]
    → [["Stream", 30000, "10.0.0.7", 4000, 4001, 1, [[0, "pcmu", 8000], [101, "telephone-event", 8000]], true,
        30004, [[0, 8, "a"], [101, 96, ""]], true],
       ["Stream", 30004, …]]
    ← [["Silent", 30000, 30.2, 81231.7]]
    → [["Play", 30000, 7, 0, "pcmu",
        [["join", ["/data/audio/3f…"], 1, false], ["welcome", ["/data/audio/a7…", "/data/audio/09…"], 0, true]], 0.0]]
    ← [["Played", 30000, 7, "join", false, 81233.1]]
    ← [["Digit", 30000, "5", 0.16, 81240.9]]
    → [["Record", "/data/recordings/x.tape", [30000, 30004], 10.0]]
    ← [["Quiet", "/data/recordings/x.tape", 10.0, 81260.3]]
    → [["Record", "/data/recordings/x.tape", [], 0.0]]
    ← [["Recorded", "/data/recordings/x.tape"]]
    → [["Free", [30000, 30004]]]
    ← [["Freed", 30000, 500, …], ["Freed", 30004, 498, …]]
    → [["Close", [30002]]]
    ← [["Alive"]]

Commands say how things are to be, not what changed, so that saying them again is harmless and a new child can be told
everything. A port is the even RTP port of a pair; the odd one above it is RTCP. Nothing here is per packet.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple


class Bind(NamedTuple):
    """Open these port pairs and hold them, unread. Answered by Bound."""

    ports: Sequence[int]


class Bound(NamedTuple):
    """The pairs that are open now, and those that could not be opened."""

    ports: Sequence[int]
    failed: Sequence[int]


class Stream(NamedTuple):
    """All that is to be known of the party at `port`."""

    port: int
    host: str | None
    """Where the party said it receives (an IP address); None where that is unknown."""
    rtp: int
    rtcp: int
    epoch: int
    """A new number: learn anew where the party's packets come from."""
    formats: Sequence[tuple[int, str, int]]
    """All that the party may send us: payload type, name in lower case, clock rate."""
    listens: bool
    """Whether it wants to hear anything now. What is played to one that does not goes on in silence."""
    peer: int | None
    """Port pair whose party gets this party's packets; None for silence."""
    numbers: Sequence[tuple[int, int, str]]
    """Payload types as received here and as sent to the peer, and the law that G.711 is to be converted to ("a", "u",
    "" for unchanged). Others are not passed on; empty for no RTP at all.
    """
    watch: bool
    """Whether to tell when nothing is heard from the party."""


class Play(NamedTuple):
    """What the party at `port` is to hear instead of its peer, until all items are through."""

    port: int
    number: int
    """A new one: begin anew. The same again: go on where it is, should payload or file be others now; `items` and
    `skip` are not looked at then.
    """
    payload: int
    """Payload type of the packets."""
    file: str
    """Which file in the folder of each track."""
    items: Sequence[tuple[str, Sequence[str], int, bool]]
    """Name, folders of the tracks, how often (0: without end), shuffled or not; empty to stop."""
    skip: float = 0.0
    """Seconds of it that are over already. Items that ended within them are told by Played at once."""


class Played(NamedTuple):
    """An item ended by itself, or could not be read."""

    port: int
    number: int
    """That of its Play."""
    item: str
    broken: bool
    at: float
    """Monotonic time in seconds, the same clock in both processes."""


class Digit(NamedTuple):
    """The party pressed a key and let it go."""

    port: int
    digit: str
    seconds: float
    at: float


class Record(NamedTuple):
    """Write what comes from these parties to a tape (see `media.tape`), appending where there is one; one channel each
    in this order, port 0 for a channel without a party now. No ports: write the rest and close it, which is answered
    by Recorded.
    """

    tape: str
    ports: Sequence[int]
    quiet: float = 0.0
    """Tell by Quiet when nobody spoke for so many seconds, 0 for never. The first Record of a tape settles it."""


class Quiet(NamedTuple):
    """Nobody whom a tape records was heard speaking for so long. Told once per silence."""

    tape: str
    seconds: float
    at: float


class Recorded(NamedTuple):
    """The tape is complete."""

    tape: str


class Silent(NamedTuple):
    """A watched party was not heard for so long. Told once per silence."""

    port: int
    seconds: float
    at: float
    """Monotonic time in seconds, the same clock in both processes."""


class Free(NamedTuple):
    """Forget the parties at these pairs, which stay open, unread. Answered by one Freed each."""

    ports: Sequence[int]


class Close(NamedTuple):
    """Close these pairs, which have no parties."""

    ports: Sequence[int]


class Freed(NamedTuple):
    """The party is gone; what was counted of it."""

    port: int
    packets_in: int = 0
    octets_in: int = 0
    packets_out: int = 0
    octets_out: int = 0
    dropped: int = 0
    lost_in: int = 0
    """Packets from the party that were sent, as their numbers show, and did not come."""
    jitter_in: float = 0.0
    """Milliseconds, as RFC 3550 §6.4.1 smoothes it, at the end."""
    lost_out: int = 0
    """Packets to the party that did not come, as it says in RTCP; 0 where it says nothing."""


class Alive(NamedTuple):
    """Said about once a second, so that a child that hangs is told from one that has nothing to say."""


Command = Bind | Stream | Play | Record | Free | Close
Report = Bound | Silent | Played | Digit | Quiet | Recorded | Freed | Alive

_COMMANDS: dict[str, type[Any]] = {kind.__name__: kind for kind in (Bind, Stream, Play, Record, Free, Close)}
_REPORTS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (Bound, Silent, Played, Digit, Quiet, Recorded, Freed, Alive)
}
_encode = json.JSONEncoder(separators=(",", ":")).encode


def encode(messages: Iterable[Command] | Iterable[Report]) -> bytes:
    """One line."""
    return _encode([(type(message).__name__, *message) for message in messages]).encode() + b"\n"


def read_commands(line: bytes) -> list[Command]:
    """A line from the parent. Both ends are of one release, so a line that does not fit is a fault and may
    raise anything.
    """
    return [_COMMANDS[name](*fields) for name, *fields in json.loads(line)]


def read_reports(line: bytes) -> list[Report]:
    """A line from the child."""
    return [_REPORTS[name](*fields) for name, *fields in json.loads(line)]
