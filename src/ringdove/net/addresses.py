"""Which addresses and ports of this machine there are to listen at, and to tell others of."""

import socket
from contextlib import ExitStack

from .transport import ANY, ANY_IPV4, is_told_to, is_wildcard


def free_port(host: str) -> int:
    """A port of this address that is free for UDP and TCP alike; raises OSError."""
    for _ in range(100):
        with ExitStack() as taken:
            port = 0
            try:
                for one in _each(host):
                    family = _family(one)
                    tcp = taken.enter_context(socket.create_server((one, port), family=family))
                    port = int(tcp.getsockname()[1])
                    udp = taken.enter_context(socket.socket(family, socket.SOCK_DGRAM))
                    if family == socket.AF_INET6:
                        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    udp.bind((one, port))
            except OSError:
                if not port:
                    raise
            else:
                return port
    raise OSError(f"no port of {host} is free for both UDP and TCP")


def own_addresses(host: str, advertise: str | None) -> list[str]:
    """What stands in the descriptions of a server that listens at `host`, for each IP version.

    That is `advertise`, a name for all or an address for its own version; else the address bound to or, for a wildcard,
    the one that the default route goes out from.
    """
    bound = [_towards_all(one) if is_wildcard(one) else one for one in _each(host)]
    if advertise is None:
        return bound
    return list(dict.fromkeys(advertise if is_told_to(advertise, one) else one for one in bound))


def _each(host: str) -> tuple[str, ...]:
    return (ANY_IPV4, ANY) if host == ANY else (host,)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _towards_all(wildcard: str) -> str:
    family = _family(wildcard)
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("2001:db8::1" if family == socket.AF_INET6 else "192.0.2.1", 9))  # sends nothing
        except OSError:
            return "::1" if family == socket.AF_INET6 else "127.0.0.1"
        return str(probe.getsockname()[0])
