"""Which formats can be carried. All of them pass through unchanged, so a codec here needs no code, only two ends."""

from ringdove.sip.sdp import Codec

DEFAULT_OFFER = (
    Codec(0, "PCMU", 8000),
    Codec(8, "PCMA", 8000),
    Codec(9, "G722", 8000),
    Codec(101, "telephone-event", 8000, fmtp="0-15"),
)
"""What is offered where nobody else's wishes are known. Opus is only passed on: few desk phones have it."""

_CARRIED = frozenset({("pcmu", 8000, 1), ("pcma", 8000, 1), ("g722", 8000, 1), ("opus", 48000, 2)})


def supported(codec: Codec) -> bool:
    """Whether this engine can carry the format; telephone-event at any clock rate (RFC 4733 §2.1)."""
    return codec.key in _CARRIED or codec.key[0] == "telephone-event"
