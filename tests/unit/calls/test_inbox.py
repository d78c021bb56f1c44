"""The events of a call in their order."""

import asyncio

from ringdove.calls.inbox import CallerGone, Inbox


async def test_an_event_that_waits_is_taken_although_the_deadline_has_passed() -> None:
    inbox, event = Inbox(), CallerGone()
    waiting = asyncio.create_task(inbox.next(until=asyncio.get_running_loop().time()))
    await asyncio.sleep(0)
    inbox.put(event)
    assert await waiting is event


async def test_without_an_event_the_deadline_says_nothing() -> None:
    assert await Inbox().next(until=asyncio.get_running_loop().time() + 0.001) is None
