"""What somebody heard, from the RTP that came: which tone when, in what order, with which gaps."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import soxr

from ringdove.media.codecs import DEFAULT_OFFER
from ringdove.sip.codec import Codec

from .tone import OTHER, Sound, tone_of
from .voice import DECODERS, EVENT

GAP = 0.15
"""Seconds between two packets above which a listener hears silence; less may be a busy machine (`longest_gap`)."""
_CLOCK = 8000
"""RTP time stamps in a second, with G.722 too (RFC 3551 §4.5.2)."""
_FRAME = 0.02
"""Seconds of a recording that are judged at a time."""
_BLIP = 0.04
"""Seconds below which nothing counts: where two tones meet in a packet, it is neither."""
_ADAPTING = 0.1
"""Seconds below which sound that is no tone does not count: a G.722 decoder takes up to 80 ms for another coder."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One RTP packet. `at` is `time.monotonic()` when it reached this machine."""

    at: float
    payload: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Span:
    """What was heard from `start` to `stop` (monotonic seconds): a tone, None for silence, OTHER for anything else.

    Of a recording `start` and `stop` count from its beginning.
    """

    hz: float | None
    start: float
    stop: float

    @property
    def seconds(self) -> float:
        """How long."""
        return self.stop - self.start


def pcm_of(packets: Iterable[Heard], codecs: Sequence[Codec] = DEFAULT_OFFER) -> Sound:
    """What was said, at 16 kHz from the first packet on, placed by RTP time stamps; a new SSRC where it arrived.

    Packets other than PCMU, PCMA and G.722 are passed over. Where nothing came there is silence.
    """
    streams: dict[int, list[Heard]] = {}
    for packet in packets:
        streams.setdefault(packet.ssrc, []).append(packet)
    places: list[tuple[float, Sound]] = []
    for stream in streams.values():
        first = stream[0]
        places += [
            (first.at + _distance(packet.timestamp, first.timestamp) / _CLOCK, sound)
            for packet, sound in _decoded(sorted(stream, key=lambda p: _distance(p.timestamp, first.timestamp)), codecs)
        ]
    if not places:
        return Sound(16000, np.zeros(0, np.float32))
    begin = min(at for at, _ in places)
    end = max(at + sound.seconds for at, sound in places)
    canvas = {rate: np.zeros(round((end - begin) * rate) + 1, np.float32) for rate in (8000, 16000)}
    for at, sound in places:
        start = round((at - begin) * sound.rate)
        canvas[sound.rate][start : start + len(sound.samples)] = sound.samples
    wide = canvas[16000]
    narrow = soxr.resample(canvas[8000], 8000, 16000)[: len(wide)]
    wide[: len(narrow)] += narrow
    return Sound(16000, wide)


def timeline(
    packets: Iterable[Heard],
    codecs: Sequence[Codec] = DEFAULT_OFFER,
    *,
    tones: Iterable[float],
    gap: float = GAP,
) -> list[Span]:
    """What was heard when, by the times of arrival; tones have to be 50 Hz apart.

    Where no packet comes for more than `gap` seconds there is silence as well; what is shorter than 40 ms
    (OTHER: 100 ms) does not count.
    """
    wanted = tuple(tones)
    spans: list[Span] = []
    for packet, sound in _decoded(packets, codecs):
        if spans and packet.at - spans[-1].start > gap:
            spans.append(Span(None, spans[-1].stop, packet.at))
        elif spans:
            spans[-1] = Span(spans[-1].hz, spans[-1].start, packet.at)
        spans.append(Span(tone_of(sound, wanted), packet.at, packet.at + sound.seconds))
    return _merged(_without_blips(_merged(spans)))


def melody(recording: Sound, tones: Iterable[float]) -> list[Span]:
    """What somebody else has recorded, judged as in `timeline`."""
    wanted = tuple(tones)
    frame = round(_FRAME * recording.rate)
    ends = range(frame, len(recording.samples) + 1, frame)
    frames = ((end / recording.rate, Sound(recording.rate, recording.samples[end - frame : end])) for end in ends)
    return _merged(_without_blips(_merged(Span(tone_of(sound, wanted), at - _FRAME, at) for at, sound in frames)))


def longest_gap(packets: Sequence[Heard]) -> float:
    """The longest time between the arrivals of two packets, in seconds."""
    return max((later.at - earlier.at for earlier, later in pairwise(packets)), default=0.0)


def check_stream(packets: Sequence[Heard], codecs: Sequence[Codec] = DEFAULT_OFFER) -> None:
    """Whether this is one stream as phones like it (RFC 3550 §5.1): one SSRC, every number once and in order.

    Time stamps go up by as much as each packet says; a marked packet may leave time out. Those of one key press
    (RFC 4733 §2.3) share a time stamp, and what follows them may leave time out as well. Fails saying what broke.
    """
    events = {codec.payload for codec in codecs if codec.name == EVENT.name}
    for index, (one, two) in enumerate(pairwise(packets), 1):
        where = f"packet {index} of {len(packets)}, {two.at - packets[0].at:.3f} s in"
        assert two.ssrc == one.ssrc, f"{where}: the SSRC changes from {one.ssrc:08x} to {two.ssrc:08x}"
        step = (two.sequence - one.sequence) & 0xFFFF
        assert step == 1, f"{where}: the sequence number goes from {one.sequence} to {two.sequence}"
        time_step = _distance(two.timestamp, one.timestamp)
        if two.payload in events:
            right = time_step >= 0 if one.payload in events else time_step > 0
        elif two.marker or one.payload in events:
            right = time_step > 0
        else:
            right = time_step == len(one.body)
        assert right, f"{where}: the time stamp goes up by {time_step} after {len(one.body)} octets"


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Neighbours that are the same become one."""
    merged: list[Span] = []
    for span in spans:
        if merged and merged[-1].hz == span.hz:
            merged[-1] = Span(span.hz, merged[-1].start, span.stop)
        else:
            merged.append(span)
    return merged


def _without_blips(spans: list[Span]) -> list[Span]:
    """What is too short goes to what was before it, at the beginning to what follows."""
    kept: list[Span] = []
    for span in spans:
        if len(kept) == 1 and _is_blip(kept[0]):
            kept = [Span(span.hz, kept[0].start, span.stop)]
        elif kept and _is_blip(span):
            kept[-1] = Span(kept[-1].hz, kept[-1].start, span.stop)
        else:
            kept.append(span)
    return kept


def _is_blip(span: Span) -> bool:
    return span.seconds < (_ADAPTING if span.hz == OTHER else _BLIP)


def _decoded(packets: Iterable[Heard], codecs: Sequence[Codec]) -> Iterator[tuple[Heard, Sound]]:
    """The packets that are sound, each with what is in it; G.722 goes on from packet to packet of an SSRC."""
    names = {codec.payload: codec.name for codec in codecs if codec.name in DECODERS}
    decoders: dict[tuple[int, str], Callable[[bytes], Sound]] = {}
    for packet in packets:
        name = names.get(packet.payload)
        if name is not None and packet.body:
            key = packet.ssrc, name
            if key not in decoders:
                decoders[key] = DECODERS[name]()
            yield packet, decoders[key](packet.body)


def _distance(later: int, earlier: int) -> int:
    """From one RTP time stamp to another, which may have begun again at 0."""
    return (later - earlier + 0x80000000) % 0x100000000 - 0x80000000
