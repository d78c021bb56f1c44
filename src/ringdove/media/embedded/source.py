"""Where a party's packets may come from, and where ours go: learned once, then strict.

Pure: the clock is passed in.
"""

Address = tuple[str, int] | tuple[str, int, int, int]
"""As sockets give it, for IPv4 and IPv6."""


class Source:
    """The other end of one socket.

    - A packet from exactly the signalled address is learned at once, and again later should a stranger have been
      learned first.
    - Another source (a phone behind NAT) is learned when it still sends `grace` seconds after it was first seen and
      nothing came from the signalled address. There is one such candidate at a time; one on the signalled host goes
      before any other, and one that was silent for `grace` seconds gives way to whoever sends.
    - What was learned stays until `signal` is called again; everybody else is refused. If the same address is signalled
      again (a party that held and resumes), what was learned is learned again by its next packet.
    - Packets go to the learned source (symmetric RTP, RFC 4961), before that to the signalled address.
    """

    __slots__ = ("_candidate", "_deadline", "_grace", "_known", "_seen", "_signalled", "learned", "target")

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._signalled: Address | None = None
        self._known: Address | None = None
        """What was learned when the party said the same before."""
        self.learned: Address | None = None
        """The only source whose packets are taken, once there is one."""
        self.signal(None)

    def signal(self, address: Address | None) -> None:
        """The party said where it receives (None: it did not say); learn anew."""
        self._known = (self.learned or self._known) if address == self._signalled else None
        self._signalled = address
        self._candidate: Address | None = None
        self._deadline = self._seen = 0.0
        self.learned = None
        self.target: Address | None = self._known or address
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
        if address == self._known:
            self._learn(address)
            return True
        if address != self._candidate:
            if self._candidate is None or now - self._seen >= self._grace:
                self._deadline = now + self._grace
            elif not self._prefers(address):
                return False
            self._candidate = address
        self._seen = now
        if now < self._deadline:
            return False
        self._learn(address)
        return True

    def _prefers(self, address: Address) -> bool:
        """Whether it goes before the candidate."""
        if self._signalled is None or self._candidate is None:
            return False
        return address[0] == self._signalled[0] != self._candidate[0]

    def _learn(self, address: Address) -> None:
        self.learned = self.target = address
