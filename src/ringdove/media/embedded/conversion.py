"""Which formats reach which: every one itself, and the two laws of G.711 each other, since the relay converts them."""

from ringdove.sip.codec import STATIC_PAYLOADS, Codec
from ringdove.sip.sdp_exchange import matching

_G711 = (STATIC_PAYLOADS[0], STATIC_PAYLOADS[8])


def law(codec: Codec) -> str:
    """The law of G.711: "u" or "a"; "" for every other format."""
    return {"pcmu": "u", "pcma": "a"}.get(codec.key[0], "")


def carried_as(codec: Codec, among: tuple[Codec, ...]) -> Codec | None:
    """What of `among` packets of this format can go out as; None where they would be lost."""
    return matching(codec, among) or next((other for other in among if law(codec) and law(other)), None)


def with_both_laws(codecs: tuple[Codec, ...]) -> tuple[Codec, ...]:
    """The codecs and, at the end, the law of G.711 that is missing beside the other one."""
    missing = tuple(codec for codec in _G711 if matching(codec, codecs) is None)
    return (*codecs, *missing) if len(missing) == 1 else codecs
