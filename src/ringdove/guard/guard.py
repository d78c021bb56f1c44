"""The keeper of the SIP door: whom to hear at all, and whom to believe."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address

from .bans import TEXT, BanRules, Bans
from .rates import RateRules, Rates
from .sources import Recent, source_of

Flow = tuple[str, str, int]
"""Transport, host and port of a far end."""
Network = IPv4Network | IPv6Network


class Why(StrEnum):
    """Why something is not even read."""

    BANNED = "banned"
    RATE = "rate"


@dataclass(frozen=True, slots=True)
class GuardRules:
    """What the keeper goes by. `users` are the rules for one user name that many sources try."""

    sources: BanRules = field(default_factory=BanRules)
    users: BanRules = field(default_factory=lambda: BanRules(failures=50, first=300.0, longest=300.0))
    rates: RateRules = field(default_factory=RateRules)
    trust: float = 7_200.0
    """Seconds for which a flow is heard, whatever else its source does, after a phone has logged in over it."""
    most_flows: int = 20_000
    never: tuple[Network, ...] = ()
    """Networks that are never banned and have no rate."""


@dataclass(slots=True)
class _Trust:
    until: float = field(default=float("-inf"))


class Guard:
    """Knows which flows belong to phones, which sources are banned, and what strangers have cost.

    A flow over which a phone logged in is heard even if its source is banned: in an office behind one address, one
    phone with a wrong password, or one infected machine, silences nobody else, nor the other accounts of that phone.
    """

    def __init__(self, rules: GuardRules | None = None) -> None:
        self.rules = rules or GuardRules()
        self.bans = Bans(self.rules.sources)
        self.users = Bans(self.rules.users)
        """User names that too many sources fail at."""
        self.refused: Counter[Why] = Counter()
        """What was not read, by reason."""
        self.failures = 0
        """Logins that failed."""
        self._rates = Rates(self.rules.rates)
        self._flows: Recent[Flow, _Trust] = Recent(self.rules.most_flows, _Trust)
        self._homes: Recent[tuple[str, str], _Trust] = Recent(self.rules.most_flows, _Trust)
        """User names and the sources that they have logged in from."""

    def admits(self, flow: Flow, now: float) -> bool:
        """Whether to read what comes from there."""
        if self.trusts(flow, now):
            return True
        source = source_of(flow[1])
        why = None
        if self.bans.of(source, now) is not None:
            why = Why.BANNED
        elif not self._rates.has_left(source, now):
            why = Why.RATE
        if why is None or self._is_spared(flow[1]):
            return True
        self.refused[why] += 1
        return False

    def trusts(self, flow: Flow, now: float) -> bool:
        """Whether a phone is at the end of this flow."""
        trust = self._flows.get(flow)
        return trust is not None and now < trust.until

    def strange(self, flow: Flow, now: float, cost: float = 1.0) -> None:
        """Something came from there that costs as much as so many messages; it counts for strangers only."""
        if not self.trusts(flow, now):
            self._rates.spend(source_of(flow[1]), now, cost)

    def vouch(self, flow: Flow, now: float) -> None:
        """A phone is at the end of this flow."""
        self._flows.touch(flow).until = now + self.rules.trust

    def succeeded(self, flow: Flow, user: str, now: float) -> None:
        """This user logged in from there."""
        source = source_of(flow[1])
        self.vouch(flow, now)
        self._homes.touch((user[:TEXT], source)).until = now + self.rules.sources.memory
        self.bans.succeeded(source, user)

    def failed(self, flow: Flow, user: str, reason: str, now: float, *, exists: bool) -> None:
        """A login failed, from where the sender can hear us. Users who do not exist need no lock."""
        source = source_of(flow[1])
        self.failures += 1
        if exists and not self._is_at_home(user, source, now):
            self.users.failed(user[:TEXT], reason, source, now)
        if not self._is_spared(flow[1]):
            if self.bans.of(source, now) is not None:
                self._flows.pop(flow, None)  # who goes on to guess over it is no phone
            self.bans.failed(source, reason, user, now)

    def may_try(self, flow: Flow, user: str, now: float) -> bool:
        """Whether a password of this user from there is looked at: others may have failed since it came in.

        While the source is banned its phones go on, and nobody else begins: not the second account of one of them,
        whose password is wrong, either.
        """
        source = source_of(flow[1])
        if self._is_spared(flow[1]) or self.bans.of(source, now) is None:
            return True
        return self.trusts(flow, now) and self._is_at_home(user, source, now)

    def is_locked(self, user: str, flow: Flow, now: float) -> bool:
        """Whether nobody may log in as this user from there for a while, whatever the password.

        From where it has logged in before it always may: nobody can lock a phone out by guessing.
        """
        return self.users.of(user[:TEXT], now) is not None and not self._is_at_home(user, source_of(flow[1]), now)

    def _is_at_home(self, user: str, source: str, now: float) -> bool:
        trust = self._homes.get((user[:TEXT], source))
        return trust is not None and now < trust.until

    def _is_spared(self, host: str) -> bool:
        return bool(self.rules.never) and _is_in(host, self.rules.never)


def _is_in(host: str, networks: Iterable[Network]) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in networks)
