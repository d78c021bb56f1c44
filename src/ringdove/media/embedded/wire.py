"""What the two processes tell each other: one JSON object per line on a socket pair, `is` naming the message.

    → {"is": "Bind", "ports": [30000, 30002]}
    ← {"is": "Bound", "ports": [30000], "failed": [30002]}
    → {"is": "Stream", "port": 30000, "host": "10.0.0.7", "rtp": 4000, "rtcp": 4001, "epoch": 1,
       "peer": 30004, "numbers": [[0, 0], [101, 96]], "watch": true}
    ← {"is": "Silent", "port": 30000, "seconds": 30.2, "at": 81231.7}
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
    peer: int | None
    """Port pair whose party gets this party's packets; None for silence."""
    numbers: Sequence[Sequence[int]]
    """Pairs of payload types: as received here, as sent to the peer. Others are dropped; empty for no RTP at all."""
    watch: bool
    """Whether to tell when nothing is heard from the party."""


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


class Alive(NamedTuple):
    """Said about once a second, so that a child that hangs is told from one that has nothing to say."""


Command = Bind | Stream | Free
Report = Bound | Silent | Freed | Alive

_COMMANDS: dict[str, type[Any]] = {"Bind": Bind, "Stream": Stream, "Free": Free}
_REPORTS: dict[str, type[Any]] = {"Bound": Bound, "Silent": Silent, "Freed": Freed, "Alive": Alive}


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
