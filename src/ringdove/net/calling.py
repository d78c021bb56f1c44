"""Calling back the rooms above: what goes wrong there stops nothing here."""

from collections.abc import Callable, Iterable

import structlog

from ringdove.sip.message import Message

from .exchange import IncomingRequest
from .passage import Passage

log = structlog.get_logger(__name__)


def called(handler: Callable[..., None], *arguments: object) -> bool:
    """Call a handler; False where it raised, which is logged."""
    try:
        handler(*arguments)
    except Exception:
        log_failure(handler, *arguments)
        return False
    return True


def log_failure(handler: Callable[..., None], *arguments: object) -> None:
    """Log what a handler has just raised."""
    name = getattr(handler, "__qualname__", repr(handler))
    log.exception("handler_failed", handler=name, sip_call_id=_call_id(arguments))


def _call_id(about: Iterable[object]) -> str | None:
    """The Call-ID of what a handler was called with."""
    for one in about:
        match one:
            case Message():
                return one.headers.get("Call-ID")
            case IncomingRequest():
                return one.request.headers.get("Call-ID")
            case Passage():
                return one.message.headers.get("Call-ID")
    return None
