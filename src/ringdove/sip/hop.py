"""Where a message goes to or comes from: the two ends of a flow, as a value."""

from typing import Final, NamedTuple, Protocol

DEFAULT_PORTS: Final = {"udp": 5060, "tcp": 5060, "tls": 5061}
"""Where a transport is found if no port is named (RFC 3261 §18.1.1, §19.1.2); there are no other transports."""


class Reachable(Protocol):
    """What keeps the addresses of a flow: a registered binding."""

    @property
    def transport(self) -> str:
        """As in `Hop`."""

    @property
    def remote_host(self) -> str:
        """As in `Hop`."""

    @property
    def remote_port(self) -> int:
        """As in `Hop`."""

    @property
    def local_host(self) -> str:
        """As in `Hop`."""

    @property
    def local_port(self) -> int:
        """As in `Hop`."""


class Hop(NamedTuple):
    """The next hop of a message that is sent, the previous one of a message that came.

    `transport` is udp, tcp, … in lower case. Hosts are addresses (IPv6 without brackets). The local end is the
    listener's, also for a connection that we opened ourselves.
    """

    transport: str
    remote_host: str
    remote_port: int
    local_host: str
    local_port: int

    @classmethod
    def of_binding(cls, binding: Reachable) -> "Hop":
        """The flow over which a phone registered (RFC 5626)."""
        return cls(binding.transport, binding.remote_host, binding.remote_port, binding.local_host, binding.local_port)

    @property
    def reliable(self) -> bool:
        """Whether the transport itself repeats what is lost (RFC 3261 §17)."""
        return self.transport != "udp"

    @property
    def remote(self) -> tuple[str, str, int]:
        """The far end alone."""
        return self[:3]

    def __str__(self) -> str:
        host = f"[{self.remote_host}]" if ":" in self.remote_host else self.remote_host
        return f"{self.transport}:{host}:{self.remote_port}"
