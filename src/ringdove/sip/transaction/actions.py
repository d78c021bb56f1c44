"""What the transaction layer wants done, in order, as data."""

from enum import Enum
from typing import NamedTuple

from ..hop import Hop
from ..message import Request, Response
from .keys import ClientKey, ServerKey


class Failure(Enum):
    """Why a request got no final response; the value is the status it counts as (RFC 3261 §8.1.3.1)."""

    TIMEOUT = 408
    TRANSPORT = 503

    @property
    def status(self) -> int:
        """The SIP status it counts as."""
        return self.value


class Send(NamedTuple):
    """Put `data`, which is `message` as octets, on the wire. Where the flow is gone, `otherwise` is tried (§18.2.2)."""

    message: Request | Response
    data: bytes
    hop: Hop
    otherwise: Hop | None = None


class DeliverRequest(NamedTuple):
    """A new request; answer it through `TransactionLayer.respond`."""

    key: ServerKey
    request: Request
    source: Hop


class DeliverResponse(NamedTuple):
    """A provisional or the final response; of an INVITE every 2xx that is not acknowledged yet (RFC 6026 §7.2)."""

    key: ClientKey
    response: Response


class Failed(NamedTuple):
    """A request has no final response and gets none."""

    key: ClientKey
    failure: Failure


class Cancelled(NamedTuple):
    """The INVITE is cancelled by `request`, which is answered already; the INVITE wants its 487 (§9.2).

    `request` is None where nobody said so, but the connection of the INVITE is gone and no other way leads back.
    """

    key: ServerKey
    request: Request | None


class AckReceived(NamedTuple):
    """The ACK to our 2xx, once."""

    key: ServerKey
    ack: Request


class NoAck(NamedTuple):
    """Our 2xx was not acknowledged, and is not repeated any more: the dialog is to be ended by BYE (§13.3.1.4).

    It comes after 64*T1, or when the connection of the INVITE is gone and no other way leads back.
    """

    key: ServerKey


class Ended(NamedTuple):
    """The transaction is over; its key means nothing any more. The last action about it."""

    key: ClientKey | ServerKey


class StartCancel(NamedTuple):
    """An INVITE client asks the layer to start the CANCEL transaction; never leaves the layer."""

    request: Request
    hop: Hop


Action = Send | DeliverRequest | DeliverResponse | Failed | Cancelled | AckReceived | NoAck | Ended | StartCancel
