"""When the packets of one channel are to be heard, from when they came and what their RTP time stamps say. Pure.

Time stamps say how packets lie to each other, arrival says when: networks delay packets, by now more and now less, but
never hasten them. So the lowest delay among a packet and those after it is taken for none at all, and everything is
placed by its time stamp from there. This follows what lasts (a new base of time stamps, a pause in which the sender's
clock stood, a clock that drifts) and passes over what does not (jitter, reordering, bursts).
"""

import numpy as np
from numpy.typing import NDArray

CLOCK = 8000
"""RTP time stamps in a second, for all codecs that can be decoded (G.722 too, RFC 3551 §4.5.2)."""

_AHEAD = 50  # packets, about a second, of which one is taken to have come without delay
_PAUSE = CLOCK // 2  # by so much a network does not delay: time stamps stood still, or have a new base
_SLACK = CLOCK // 25  # 40 ms that the delay may change before packets are moved

Ticks = NDArray[np.int64]


def places(came: Ticks, timestamps: Ticks) -> Ticks:
    """When each packet begins. All in units of 1/CLOCK s and in order of arrival; time stamps wrap at 2^32."""
    if not len(came):
        return came
    steps = np.diff(timestamps, prepend=timestamps[0])
    said = np.cumsum((steps + 2**31) % 2**32 - 2**31)
    delays = came - said
    leaps = np.flatnonzero(np.diff(delays) <= -_PAUSE) + 1
    lowest = np.concatenate([_lowest_ahead(run) for run in np.split(delays, leaps)])
    return said + _steady(lowest)


def _lowest_ahead(delays: Ticks) -> Ticks:
    """For each packet the lowest delay among it and the next ones; where few are left, no higher than before unless
    there was a pause.
    """
    padded = np.pad(delays, (0, _AHEAD - 1), mode="edge")
    lowest: Ticks = np.lib.stride_tricks.sliding_window_view(padded, _AHEAD).min(axis=1)
    last = lowest[-_AHEAD:]
    last[last - last[0] < _PAUSE] = last[0]
    return lowest


def _steady(delays: Ticks) -> Ticks:
    """The same, but unchanged where they change by little."""
    held: list[int] = []
    now = int(delays[0])
    for delay in delays.tolist():
        if abs(delay - now) > _SLACK:
            now = delay
        held.append(now)
    return np.array(held, np.int64)
