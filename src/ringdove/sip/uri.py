"""SIP and SIPS URIs (RFC 3261 §19.1); other schemes are kept as they are."""

import re
from dataclasses import dataclass, replace

from .errors import SipSyntaxError

Params = tuple[tuple[str, str | None], ...]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*\Z")
_USER = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/]|%[0-9A-Fa-f]{2})+\Z")
_PASSWORD = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()&=+$,]|%[0-9A-Fa-f]{2})*\Z")
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9\-._]*[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]+\])\Z")
_PARAM = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()\[\]/:&+$]|%[0-9A-Fa-f]{2})+\Z")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_PLAIN_IN_USER = re.compile(r"[^A-Za-z0-9\-_.!~*'()&=+$,;?/]")


def unescape(text: str) -> str:
    """Replace %HH by the octets they stand for, read as UTF-8 (§19.1.4)."""
    if "%" not in text:
        return text
    octets = _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text)
    return octets.encode("latin-1", "ignore").decode("utf-8", "replace") if octets.isascii() is False else octets


def escape_user(text: str) -> str:
    """Write `text` as the user part of a URI."""
    return _PLAIN_IN_USER.sub(lambda m: "".join(f"%{octet:02X}" for octet in m[0].encode()), text)


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

    @classmethod
    def parse(cls, text: str) -> "Uri":
        """Read one URI without angle brackets; raises SipSyntaxError."""
        scheme, colon, rest = text.partition(":")
        scheme = scheme.lower()
        if not colon or not _SCHEME.match(scheme) or not rest:
            raise SipSyntaxError("uri", "no scheme")
        if any(c <= " " or c in '<>"' for c in rest):
            raise SipSyntaxError("uri", "a character that must be escaped")
        if scheme not in ("sip", "sips"):
            return cls(scheme=scheme, opaque=rest)
        # §19.1.1: `;` and `?` are legal in the user part, so the `@` decides first where that part ends.
        userinfo, at, rest = rest.rpartition("@") if "@" in rest.partition("?")[0] or "@" in rest else ("", "", rest)
        user = password = None
        if at:
            user, _, secret = userinfo.partition(":")
            password = secret if ":" in userinfo else None
            if not _USER.match(user) or (password is not None and not _PASSWORD.match(password)):
                raise SipSyntaxError("uri", "bad user part")
        rest, _, headers = rest.partition("?")
        hostport, *raw_params = rest.split(";")
        host, port = split_host_port(hostport)
        return cls(
            scheme=scheme,
            host=host,
            user=None if user is None else unescape(user),
            password=password,
            port=port,
            params=tuple(_param(p) for p in raw_params),
            headers=headers,
        )

    def param(self, name: str) -> str | None:
        """The value of a parameter: None when absent, "" when it stands without a value."""
        for key, value in self.params:
            if key == name:
                return value or ""
        return None

    def without_params(self, *names: str) -> "Uri":
        """The same URI less the named parameters."""
        return replace(self, params=tuple(p for p in self.params if p[0] not in names))

    @property
    def transport(self) -> str:
        """udp, tcp, tls, ws or wss: as named, else by the scheme (§19.1.1)."""
        return (self.param("transport") or ("tls" if self.scheme == "sips" else "udp")).lower()

    @property
    def is_loose_router(self) -> bool:
        """Whether a Route or Record-Route URI carries `lr` (§16.12)."""
        return self.param("lr") is not None

    def __str__(self) -> str:
        if self.opaque:
            return f"{self.scheme}:{self.opaque}"
        userinfo = ""
        if self.user is not None:
            secret = "" if self.password is None else f":{self.password}"
            userinfo = f"{escape_user(self.user)}{secret}@"
        port = "" if self.port is None else f":{self.port}"
        headers = f"?{self.headers}" if self.headers else ""
        return f"{self.scheme}:{userinfo}{self.host}{port}{format_params(self.params)}{headers}"


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
    if not colon:
        return host.lower(), None
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise SipSyntaxError("port", "not in 1 to 65535")
    return host.lower(), int(port)


def format_params(params: Params) -> str:
    """`;name=value` for each, `;name` where there is no value."""
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in params)


def _param(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not _PARAM.match(name) or (equals and not _PARAM.match(value)):
        raise SipSyntaxError("uri", "bad parameter")
    return name.lower(), value if equals else None
