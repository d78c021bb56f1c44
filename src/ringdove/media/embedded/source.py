"""Where a party's packets may come from, and where ours go: learned once, then strict.

Pure: the clock is passed in.
"""

Address = tuple[str, int] | tuple[str, int, int, int]
"""As sockets give it, for IPv4 and IPv6."""


class Source:
    """The other end of one socket.

    - A packet from exactly the signalled address is learned at once, and again later should a stranger have been
    learned first. - Another source (a phone behind NAT) is learned when nothing came from the signalled address for
    `grace` seconds after
      it was first seen; one on the signalled host goes before any other.
    - What was learned stays until `signal` is called again; everybody else is refused.
    - Packets go to the learned source (symmetric RTP, RFC 4961), before that to the signalled address.
    """

    __slots__ = ("_candidate", "_deadline", "_grace", "_signalled", "learned", "target")

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self.signal(None)

    def signal(self, address: Address | None) -> None:
        """The party said where it receives (None: it did not say); learn anew."""
        self._signalled = address
        self._candidate: Address | None = None
        self._deadline = 0.0
        self.learned: Address | None = None
        """The only source whose packets are taken, once there is one."""
        self.target: Address | None = address
        """Where to send; None while nothing is known."""

    @property
    def settled(self) -> Address | None:
        """The signalled address once it was learned: nobody else is heard then until `signal` is called again."""
        return self.learned if self.learned == self._signalled else None

    def admits(self, address: Address, now: float) -> bool:
        """Whether a valid packet that came from this address is the party's."""
        if address == self.learned:
            return True
        if address == self._signalled:
            self._learn(address)
            return True
        if self.learned is not None:
            return False
        if self._candidate is None:
            self._candidate = address
            self._deadline = now + self._grace
        elif self._prefers(address):
            self._candidate = address
        if address != self._candidate or now < self._deadline:
            return False
        self._learn(address)
        return True

    def _prefers(self, address: Address) -> bool:
        if self._signalled is None or self._candidate is None:
            return False
        return address[0] == self._signalled[0] != self._candidate[0]

    def _learn(self, address: Address) -> None:
        self.learned = self.target = address
