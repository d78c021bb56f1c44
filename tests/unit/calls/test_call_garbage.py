"""What a call leaves behind: nothing that waits for a collection by the garbage collector, which stops every call."""

import gc
from collections import Counter
from functools import partial

from ringdove.calls.book import Book, LegBook
from ringdove.calls.call import Call
from ringdove.calls.inbox import Inbox
from ringdove.calls.leg import Leg
from ringdove.calls.player import Player
from support.simulation.loop import simulate
from support.simulation.script import write_script
from support.simulation.world import World

OF_A_CALL = (Call, Leg, Inbox, Player, Book, LegBook)


def test_what_belongs_to_a_call_goes_with_it() -> None:
    calls = 0
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for seed in range(150):
            script = write_script(seed)
            simulate(partial(World.play, script))
            calls += len(script.calls)
        gc.collect()
        left = Counter(type(one).__name__ for one in gc.garbage if isinstance(one, OF_A_CALL))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert calls > 12
    assert not left
