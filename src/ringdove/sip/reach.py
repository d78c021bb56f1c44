"""Where requests for a peer go: to the address it names, or back over the flow it uses (RFC 3261 §8.1.2, §18)."""

from ipaddress import IPv4Address, IPv6Address

from .hop import DEFAULT_PORTS, Hop
from .message import Request
from .transaction.routing import ReplyPath
from .uri import Uri, numeric, spelled


def reach(named: Uri, request: Request, source: Hop, present: Hop | None = None) -> Hop:
    """Where to send what is for `named`: the Contact, or the Record-Route next to us, of a `request` from `source`.

    Behind NAT a peer names an address that only its own network knows, so requests go back to where it sends from.
    Where its Via shows that nothing translates addresses, a numeric address counts as said: a peer may send from one
    port and listen on another. One that is reached already (over `present`) at the very address it names stays there,
    wherever it sends from. Streams are reached through their flow.
    """
    default = DEFAULT_PORTS[source.transport]
    if present is None and (named.host, named.port or default) == (source.remote_host, source.remote_port):
        return source  # nearly all phones
    address = numeric(named.host)
    if address is None or source.reliable or named.transport != source.transport or not _fits(address, source):
        return source
    there = source._replace(remote_host=str(address), remote_port=named.port or default)
    if present is not None and present.remote == there.remote:
        return present
    return there if _is_direct(request, source) else source


def listening(named: Uri, flow: Hop) -> Hop | None:
    """Where the peer at the far end of a stream can be called without that flow, if `named`, its Contact, tells.

    It does where it names the very address that the flow came from: then nothing translates addresses in between, and
    the port is one that the peer listens on (§18.1.1).
    """
    if spelled(named.host) != flow.remote_host:
        return None
    return flow._replace(remote_port=named.port or DEFAULT_PORTS[flow.transport])


def next_hop(request: Request) -> Uri:
    """Whom a request of ours is sent to where no flow is known (§8.1.2); raises SipSyntaxError."""
    routes = request.routes
    return routes[0].uri if routes else request.target


def _is_direct(request: Request, source: Hop) -> bool:
    """Whether the Via names the address that responses go to: nothing between the peer and us changes addresses.

    A peer that asks for no `rport` awaits responses at the port in its Via, whichever port it sends from (RFC 3581).
    """
    via, replies = request.via, ReplyPath.of(request, source).hop
    port = via.port or DEFAULT_PORTS[source.transport]
    return (spelled(via.host), port) == (replies.remote_host, replies.remote_port)


def _fits(address: IPv4Address | IPv6Address, source: Hop) -> bool:
    """Whether it can be the address of a peer that sends from `source`, rather than nobody's, everybody's or ours."""
    seen = numeric(source.remote_host)
    if seen is None or seen.version != address.version:
        return False
    return not (address.is_unspecified or address.is_multicast) and address.is_loopback == seen.is_loopback
