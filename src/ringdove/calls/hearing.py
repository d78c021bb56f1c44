"""What a caller is to have heard before the call goes on."""

import asyncio

import structlog

from ringdove.media.engine import ItemId

from .call import Call
from .inbox import CallerGone, HeardOut
from .sounds import Tune

log = structlog.get_logger(__name__)

GRACE = 2.0
"""Seconds after which a sound that should have ended is not waited for any more: no call hangs on its audio."""


async def hear_out(call: Call, item: ItemId | None, tune: Tune, times: int = 1) -> bool:
    """Return when the tune, which is played as `item`, was heard so many times; False when the caller left meanwhile.

    A caller that cannot be played to, `item` is None then, does not wait for what it does not hear.
    """
    deadline = asyncio.get_running_loop().time() + tune.seconds * times + GRACE
    while item is not None:
        event = await call.inbox.next(until=deadline)
        match event:
            case CallerGone():
                return False
            case None:
                log.warning("prompt_without_end", prompt=tune.name)
                return True
            case HeardOut(item=ended) if ended == item:
                item = None
        await call.attend(event)
    return True
