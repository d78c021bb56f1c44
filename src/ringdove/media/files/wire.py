"""What a process answers about a file: one JSON object, `is` naming which.

{"is": "Transcoded", "digest": "9f86d081884c7d65…", "seconds": 4.02}
{"is": "Rendered", "seconds": 12.5, "silenced": 0}
{"is": "Refused", "reason": "holds no sound"}
{"is": "Failed", "what": "No space left on device", "fault": false}
"""

import json
from typing import Any, NamedTuple


class Transcoded(NamedTuple):
    """The track is complete."""

    digest: str
    """SHA-256 of the file it was made of, as 64 hex digits."""
    seconds: float
    """How long it plays: a whole number of packets."""


class Rendered(NamedTuple):
    """The recording is complete."""

    seconds: float
    silenced: int
    """Packets of codecs that cannot be decoded; silence stands for them."""


class Refused(NamedTuple):
    """The file is of no use, and why, in words that follow its name."""

    reason: str


class Failed(NamedTuple):
    """It is not the file's fault."""

    what: str
    fault: bool = False
    """Of ours, which comes again with the same file."""


Answer = Transcoded | Rendered | Refused | Failed

_ANSWERS: dict[str, type[Any]] = {kind.__name__: kind for kind in (Transcoded, Rendered, Refused, Failed)}


def encode(answer: Answer) -> str:
    """One line."""
    return json.dumps({"is": type(answer).__name__, **answer._asdict()})


def read(line: bytes) -> Answer:
    """An answer. Both ends are of one release, so a line that does not fit is a fault and may raise anything."""
    fields = json.loads(line)
    answer: Answer = _ANSWERS[fields.pop("is")](**fields)
    return answer
