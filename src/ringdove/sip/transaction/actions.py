"""What the transaction layer wants done, in order, as data."""

from dataclasses import dataclass
from enum import Enum

from ..hop import Hop
from ..message import Message, Request, Response
from .keys import ClientKey, ServerKey


class Failure(Enum):
    """Why a request got no final response; the value is the status it counts as (RFC 3261 §8.1.3.1)."""

    TIMEOUT = 408
    TRANSPORT = 503

    @property
    def status(self) -> int:
        """The SIP status it counts as."""
        return self.value


@dataclass(frozen=True, slots=True)
class Send:
    """Put `data`, which is `message` as octets, on the wire. Where the flow is gone, `otherwise` is tried (§18.2.2)."""

    message: Message
    data: bytes
    hop: Hop
    otherwise: Hop | None = None


@dataclass(frozen=True, slots=True)
class DeliverRequest:
    """A new request; answer it through `TransactionLayer.respond`."""

    key: ServerKey
    request: Request
    source: Hop


@dataclass(frozen=True, slots=True)
class DeliverResponse:
    """A provisional or the final response; of an INVITE every 2xx that is not acknowledged yet (RFC 6026 §7.2)."""

    key: ClientKey
    response: Response


@dataclass(frozen=True, slots=True)
class Failed:
    """A request has no final response and gets none."""

    key: ClientKey
    failure: Failure


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The INVITE is cancelled by `request`, which is answered already; the INVITE wants its 487 (§9.2).

    `request` is None where nobody said so, but the connection of the INVITE is gone and no other way leads back.
    """

    key: ServerKey
    request: Request | None


@dataclass(frozen=True, slots=True)
class AckReceived:
    """The ACK to our 2xx, once."""

    key: ServerKey
    ack: Request


@dataclass(frozen=True, slots=True)
class NoAck:
    """Our 2xx was not acknowledged, and is not repeated any more: the dialog is to be ended by BYE (§13.3.1.4).

    It comes after 64*T1, or when the connection of the INVITE is gone and no other way leads back.
    """

    key: ServerKey


@dataclass(frozen=True, slots=True)
class Ended:
    """The transaction is over; its key means nothing any more. The last action about it."""

    key: ClientKey | ServerKey


@dataclass(frozen=True, slots=True)
class StartCancel:
    """An INVITE client asks the layer to start the CANCEL transaction; never leaves the layer."""

    request: Request
    hop: Hop


Action = Send | DeliverRequest | DeliverResponse | Failed | Cancelled | AckReceived | NoAck | Ended | StartCancel
