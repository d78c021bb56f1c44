"""The times of RFC 3261 table 4, as changed by RFC 6026."""

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Timers:
    """Seconds. The lettered timers follow from T1, T2 and T4; tests shorten those."""

    t1: float = 0.5
    """Round-trip time estimate."""
    t2: float = 4.0
    """Longest interval between retransmissions of a non-INVITE request or an INVITE response."""
    t4: float = 5.0
    """How long a message can stay in the network."""
    trying: float = 0.2
    """How long an INVITE may wait for its first response before 100 goes out (§17.2.1)."""

    @cached_property
    def timeout(self) -> float:
        """Timers B, F, H, L, M and the wait for a final response after CANCEL (§9.1): 64*T1."""
        return 64 * self.t1

    def d(self, reliable: bool) -> float:
        """How long an INVITE client absorbs retransmitted failures."""
        return 0.0 if reliable else self.timeout

    def i(self, reliable: bool) -> float:
        """How long an INVITE server absorbs retransmitted ACKs."""
        return 0.0 if reliable else self.t4

    def j(self, reliable: bool) -> float:
        """How long a non-INVITE server answers retransmissions."""
        return 0.0 if reliable else self.timeout

    def k(self, reliable: bool) -> float:
        """How long a non-INVITE client absorbs retransmitted responses."""
        return 0.0 if reliable else self.t4
