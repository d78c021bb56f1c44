"""Which of this machine's addresses a peer finds us at."""

import socket
from typing import Final

from ringdove.sip.hop import Hop

from .transport import is_wildcard

MOST: Final = 4096
"""Peers that are remembered."""


class Sources:
    """Our address towards each peer, as the routing table chooses it; asked once for each."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def towards(self, remote: str) -> str:
        """The address that what is sent to `remote` (an address) comes from; loopback where nothing leads there."""
        known = self._known.get(remote)
        if known is None:
            family = socket.AF_INET6 if ":" in remote else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                try:
                    probe.connect((remote, 9))  # sends nothing
                    known = str(probe.getsockname()[0])
                except OSError:
                    return "::1" if ":" in remote else "127.0.0.1"
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[remote] = known
        return known

    def local_end(self, hop: Hop) -> tuple[str, int]:
        """The address and port of ours that messages over a hop have in their IP headers."""
        host = hop.local_host
        return self.towards(hop.remote_host) if is_wildcard(host) else host, hop.local_port
