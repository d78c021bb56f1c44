"""The requests that a client transaction makes out of its own INVITE: ACK to a failure, and CANCEL."""

from collections.abc import Iterable

from ..headers import Headers
from ..message import Request, Response


def ack_of(invite: Request, response: Response) -> Request:
    """The ACK to a final response other than 2xx (RFC 3261 §17.1.1.3)."""
    to = response.headers.get("To") or invite.headers.get("To") or ""
    return _derive(invite, "ACK", to)


def cancel_of(invite: Request, headers: Iterable[tuple[str, str]] = ()) -> Request:
    """The CANCEL of an INVITE (§9.1), with fields of the caller's such as Reason."""
    cancel = _derive(invite, "CANCEL", invite.headers.get("To") or "")
    for name, value in headers:
        cancel.headers.add(name, value)
    return cancel


def _derive(invite: Request, method: str, to: str) -> Request:
    fields = [
        ("Max-Forwards", "70"),
        ("From", invite.headers.get("From") or ""),
        ("To", to),
        ("Call-ID", invite.call_id),
        ("CSeq", f"{invite.cseq.number} {method}"),
    ]
    # §22.1: a server cannot challenge an ACK, so it carries what satisfied the INVITE's challenge.
    for name in ("Route", "Authorization", "Proxy-Authorization") if method == "ACK" else ("Route",):
        fields += [(name, value) for value in invite.headers.get_all(name)]
    derived = Request(method, invite.uri, Headers.of_canonical(fields))
    derived.push_via(invite.via)
    return derived
