"""SIP and SIPS URIs (RFC 3261 §19.1); other schemes are kept as they are."""

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import unquote

from .errors import SipSyntaxError
from .memo import ENTRIES, remembered

Params = tuple[tuple[str, str | None], ...]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*\Z")
_FORBIDDEN = re.compile(r"[^!#-;=?-~]")  # whatever is not visible ASCII, and " < >
# `#` is to be escaped (§25.1), but phones send it as it was dialled.
_USER = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/#]|%[0-9A-Fa-f]{2})+\Z")
_PASSWORD = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()&=+$,]|%[0-9A-Fa-f]{2})*\Z")
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9\-._]*[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]+\])\Z")
_PARAM = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()\[\]/:&+$]|%[0-9A-Fa-f]{2})+\Z")
_USUAL = re.compile(
    r"(sips?):(?:([A-Za-z0-9\-_.!~*'()&=+$,]+)@)?([A-Za-z0-9](?:[A-Za-z0-9\-._]*[A-Za-z0-9])?)(?::([1-9][0-9]{0,4}))?"
    r"((?:;[a-z0-9\-.]+(?:=[A-Za-z0-9\-._]+)?)*)\Z"
)
"""Nearly all URIs: nothing escaped, no password, no header fields, parameters in lower case."""
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}\Z")
_TO_ESCAPE = re.compile(r"[^A-Za-z0-9\-_.!~*'()&=+$,;?/]")


def unescape(text: str) -> str:
    """Replace %HH by the octets they stand for, read as UTF-8 (§19.1.4); raises SipSyntaxError."""
    if "%" not in text:
        return text
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise SipSyntaxError("uri", "escapes that are not UTF-8") from None


def escape_user(text: str) -> str:
    """Write `text` as the user part of a URI."""
    if not _TO_ESCAPE.search(text):
        return text
    return _TO_ESCAPE.sub(lambda m: "".join(f"%{octet:02X}" for octet in m[0].encode("utf-8", "replace")), text)


@dataclass(frozen=True, slots=True)
class Uri:
    """One URI. `user` is unescaped; `host` keeps the brackets of an IPv6 address and is in lower case.

    For a scheme other than sip and sips, `opaque` holds what follows the colon and the rest is empty.
    """

    scheme: str
    host: str = ""
    user: str | None = None
    port: int | None = None
    params: Params = ()
    headers: str = ""
    password: str | None = None
    opaque: str = ""
    _text: str = field(default="", init=False, repr=False, compare=False)
    """What `str` gives, once it was asked for."""

    @staticmethod
    @remembered
    def parse(text: str) -> "Uri":
        """Read one URI without angle brackets; raises SipSyntaxError."""
        usual = _USUAL.match(text)
        if usual is None:
            return read_any(text)
        scheme, user, host, port, params = usual.groups()
        number = int(port) if port else None
        if number is not None and number > 65535:
            return read_any(text)
        return Uri(scheme, host.lower(), user, number, plain_params(params) if params else ())

    def param(self, name: str) -> str | None:
        """The value of a parameter: None when absent, "" when it stands without a value."""
        for key, value in self.params:
            if key == name:
                return value or ""
        return None

    def without_params(self, *names: str) -> "Uri":
        """The same URI less the named parameters."""
        params = tuple([p for p in self.params if p[0] not in names])
        return replace(self, params=params) if len(params) < len(self.params) else self

    def without_headers(self) -> "Uri":
        """The same URI less the header fields for a request made from it (§19.1.5)."""
        return replace(self, headers="") if self.headers else self

    @property
    def is_sip(self) -> bool:
        """Whether it is a SIP or SIPS URI."""
        return not self.opaque

    @property
    def transport(self) -> str:
        """udp, tcp, tls, ws or wss: as named, else by the scheme (§19.1.1); sips: over tcp is tls (RFC 5630 §3.1.4)."""
        named = (self.param("transport") or "").lower()
        if self.scheme == "sips" and named in ("", "tcp"):
            return "tls"
        return named or "udp"

    @property
    def is_loose_router(self) -> bool:
        """Whether a Route or Record-Route URI carries `lr` (§16.12)."""
        return self.param("lr") is not None

    def __str__(self) -> str:
        if not self._text:
            object.__setattr__(self, "_text", self._written())
        return self._text

    def _written(self) -> str:
        if self.opaque:
            return f"{self.scheme}:{self.opaque}"
        userinfo = ""
        if self.user is not None:
            secret = "" if self.password is None else f":{self.password}"
            userinfo = f"{escape_user(self.user)}{secret}@"
        port = "" if self.port is None else f":{self.port}"
        headers = f"?{self.headers}" if self.headers else ""
        return f"{self.scheme}:{userinfo}{self.host}{port}{format_params(self.params)}{headers}"


def read_any(text: str) -> Uri:
    """Read a URI of whatever look; raises SipSyntaxError."""
    scheme, colon, rest = text.partition(":")
    scheme = scheme.lower()
    if not colon or not rest or not _SCHEME.match(scheme):
        raise SipSyntaxError("uri", "no scheme")
    if _FORBIDDEN.search(rest):
        raise SipSyntaxError("uri", "a character that must be escaped")
    if scheme not in ("sip", "sips"):
        return Uri(scheme=scheme, opaque=rest)
    # §25.1: `;` and `?` are legal in the user part, while `@` is legal nowhere else.
    userinfo, at, rest = rest.rpartition("@")
    user, password = _read_userinfo(userinfo) if at else (None, None)
    address, _, headers = rest.partition("?")
    hostport, *params = address.split(";")
    host, port = split_host_port(hostport)
    return Uri(scheme, host, user, port, tuple(map(_read_param, params)), headers, password)


@lru_cache(ENTRIES)
def address_of_record(user: str | None, host: str) -> Uri:
    """The SIP URI under which a user of ours is known at a host; these come back with every call."""
    return Uri("sip", host, user)


@remembered
def numeric(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is, in brackets or not; None for a name. An IPv4-mapped one is that IPv4 address."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def spelled(host: str) -> str:
    """One spelling for all that mean the same host (RFC 5952, RFC 5954 §4): without brackets."""
    return host if _IPV4.match(host) else _spelled(host)


@remembered
def _spelled(host: str) -> str:
    return str(numeric(host) or host.strip("[]").lower())


def split_host_port(text: str) -> tuple[str, int | None]:
    """`host[:port]` to its parts, host in lower case; raises SipSyntaxError."""
    host, colon, port = text, "", ""
    if text.startswith("["):
        host, bracket, after = text.partition("]")
        host += bracket
        if after and not after.startswith(":"):
            raise SipSyntaxError("host", "text after the address")
        colon, port = after[:1], after[1:]
    elif ":" in text:
        host, colon, port = text.partition(":")
    if not _HOST.match(host):
        raise SipSyntaxError("host", "neither a host name nor an address")
    return host.lower(), read_port(port) if colon else None


def read_port(text: str) -> int:
    """A port as a number, 1 to 65535; raises SipSyntaxError."""
    if text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536:
        return int(text)
    raise SipSyntaxError("port", "not in 1 to 65535")


def format_params(params: Params) -> str:
    """`;name=value` for each, `;name` where there is no value."""
    return "".join([f";{name}" if value is None else f";{name}={value}" for name, value in params]) if params else ""


def plain_params(text: str) -> Params:
    """`;a=b;c`, with nothing quoted in it, no white space, and names in lower case."""
    params: list[tuple[str, str | None]] = []
    for part in text[1:].split(";"):
        name, equals, value = part.partition("=")
        params.append((name, value if equals else None))
    return tuple(params)


def _read_userinfo(text: str) -> tuple[str, str | None]:
    user, colon, password = text.partition(":")
    if not _USER.match(user) or not _PASSWORD.match(password):
        raise SipSyntaxError("uri", "bad user part")
    return unescape(user), password if colon else None


def _read_param(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not _PARAM.match(name) or (equals and not _PARAM.match(value)):
        raise SipSyntaxError("uri", "bad parameter")
    return name.lower(), value if equals else None
