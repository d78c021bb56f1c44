"""Where G.722 changes hands. Both ends of G.722 remember what they coded (ITU-T G.722 §3.6, §4): a listener's decoder
that has followed one coder makes a bang of the first packets of another one, up to full scale for 40 ms.
"""

from collections import deque

from G722 import G722

_RATE = 16_000
_BITS = 64_000
_BEFORE = 10
"""Packets by which a coder learns what the listener's decoder remembers."""
_MENDED = 10
"""Packets after a change that are coded anew; then the new source's own coder and the listener's decoder agree."""


class Seam:
    """What one listener hears in G.722. The first 0.2 s of each new source are coded anew by a coder that remembers
    what the listener heard before; everything else passes as it is.
    """

    def __init__(self) -> None:
        self._source: object = None
        self._heard: deque[bytes] = deque(maxlen=_BEFORE)
        self._left = 0
        self._decoder = self._coder = G722(_RATE, _BITS)

    def mend(self, source: object, payload: bytes) -> bytes:
        """The payload that goes to the listener; `source` is any object, the same for all packets of one source."""
        if source is not self._source:
            self._source = source
            if self._heard:
                self._begin()
        if self._left:
            self._left -= 1
            payload = self._coder.encode(self._decoder.decode(payload))
        self._heard.append(payload)
        return payload

    def _begin(self) -> None:
        self._left = _MENDED
        self._decoder, self._coder = G722(_RATE, _BITS), G722(_RATE, _BITS)
        listener = G722(_RATE, _BITS)
        for payload in self._heard:
            self._coder.encode(listener.decode(payload))
