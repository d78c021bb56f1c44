"""What counts as loud, and as speech: the same while a recording runs, when its end is cut and when it is judged. The
media process imports this, so it imports next to nothing.
"""

from collections.abc import Iterable

LOUD = 256
"""Samples of 16 bits are loud from here on, and below its negative: what upper octets tell."""
SHARE = 1 / 8
"""20 ms are loud of which more than this is. Speech and noise of a mean of about 130, without regard to sign, just get
there, whereas a tap on the table does not. Loud twice in a row is speech.
"""
QUIET_UPPER = b"\x00\xff"
"""Upper octets of samples that are not loud."""
PAUSE = 25
"""Frames of 20 ms between words that are speech as the words are: half a second is a breath."""


def speech(loud: Iterable[bool]) -> int:
    """How many of these frames, each loud or not, are speech: what is loud twice in a row, and short pauses within."""
    frames = end = 0
    before = False
    for number, now in enumerate(loud):
        if before and now:
            begin = number - 1
            if frames and begin - end <= PAUSE:
                begin = end
            frames += number + 1 - begin
            end = number + 1
        before = now
    return frames
