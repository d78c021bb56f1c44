"""Session timers (RFC 4028): who refreshes a session, how often, and when it counts as dead."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .errors import SipSyntaxError
from .grammar import param_of, parse_params
from .message import Message, Request, Response
from .validator import Rejection

ABSOLUTE_MINIMUM: Final = 90
"""Seconds; nobody may ask for less (§5), and a Min-SE that is absent means this."""


class Refresher(StrEnum):
    """Who refreshes, named by the roles in the latest INVITE or UPDATE (§2)."""

    UAC = "uac"
    UAS = "uas"


class Due(StrEnum):
    """What the time has come for: a refresh by us, or BYE because the peer did not refresh (§10)."""

    REFRESH = "refresh"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Policy:
    """What we ask for and what we take at least, in seconds."""

    session_expires: int = 1800
    min_se: int = ABSOLUTE_MINIMUM


_USUAL: Final = Policy()


@dataclass(slots=True)
class SessionTimer:
    """The session timer of one dialog. It lives in the dialog's owner, which asks for `deadline` and calls `due`.

    Each INVITE and UPDATE in the dialog, whoever sends it, negotiates anew: `offer` and `answered` where it is ours,
    `check` and `accept` where it is the peer's.
    """

    policy: Policy = _USUAL
    interval: int | None = None
    """The session interval agreed on; None while there is none."""
    we_refresh: bool = False
    refresh_at: float | None = None
    expires_at: float | None = None
    _min_se: int = ABSOLUTE_MINIMUM
    _peer_allows_update: bool = False

    # As the sender of INVITE or UPDATE (UAC)

    def offer(self) -> list[tuple[str, str]]:
        """The fields for an INVITE or UPDATE of ours (§7.1, §7.4).

        A first request leaves the choice of the refresher to the peer; a later one keeps to who has the task.
        """
        interval = max(self.interval or self.policy.session_expires, self._least)
        refresher = ""
        if self.interval is not None:
            refresher = f";refresher={Refresher.UAC if self.we_refresh else Refresher.UAS}"
        fields = [("Supported", "timer"), ("Session-Expires", f"{interval}{refresher}")]
        if self._least > ABSOLUTE_MINIMUM:
            fields.append(("Min-SE", str(self._least)))
        return fields

    def rejected(self, response: Response) -> bool:
        """Take in a 422 (§7.3); True where the request is to be sent again with the new `offer`."""
        least = _seconds(response, "Min-SE") if response.status == 422 else None
        if least is None or least <= max(self._least, self.interval or self.policy.session_expires):
            return False  # it refuses what it said it would take: asking again would never end
        self._min_se = least
        return True

    def answered(self, response: Response, now: float) -> None:
        """Take in a 2xx to an INVITE or UPDATE of ours (§7.2); without Session-Expires the session never expires.

        An interval below the minimum, which no peer may choose (§9), is taken for the minimum: it must not end calls.
        """
        self._note_allow(response)
        interval = _seconds(response, "Session-Expires")
        if interval is None:
            self.stop()
            return
        interval = max(interval, self.policy.min_se)
        self._run(interval, we_refresh=_refresher(response) is not Refresher.UAS, now=now)

    # As the receiver of INVITE or UPDATE (UAS)

    def check(self, request: Request) -> Rejection | None:
        """The 422 for a request that asks for too short an interval (§6, §9).

        A peer that does not know the timer is never refused: the interval comes from a proxy that can raise it.
        """
        interval = _seconds(request, "Session-Expires")
        if interval is None or interval >= self.policy.min_se or "timer" not in request.headers.tokens("Supported"):
            return None
        return Rejection(422, "Session Interval Too Small", (("Min-SE", str(self.policy.min_se)),))

    def accept(self, request: Request, now: float) -> list[tuple[str, str]]:
        """The fields for our 2xx to a request that `check` let pass (§9, table 2); the timer runs from now."""
        self._note_allow(request)
        peer_knows = "timer" in request.headers.tokens("Supported")
        least = _seconds(request, "Min-SE") or ABSOLUTE_MINIMUM
        wanted = max(self.policy.session_expires, least)
        asked = _seconds(request, "Session-Expires")
        # What was asked for is only ever lowered (§9), and never below what a proxy on the way takes.
        interval = max(wanted if asked is None else min(asked, wanted), ABSOLUTE_MINIMUM)
        refresher = Refresher.UAS
        if peer_knows:
            refresher = _refresher(request) or Refresher.UAC
        self._min_se = max(self._min_se, least)
        self._run(interval, we_refresh=refresher is Refresher.UAS, now=now)
        fields = [("Session-Expires", f"{interval};refresher={refresher}"), ("Supported", "timer")]
        if refresher is Refresher.UAC:
            fields.append(("Require", "timer"))
        return fields

    # Time

    @property
    def deadline(self) -> float | None:
        """When `due` has to be asked next."""
        return min((at for at in (self.refresh_at, self.expires_at) if at is not None), default=None)

    def due(self, now: float) -> Due | None:
        """What is to be done now; each once."""
        if self.expires_at is not None and now >= self.expires_at:
            self.stop()
            return Due.EXPIRED
        if self.refresh_at is not None and now >= self.refresh_at:
            self.refresh_at = None
            return Due.REFRESH
        return None

    def stop(self) -> None:
        """No timer from here on."""
        self.interval = self.refresh_at = self.expires_at = None
        self.we_refresh = False

    @property
    def method(self) -> str:
        """What to refresh with: UPDATE, which needs no new offer, where the peer allows it (§7.4)."""
        return "UPDATE" if self._peer_allows_update else "INVITE"

    @property
    def _least(self) -> int:
        return max(self._min_se, self.policy.min_se)

    def _run(self, interval: int, *, we_refresh: bool, now: float) -> None:
        self.interval = interval
        self.we_refresh = we_refresh
        self.refresh_at = now + interval / 2 if we_refresh else None
        # §10: whoever does not refresh says BYE a little early; the refresher has the whole interval to succeed.
        self.expires_at = now + interval - (0 if we_refresh else min(32, interval / 3))

    def _note_allow(self, message: Message) -> None:
        if "Allow" in message.headers:
            self._peer_allows_update = "update" in message.headers.tokens("Allow")


def _seconds(message: Message, field_name: str) -> int | None:
    """The delta-seconds of a field; None where it is absent or not understood."""
    value = (message.headers.get(field_name) or "").partition(";")[0].strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 9 else None


def _refresher(message: Message) -> Refresher | None:
    value = message.headers.get("Session-Expires") or ""
    try:
        role = (param_of(parse_params(value.partition(";")[2], "Session-Expires"), "refresher") or "").lower()
    except SipSyntaxError:
        return None
    return Refresher(role) if role in ("uac", "uas") else None
