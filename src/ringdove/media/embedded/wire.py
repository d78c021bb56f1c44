"""What the two processes tell each other: one JSON object per line on a socket pair, `is` naming the message.

    → {"is": "Bind", "ports": [30000, 30002]}
    ← {"is": "Bound", "ports": [30000], "failed": [30002]}
    → {"is": "Stream", "port": 30000, "host": "10.0.0.7", "rtp": 4000, "rtcp": 4001, "epoch": 1,
       "formats": [[0, "pcmu", 8000], [101, "telephone-event", 8000]], "listens": true,
       "peer": 30004, "numbers": [[0, 8, "a"], [101, 96, ""]], "watch": true}
    ← {"is": "Silent", "port": 30000, "seconds": 30.2, "at": 81231.7}
    → {"is": "Play", "port": 30000, "number": 7, "payload": 0, "file": "pcmu",
       "items": [["join", ["/data/audio/3f…"], 1, false], ["welcome", ["/data/audio/a7…", "/data/audio/09…"], 0, true]],
       "skip": 0.0}
    ← {"is": "Played", "port": 30000, "number": 7, "item": "join", "broken": false, "at": 81233.1}
    ← {"is": "Digit", "port": 30000, "digit": "5", "seconds": 0.16, "at": 81240.9}
    → {"is": "Record", "tape": "/data/recordings/x.tape", "ports": [30000, 30004]}
    → {"is": "Record", "tape": "/data/recordings/x.tape", "ports": []}
    ← {"is": "Recorded", "tape": "/data/recordings/x.tape"}
    → {"is": "Free", "ports": [30000]}
    ← {"is": "Freed", "port": 30000, "packets_in": 500, …}
    ← {"is": "Alive"}

Commands say how things are to be, not what changed, so that saying them again is harmless and a new child can be told
everything. A port is the even RTP port of a pair; the odd one above it is RTCP. Nothing here is per packet.
"""

import json
from collections.abc import Sequence
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
    """Close these pairs and forget their parties. Answered by one Freed each."""

    ports: Sequence[int]


class Freed(NamedTuple):
    """The pair is closed; what was counted since it was opened."""

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


Command = Bind | Stream | Play | Record | Free
Report = Bound | Silent | Played | Digit | Recorded | Freed | Alive

_COMMANDS: dict[str, type[Any]] = {kind.__name__: kind for kind in (Bind, Stream, Play, Record, Free)}
_REPORTS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (Bound, Silent, Played, Digit, Recorded, Freed, Alive)
}


def encode(message: Command | Report) -> bytes:
    """One line."""
    return json.dumps({"is": type(message).__name__, **message._asdict()}, separators=(",", ":")).encode() + b"\n"


def read_command(line: bytes) -> Command:
    """A line from the parent. Both ends are of one release, so a line that does not fit is a fault and may
    raise anything.
    """
    command: Command = _read(line, _COMMANDS)
    return command


def read_report(line: bytes) -> Report:
    """A line from the child."""
    report: Report = _read(line, _REPORTS)
    return report


def _read(line: bytes, kinds: dict[str, type[Any]]) -> Any:
    fields = json.loads(line)
    return kinds[fields.pop("is")](**fields)
