"""Thousands of whole calls in simulated time, each held against every rule that can be seen on the wire (R1 to R13).

The server's endpoint, its calls and its media sessions are the real ones; network, phones, store and time are not.
A world is drawn from its seed alone, so that what fails once fails again:

    RINGDOVE_STORM_SEED=1234 pytest tests/unit/calls/test_call_laws.py      that one world, with all that was seen in it
    RINGDOVE_STORM_CALLS=50000 pytest tests/unit/calls/test_call_laws.py    more of them
"""

import itertools
import os

import pytest

from support.simulation.judge import judge
from support.simulation.ladder import ladder
from support.simulation.loop import simulate
from support.simulation.script import write_script
from support.simulation.world import World

CALLS = int(os.environ.get("RINGDOVE_STORM_CALLS", "2000"))
ONLY = os.environ.get("RINGDOVE_STORM_SEED")


def _play(seed: int) -> int:
    """Play the world of this seed and judge it; returns how many calls there were."""
    script = write_script(seed)
    chronicle = simulate(lambda: World.play(script))
    try:
        judge(chronicle)
    except AssertionError as why:
        print("\n".join(ladder(chronicle)))
        pytest.fail(f"{why}\nagain: RINGDOVE_STORM_SEED={seed} pytest {__file__}", pytrace=ONLY is not None)
    return len(script.calls)


@pytest.mark.skipif(ONLY is not None, reason="one world is asked for")
def test_every_call_keeps_every_rule() -> None:
    seeds, calls = itertools.count(), 0
    while calls < CALLS:
        calls += _play(next(seeds))


@pytest.mark.skipif(ONLY is None, reason="no world is asked for")
def test_the_world_that_is_asked_for() -> None:
    _play(int(ONLY or 0))
