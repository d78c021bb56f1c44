"""Digest authentication (RFC 7616, RFC 8760): the side that challenges and the side that answers."""

import base64
import hashlib
import hmac
import re
import secrets
import struct
from collections import OrderedDict
from collections.abc import Iterable
from enum import Enum, StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from .errors import SipSyntaxError
from .grammar import TOKEN, quote, split_list, unquote
from .memo import remembered
from .message import Request
from .uri import Uri, spelled

NONCE_LIFETIME: Final = 300.0
"""Seconds for which a nonce is good."""

MAX_NONCES: Final = 20_000
"""How many nonces in use are remembered at most; each belongs to a phone that knew its password."""

_SCHEME = re.compile(r"Digest[ \t]+(.+)\Z", re.IGNORECASE | re.DOTALL)
_PARAM = (
    r"[ \t]*([A-Za-z0-9\-.!%*_+`'~]+)[ \t]*=[ \t]*"
    r"""("[^"\\\x00-\x1f\x7f]*"|[^\s",;<>\x00-\x1f\x7f]+)[ \t]*(?:,|\Z)"""
)
_USUAL_PARAM = re.compile(_PARAM)
_USUAL_PARAMS = re.compile(f"(?:{_PARAM})+\\Z")
"""Nearly all credentials and challenges: nothing escaped within quotes."""
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"\Z', re.DOTALL)
_PLAIN = re.compile(r'[^\s",;<>]+\Z')
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NONCE_COUNT = re.compile(r"[0-9a-fA-F]{8}\Z")
_STAMP = struct.Struct("!d8s")  # when it was issued, and what makes it unlike all others
_SEAL_OCTETS = 16
_NONCE_LENGTH = 44
_LATELY = 256
"""How many credentials and nonces are remembered: each comes back only as often as its request is looked at."""


class Algorithm(StrEnum):
    """The hash of a challenge (RFC 8760 §2.2)."""

    MD5 = "MD5"
    SHA256 = "SHA-256"

    def hash(self, *parts: str) -> str:
        """`parts`, joined by colons, as lower-case hexadecimal."""
        text = ":".join(parts).encode("utf-8", "replace")
        if self is Algorithm.SHA256:
            return hashlib.sha256(text).hexdigest()
        return hashlib.md5(text, usedforsecurity=False).hexdigest()


_ALGORITHMS: Final = {algorithm.value: algorithm for algorithm in Algorithm}

OFFERED: Final = (Algorithm.MD5, Algorithm.SHA256)
"""What our challenges offer, in this order.

SIPp 3.6 and PJSIP up to 2.10 look at the first challenge only and give up where they do not know its algorithm; who
wants the stronger one finds it in the second.
"""


class Verdict(Enum):
    """What became of credentials."""

    GRANTED = "granted"
    STALE = "stale"
    """The nonce is old, unknown or used up, whatever the password: the phone may try again by itself."""
    DENIED = "denied"


class Credentials(NamedTuple):
    """The content of an Authorization field (RFC 7616 §3.4) with qop=auth, the only one that we offer."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: Algorithm
    cnonce: str
    nonce_count: str

    @staticmethod
    def parse(value: str) -> "Credentials":
        """Read the value of one field.

        Raises SipSyntaxError: another scheme, an algorithm or qop that was not offered, or a parameter that is
        missing, doubled or malformed.
        """
        return _recall(value)

    def expected(self, password: str, method: str) -> str:
        """What `response` is where the sender knows `password` (RFC 7616 §3.4.1)."""
        secret = self.algorithm.hash(self.username, self.realm, password)
        action = self.algorithm.hash(method, self.uri)
        return self.algorithm.hash(secret, self.nonce, self.nonce_count, self.cnonce, "auth", action)


def _read_credentials(value: str) -> Credentials:
    params = _read_params(value, "Authorization")
    algorithm = _algorithm(params.get("algorithm"))
    if algorithm is None or params.get("qop", "").lower() != "auth":
        raise SipSyntaxError("Authorization", "an algorithm or qop that was not offered")
    wanted = ("username", "realm", "nonce", "uri", "response", "cnonce", "nc")
    if any(not params.get(name) for name in wanted):
        raise SipSyntaxError("Authorization", "a parameter is missing")
    if not _NONCE_COUNT.match(params["nc"]):
        raise SipSyntaxError("Authorization", "bad nonce count")
    return Credentials(
        username=params["username"],
        realm=params["realm"],
        nonce=params["nonce"],
        uri=params["uri"],
        response=params["response"].lower(),
        algorithm=algorithm,
        cnonce=params["cnonce"],
        nonce_count=params["nc"],
    )


_recall = remembered(_read_credentials, _LATELY)


class Realm:
    """A protection domain: hands out nonces without remembering them, and judges credentials.

    A nonce carries the time it was made and a seal over it and over the host that it is given to, so that a challenge
    costs no memory, and who uses it has shown that it hears us where it says it is. Only nonces that were used with
    the right password are remembered, each with its last count, to refuse replays. When there are too many of them,
    the oldest are given up and every nonce of that age counts as stale. `now` is in seconds of one clock.
    """

    def __init__(
        self,
        name: str,
        *,
        key: bytes | None = None,
        lifetime: float = NONCE_LIFETIME,
        max_nonces: int = MAX_NONCES,
    ) -> None:
        self.name = name
        self._quoted = quote(name)
        self._key = key if key is not None else secrets.token_bytes(32)
        self._lifetime = lifetime
        self._max_nonces = max_nonces
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()
        """The last count of each nonce in use, and when it was issued."""
        self._forgotten_until = float("-inf")
        self._issued = lru_cache(_LATELY)(self._read_nonce)
        """The door, the judge and the note of a use ask one after the other."""

    def challenges(
        self, host: str, now: float, *, stale: bool = False, algorithms: Iterable[Algorithm] = OFFERED
    ) -> list[str]:
        """The values for the WWW-Authenticate fields towards a host, one per algorithm (RFC 8760 §2.4)."""
        nonce, again = self._new_nonce(host, now), ", stale=true" if stale else ""
        begin = f'Digest realm={self._quoted}, nonce="{nonce}", algorithm='
        return [f'{begin}{algorithm.value}, qop="auth"{again}' for algorithm in algorithms]

    def credentials(self, values: Iterable[str]) -> Credentials | None:
        """The first Authorization among `values` that is for this realm and can be read."""
        for value in values:
            try:
                credentials = Credentials.parse(value)
            except SipSyntaxError:
                continue
            if credentials.realm == self.name:
                return credentials
        return None

    def is_usable(self, credentials: Credentials, host: str, now: float) -> bool:
        """Whether this host has their nonce from us, it is still good, and its count is new (RFC 7616 §3.4.5).

        Asked first, it keeps credentials cheap that are made up, or overheard and sent again.
        """
        if len(credentials.nonce) != _NONCE_LENGTH:
            return False
        issued = self._issued(credentials.nonce, host)
        if issued is None or issued <= self._forgotten_until or not issued <= now <= issued + self._lifetime:
            return False
        last, _ = self._counts.get(credentials.nonce, (0, issued))
        return int(credentials.nonce_count, 16) > last

    def verify(self, credentials: Credentials, password: str, request: Request, host: str, now: float) -> Verdict:
        """Judge the credentials of a request from a host, whose Request-URI is well-formed."""
        if not self.is_usable(credentials, host, now):
            return Verdict.STALE
        expected = credentials.expected(password, request.method)
        right = hmac.compare_digest(expected.encode(), credentials.response.encode("utf-8", "replace"))
        if not right or not _same_resource(credentials.uri, request):
            return Verdict.DENIED
        self._count(credentials, host, now)
        return Verdict.GRANTED

    def _new_nonce(self, host: str, now: float) -> str:
        stamp = _STAMP.pack(now, secrets.token_bytes(8))
        return base64.urlsafe_b64encode(stamp + self._seal(stamp, host)).decode()

    def _seal(self, stamp: bytes, host: str) -> bytes:
        text = stamp + f"{self.name}\n{host}".encode()
        return hashlib.blake2s(text, key=self._key, digest_size=_SEAL_OCTETS).digest()

    def _read_nonce(self, nonce: str, host: str) -> float | None:
        """When we made this nonce for this host; None where we did not."""
        try:
            octets = base64.b64decode(nonce.encode("ascii"), altchars=b"-_", validate=True)
        except ValueError:
            return None
        stamp, seal = octets[: _STAMP.size], octets[_STAMP.size :]
        if not hmac.compare_digest(seal, self._seal(stamp, host)):
            return None
        issued, _ = _STAMP.unpack(stamp)
        return float(issued)

    def _count(self, credentials: Credentials, host: str, now: float) -> None:
        """Take note that the nonce was used."""
        self._counts[credentials.nonce] = int(credentials.nonce_count, 16), self._issued(credentials.nonce, host) or 0.0
        self._forget(now)

    def _forget(self, now: float) -> None:
        """Drop the nonces that are too old anyway, and where that is not enough, give up the oldest."""
        while self._counts:
            nonce, (_, issued) = next(iter(self._counts.items()))
            if issued + self._lifetime >= now and len(self._counts) <= self._max_nonces:
                return
            del self._counts[nonce]
            self._forgotten_until = max(self._forgotten_until, issued)


def authorize(
    challenges: Iterable[str],
    username: str,
    password: str,
    method: str,
    uri: str,
    *,
    nonce_count: int = 1,
    cnonce: str | None = None,
    algorithms: Iterable[Algorithm] = OFFERED,
) -> str:
    """The value of the Authorization field that answers the first challenge we can (RFC 8760 §2.4).

    `challenges` are the values of all WWW-Authenticate (or Proxy-Authenticate) fields. Raises SipSyntaxError where
    none of them can be answered.
    """
    able = set(algorithms)
    for challenge in challenges:
        try:
            params = _read_params(challenge, "WWW-Authenticate")
        except SipSyntaxError:
            continue
        algorithm = _algorithm(params.get("algorithm"))
        offered = {qop.lower() for qop in split_list(params.get("qop", ""))}
        if algorithm not in able or not params.get("nonce") or "realm" not in params or "auth" not in offered:
            continue
        credentials = Credentials(
            username=username,
            realm=params["realm"],
            nonce=params["nonce"],
            uri=uri,
            response="",
            algorithm=algorithm,
            cnonce=cnonce if cnonce is not None else secrets.token_hex(8),
            nonce_count=f"{nonce_count:08x}",
        )
        opaque = f", opaque={quote(params['opaque'])}" if "opaque" in params else ""
        return (
            f"Digest username={quote(username)}, realm={quote(credentials.realm)}, nonce={quote(credentials.nonce)}, "
            f'uri="{uri}", response="{credentials.expected(password, method)}", algorithm={algorithm}, '
            f'qop=auth, cnonce="{credentials.cnonce}", nc={credentials.nonce_count}{opaque}'
        )
    raise SipSyntaxError("WWW-Authenticate", "no challenge that can be answered")


def _algorithm(name: str | None) -> Algorithm | None:
    """The algorithm of that name, MD5 where none is named (RFC 7616 §3.3)."""
    return _ALGORITHMS.get((name or "MD5").upper())


def _read_params(value: str, field: str) -> dict[str, str]:
    match = _SCHEME.match(value.strip())
    if match is None:
        raise SipSyntaxError(field, "another scheme than Digest")
    if not _USUAL_PARAMS.match(match[1]):
        return read_any_params(match[1], field)
    pairs = _USUAL_PARAM.findall(match[1])
    params = {name.lower(): text[1:-1] if text[0] == '"' else text for name, text in pairs}
    if len(params) < len(pairs):
        raise SipSyntaxError(field, "bad parameter")
    return params


def read_any_params(value: str, field: str) -> dict[str, str]:
    """The parameters behind the scheme, however they are written; raises SipSyntaxError."""
    params: dict[str, str] = {}
    for part in split_list(value):
        name, _, text = part.partition("=")
        name, text = name.strip().lower(), text.strip()
        if not TOKEN.match(name) or name in params or not (_QUOTED.match(text) or _PLAIN.match(text)):
            raise SipSyntaxError(field, "bad parameter")
        params[name] = unquote(text)
        if _CONTROL.search(params[name]):
            raise SipSyntaxError(field, "a control character")
    return params


def _same_resource(uri: str, request: Request) -> bool:
    """Whether digest-uri names what the request asks for (RFC 7616 §3.4.6); URI parameters may differ on the way."""
    if uri == request.uri:
        return True
    try:
        named = Uri.parse(uri)
    except SipSyntaxError:
        return False
    target = request.target
    return (named.scheme, named.user, spelled(named.host), named.port or 5060) == (
        target.scheme,
        target.user,
        spelled(target.host),
        target.port or 5060,
    )
