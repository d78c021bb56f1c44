"""How messages find their transaction (RFC 3261 §17.1.3, §17.2.3)."""

from hashlib import blake2s
from typing import NamedTuple

from ..identifiers import MAGIC_COOKIE
from ..message import Message, Request, Response
from ..uri import format_params, spelled


class ClientKey(NamedTuple):
    """A client transaction: the branch we chose, and the method, which tells a CANCEL from its INVITE."""

    branch: str
    method: str


class ServerKey(NamedTuple):
    """A server transaction. `branch` is a digest of fields where an RFC 2543 client sent none of its own."""

    branch: str
    sent_by: str
    method: str


class DialogTransaction(NamedTuple):
    """An INVITE and its 2xx as their ACK names them: the tags of who sent the INVITE and who answered it."""

    call_id: str
    from_tag: str
    to_tag: str
    cseq: int


class MergeKey(NamedTuple):
    """What two copies of one request share that came over different paths (§8.2.2.2)."""

    from_tag: str
    call_id: str
    cseq: int
    method: str


def server_key(request: Request, method: str | None = None) -> ServerKey:
    """The key of the transaction that a request opens or belongs to; an ACK belongs to its INVITE.

    `method` looks for another one, as CANCEL does. Without the magic cookie, or with nothing after it, RFC 2543's
    fields tell transactions apart. The To tag is left out: an ACK has the response's, and the rest suffices.
    """
    via = request.via
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    branch = via.branch
    if not _has_cookie(branch):
        path = format_params(tuple(p for p in via.params if p[0] not in ("received", "rport")))
        fields = (request.uri, request.from_.tag or "", request.call_id, str(request.cseq.number), via.transport, path)
        branch = "\n".join(fields)
    return ServerKey(branch, f"{via.host}:{via.port or ''}", method)


def dialog_transaction(message: Message) -> DialogTransaction:
    """The key of an ACK to a 2xx, or of the 2xx itself."""
    return DialogTransaction(message.call_id, message.from_.tag or "", message.to.tag or "", message.cseq.number)


def merge_key(request: Request) -> MergeKey:
    """The key by which a merged request is found out."""
    return MergeKey(request.from_.tag or "", request.call_id, request.cseq.number, request.method)


def stateless_tag(request: Request) -> str:
    """The To tag for an answer of which nothing is kept: the same for the same request each time (§8.2.7)."""
    return blake2s(f"{request.via}\n{request.headers.get('Call-ID')}".encode(), digest_size=8).hexdigest()


def same_sender(response: Response, host: str, port: int | None) -> bool:
    """Whether the topmost Via of a response is the one we sent (§18.1.2)."""
    via = response.via
    return via.port == port and (via.host == host or spelled(via.host) == spelled(host))


def _has_cookie(branch: str) -> bool:
    """Whether a branch begins with the magic cookie, in whatever case, and says more (§8.1.1.7)."""
    length = len(MAGIC_COOKIE)
    return len(branch) > length and (branch.startswith(MAGIC_COOKIE) or branch[:length].lower() == MAGIC_COOKIE.lower())
