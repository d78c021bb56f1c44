"""All that was seen in a world as text, for somebody who has to find out what went wrong."""

from collections.abc import Iterator

from ringdove.net.endpoint import Direction
from ringdove.sip.message import Request

from .world import Began, Chronicle, Seen


def ladder(chronicle: Chronicle) -> Iterator[str]:
    """Line by line, the script first and the records last."""
    yield repr(chronicle.script)
    for event in chronicle.events:
        match event:
            case Seen(at, way, hop, message):
                arrow = "->" if way is Direction.OUT else "<-"
                what = message.method if isinstance(message, Request) else f"{message.status} {message.cseq.method}"
                yield f"{at:12.6f} {arrow} {hop.remote_host:9} {what:12} {message.call_id[:6]} {message.cseq.number}"
            case Began():
                yield f"{event.at:12.6f} rings {event.destination} by {event.strategy}, {event.ring_timeout} s: {event}"
            case _:
                yield f"{event.at:12.6f} {event}"
    for story in chronicle.stories:
        yield story.to_json(indent=1)
