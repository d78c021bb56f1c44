"""The session description that a message of a call carries."""

from ringdove.sip.message import Request, Response
from ringdove.sip.sdp import SdpError, SessionDescription, parse

SDP = "application/sdp"


def description_of(message: Request | Response) -> SessionDescription | None:
    """The session description in a message; None where it has no body. Raises SdpError, also for other bodies."""
    if not message.body:
        return None
    if message.content_type != SDP:
        raise SdpError(f"a body of type {message.content_type or 'unknown'}")
    return parse(message.body)
