"""Who sent a request: digest credentials looked up among the extensions."""

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Final

from ringdove.guard.guard import Guard
from ringdove.model.extension import Extension
from ringdove.sip.digest import OFFERED, Algorithm, Credentials, Realm, Verdict
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request, Response
from ringdove.sip.transaction.keys import stateless_tag
from ringdove.store import Store

REFUSED_AFTER: Final = 0.1
"""Seconds from credentials to their refusal, however long the store took to say whether there is such a user."""

_KNOWS_ONLY_MD5 = re.compile(r"baresip v(?:[0-2]\.|3\.(?:[0-9]|1[01])\.)")


class Authenticator:
    """Asks phones for the password of their extension.

    Known and unknown names, wrong passwords and disabled extensions get the same answer after the same time, so that
    a scan learns nothing. What fails is told to the guard. `clock` gives Unix seconds.
    """

    def __init__(
        self,
        store: Store,
        realm: Realm,
        guard: Guard,
        clock: Callable[[], float] = time.time,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._realm = realm
        self._guard = guard
        self._clock = clock
        self._sleep = sleep
        self._nobody = secrets.token_urlsafe(24)
        """The password of everybody who does not exist."""

    def challenge(self, request: Request, source: Hop) -> Response | None:
        """The 401 for who has not shown yet that it can hear us; None where `check` has to look at the password.

        Nothing is kept of it, and whoever asks again is told the same (§8.2.7).
        """
        credentials = self._realm.credentials(request.headers.get_all("Authorization"))
        if credentials is None:
            return self._challenge(request, source)
        if not self._realm.is_usable(credentials, source.remote_host, self._clock()):
            return self._challenge(request, source, stale=True)
        return None

    async def check(self, request: Request, source: Hop) -> Extension | Response:
        """The extension whose phone sent this request, or the 401 to answer with (RFC 3261 §22.1, RFC 8760)."""
        if (challenge := self.challenge(request, source)) is not None:
            return challenge  # before the store is asked: guessing stays cheap for us
        credentials = self._realm.credentials(request.headers.get_all("Authorization"))
        assert credentials is not None  # noqa: S101 - it would have been challenged
        began = self._clock()
        found = await self._store.extensions.by_reg_name(credentials.username)
        judged = self._judge(credentials, found, request, source)
        if isinstance(judged, Response):
            await self._sleep(min(REFUSED_AFTER, max(0.0, began + REFUSED_AFTER - self._clock())))
        return judged

    def _judge(
        self, credentials: Credentials, found: Extension | None, request: Request, source: Hop
    ) -> Extension | Response:
        """Does it all at once, so that of many guesses at a time none gets past the guard uncounted."""
        now, user = self._clock(), credentials.username
        if not self._guard.may_try(source.remote, user, now):
            return self._challenge(request, source)
        extension = found if found is not None and found.enabled else None
        password = extension.reg_password if extension is not None else self._nobody
        verdict = self._realm.verify(credentials, password, request, source.remote_host, now)
        locked = self._guard.is_locked(user, source.remote, now)
        if extension is not None and verdict is Verdict.GRANTED and not locked:
            self._guard.succeeded(source.remote, user, now)
            return extension
        if verdict is not Verdict.STALE:
            self._guard.failed(source.remote, user, request.method, now, exists=extension is not None)
        return self._challenge(request, source, stale=verdict is Verdict.STALE)

    def _challenge(self, request: Request, source: Hop, *, stale: bool = False) -> Response:
        response = request.reply(401, to_tag=stateless_tag(request))
        algorithms = _algorithms_for(request)
        for value in self._realm.challenges(source.remote_host, self._clock(), stale=stale, algorithms=algorithms):
            response.headers.add("WWW-Authenticate", value)
        return response


def _algorithms_for(request: Request) -> tuple[Algorithm, ...]:
    """What to offer: some phones give up over a challenge they do not know, instead of passing over it."""
    if _KNOWS_ONLY_MD5.match(request.headers.get("User-Agent") or ""):
        return (Algorithm.MD5,)
    return OFFERED
