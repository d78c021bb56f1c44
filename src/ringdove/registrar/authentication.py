"""Who sent a request: digest credentials looked up among the extensions."""

import re
import secrets
import time
from collections.abc import Callable

from ringdove.model.extension import Extension
from ringdove.sip.digest import OFFERED, Algorithm, Realm, Verdict
from ringdove.sip.message import Request, Response
from ringdove.store import Store

_KNOWS_ONLY_MD5 = re.compile(r"baresip v(?:[0-2]\.|3\.(?:[0-9]|1[01])\.)")


class Authenticator:
    """Asks phones for the password of their extension.

    Known and unknown names, wrong passwords and disabled extensions get the same answer after the same work, so that
    a scan learns nothing. `clock` counts seconds and never goes back.
    """

    def __init__(self, store: Store, realm: Realm, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._realm = realm
        self._clock = clock
        self._nobody = secrets.token_urlsafe(24)
        """The password of everybody who does not exist."""

    async def check(self, request: Request) -> Extension | Response:
        """The extension whose phone sent this request, or the 401 to answer with (RFC 3261 §22.1, RFC 8760)."""
        credentials = self._realm.credentials(request.headers.get_all("Authorization"))
        if credentials is None:
            return self._challenge(request)
        if not self._realm.is_fresh(credentials.nonce, self._clock()):
            return self._challenge(request, stale=True)  # before the store is asked: guessing stays cheap for us
        found = await self._store.extensions.by_reg_name(credentials.username)
        extension = found if found is not None and found.enabled else None
        password = extension.reg_password if extension is not None else self._nobody
        verdict = self._realm.verify(credentials, password, request, self._clock())
        if extension is not None and verdict is Verdict.GRANTED:
            return extension
        return self._challenge(request, stale=verdict is Verdict.STALE)

    def _challenge(self, request: Request, *, stale: bool = False) -> Response:
        response = request.reply(401)
        for challenge in self._realm.challenges(self._clock(), stale=stale, algorithms=_algorithms_for(request)):
            response.headers.add("WWW-Authenticate", challenge)
        return response


def _algorithms_for(request: Request) -> tuple[Algorithm, ...]:
    """What to offer: some phones give up over a challenge they do not know, instead of passing over it."""
    if _KNOWS_ONLY_MD5.match(request.headers.get("User-Agent") or ""):
        return (Algorithm.MD5,)
    return OFFERED
