"""SIP transactions without I/O (RFC 3261 §17 with RFC 6026): one file per state machine, `layer.py` matches and times.

Times are seconds on any monotonic clock, passed in as `now`; what is to be done comes back as actions.
"""

from .actions import (
    AckReceived,
    Action,
    Cancelled,
    DeliverRequest,
    DeliverResponse,
    Ended,
    Failed,
    Failure,
    NoAck,
    Send,
)
from .keys import ClientKey, ServerKey
from .layer import Caps, TransactionLayer
from .timers import Timers

__all__ = [
    "AckReceived",
    "Action",
    "Cancelled",
    "Caps",
    "ClientKey",
    "DeliverRequest",
    "DeliverResponse",
    "Ended",
    "Failed",
    "Failure",
    "NoAck",
    "Send",
    "ServerKey",
    "Timers",
    "TransactionLayer",
]
