"""What follows from lists of codecs. Pure, and remembered: phones of one kind say the same in every call."""

from collections.abc import Mapping
from functools import lru_cache

from ringdove.media.codecs import DEFAULT_OFFER, sound_file
from ringdove.media.embedded.conversion import carried_as, law, with_both_laws
from ringdove.sip.codec import Codec
from ringdove.sip.sdp_exchange import is_event, is_voice, matching, numbered

Codecs = tuple[Codec, ...]

_KEYS = next(codec.fmtp for codec in DEFAULT_OFFER if is_event(codec))
_remembering = lru_cache(64)
"""What is remembered comes from descriptions, which may be long."""


def offered(wanted: Codecs, used: Mapping[int, Codec]) -> Codecs:
    """An offer of these codecs in a dialog in which these numbers were used."""
    return _numbered(wanted, used) if used else _offered_first(wanted)


@_remembering
def _offered_first(wanted: Codecs) -> Codecs:
    return _numbered(wanted, {})


def _numbered(wanted: Codecs, used: Mapping[int, Codec]) -> Codecs:
    voices_first = sorted(with_both_laws(wanted), key=is_event)  # phones may take the first format for the voice
    return numbered(voices_first, dict(used))


@_remembering
def agreed(offer: Codecs, answer: Codecs) -> Codecs:
    """What an answer to our offer settles, in its order; nothing where that is no voice."""
    shared = tuple(codec for codec in answer if matching(codec, offer))
    return shared if any(map(is_voice, shared)) else ()


@_remembering
def chosen(offer: Codecs, peers: Codecs) -> Codecs:
    """What of an offer reaches the peer, who agreed to these, in its order; nothing where its voice does not.

    What the peer sends now has to be among them: it is not told of this.
    """
    if not carried_as(voice(peers), offer):
        return ()
    found = (carried_as(codec, offer) for codec in peers)
    return tuple(dict.fromkeys(codec for codec in found if codec is not None))


@_remembering
def for_sounds(offer: Codecs) -> Codecs:
    """The one voice codec to agree on before it is known who will answer, and the digits that go with it; all where
    sounds can be played in none.
    """
    first = sound(offer)
    return offer if first is None else (first, *(c for c in offer if is_event(c) and c.clock == first.clock))


@_remembering
def said(codecs: Codecs, peers: Codecs) -> Codecs:
    """These codecs in an answer of ours. Parameters say what one wants to receive: the peer, who agreed to `peers`, or,
    where that is nothing yet, we ourselves.
    """
    return tuple(codec._replace(fmtp=_fmtp(codec, peers)) for codec in codecs)


def _fmtp(codec: Codec, peers: Codecs) -> str:
    if peers:
        theirs = carried_as(codec, peers)
        return theirs.fmtp if theirs else ""
    return _KEYS if is_event(codec) else codec.fmtp


@_remembering
def meets(one: Codecs, other: Codecs) -> bool:
    """Whether the first voice of each, as agreed, is agreed with the other."""
    return bool(carried_as(voice(one), other) and carried_as(voice(other), one))


@_remembering
def voice(codecs: Codecs) -> Codec:
    """The first voice codec of those agreed."""
    return next(filter(is_voice, codecs))


@_remembering
def sound(codecs: Codecs) -> Codec | None:
    """The first of them that sounds can be played in."""
    return next(filter(sound_file, codecs), None)


@_remembering
def formats(known: Codecs) -> tuple[tuple[int, str, int], ...]:
    """What a party may send, as the child is told it."""
    return tuple((codec.payload, codec.name.lower(), codec.clock) for codec in known)


@_remembering
def numbers(known: Codecs, peers: Codecs) -> tuple[tuple[int, int, str], ...]:
    """What arrives under our numbers goes out under those that the peer agreed to, G.711 in the law that it knows."""
    pairs = ((codec, carried_as(codec, peers)) for codec in known)
    return tuple(
        (codec.payload, out.payload, "" if law(out) == law(codec) else law(out)) for codec, out in pairs if out
    )
