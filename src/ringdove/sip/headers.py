"""Header fields: a collection with case-blind names, and structured ones as values (RFC 3261 §7.3, §20)."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Final, NamedTuple

from .errors import SipSyntaxError
from .grammar import TOKEN, closing_quote, param_of, parse_params, quote, split, split_list, unquote
from .memo import remembered
from .uri import Params, Uri, format_params, read_port, split_host_port

COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
}
"""Compact forms (§7.3.3 and the RFCs that define the fields)."""

_SPECIAL = {
    "call-id": "Call-ID",
    "cseq": "CSeq",
    "www-authenticate": "WWW-Authenticate",
    "mime-version": "MIME-Version",
    "min-se": "Min-SE",
    "rack": "RAck",
    "rseq": "RSeq",
    "sip-etag": "SIP-ETag",
    "sip-if-match": "SIP-If-Match",
}
KNOWN: Final[dict[str, str]] = {
    **COMPACT,
    **{short.upper(): name for short, name in COMPACT.items()},
    **_SPECIAL,
}
"""Names as they come, and their usual spelling; grows by what comes, up to a limit."""

_VIA = re.compile(
    r"SIP\s*/\s*\d+\.\d+\s*/\s*([A-Za-z0-9\-.!%*_+`'~]+)\s+(\[[^\]]*\]|[^\s:]+)(?:\s*:\s*(\d{1,5}))?\Z", re.IGNORECASE
)
_CSEQ = re.compile(r"([0-9]{1,32})[ \t]+([A-Za-z0-9\-.!%*_+`'~]+)\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CACHE_LIMIT = 512
_LATELY = 512
"""How many From and To of calls that go on are remembered: more would cost more than they save."""
_NONE: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})


def canonical(name: str) -> str:
    """The usual spelling of a field name: compact forms expanded, `call-id` as `Call-ID`; raises SipSyntaxError."""
    known = KNOWN.get(name)
    if known is None:
        if not TOKEN.match(name):
            raise SipSyntaxError("header", "a name that is no token")
        lower = name.lower()
        known = KNOWN.get(lower) or "-".join(part.capitalize() for part in lower.split("-"))
        if len(KNOWN) < _CACHE_LIMIT:  # names come from the network: the cache must not grow with them
            KNOWN[name] = known
    return known


class Headers:
    """The header fields of a message.

    Names stand in the order in which they first came, several fields of one name together, though apart as written:
    among different names order means nothing (§7.3.1).
    """

    __slots__ = ("first", "more")

    first: dict[str, str]
    """The first field of each name. Whoever writes to it keeps to canonical names."""
    more: Mapping[str, Sequence[str]]
    """The further fields of the names that come more than once."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self.first, self.more = _sorted((canonical(name), value) for name, value in fields)

    @classmethod
    def of_canonical(cls, fields: Iterable[tuple[str, str]]) -> "Headers":
        """A collection of fields whose names are canonical already."""
        headers = cls.__new__(cls)
        headers.first, headers.more = _sorted(fields)
        return headers

    @classmethod
    def of_single(cls, fields: dict[str, str]) -> "Headers":
        """A collection over fields whose names are canonical, each of which comes once; it takes the dict over."""
        headers = cls.__new__(cls)
        headers.first = fields
        headers.more = _NONE
        return headers

    def get(self, name: str) -> str | None:
        """The first field of that (canonical) name."""
        return self.first.get(name)

    def get_all(self, name: str) -> list[str]:
        """Every field of that name, as written."""
        first = self.first.get(name)
        if first is None:
            return []
        return [first, *self.more[name]] if name in self.more else [first]

    def values(self, name: str) -> list[str]:
        """Every field of that name, comma-separated lists taken apart (§7.3.1)."""
        fields = self.get_all(name)
        if len(fields) == 1 and "," not in fields[0]:
            value = fields[0].strip()
            return [value] if value else []
        return [part for value in fields for part in split_list(value)]

    def tokens(self, name: str) -> frozenset[str]:
        """The values of a list of tokens such as Supported or Require, in lower case."""
        fields = self.get_all(name)
        return _tokens(fields[0]) if len(fields) == 1 else frozenset().union(*map(_tokens, fields))

    def add(self, name: str, value: str) -> None:
        """Put a field behind those of its name, or behind all."""
        name = canonical(name)
        if name in self.first:
            self.more = {**self.more, name: (*self.more.get(name, ()), value)}
        else:
            self.first[name] = value

    def prepend(self, name: str, value: str) -> None:
        """Put a field before all others (a Via, a Record-Route)."""
        name = canonical(name)
        if name in self.first:
            self.more = {**self.more, name: self.get_all(name)}
        self.first = {name: value, **self.first}
        self.first[name] = value

    def set(self, name: str, value: str) -> None:
        """Replace every field of that name by one, in the place of the first."""
        self.set_all(name, [value])

    def set_all(self, name: str, values: Sequence[str]) -> None:
        """Replace every field of that name by these, in the place of the first."""
        name = canonical(name)
        if len(values) > 1:
            self.more = {**self.more, name: tuple(values[1:])}
        elif name in self.more:
            self.more = {other: more for other, more in self.more.items() if other != name}
        if values:
            self.first[name] = values[0]
        else:
            self.first.pop(name, None)

    def remove(self, name: str) -> None:
        """Take out every field of that name."""
        self.set_all(name, ())

    def copy(self) -> "Headers":
        """An independent collection with the same fields."""
        copy = Headers.of_single(self.first.copy())
        copy.more = self.more
        return copy

    def __contains__(self, name: str) -> bool:
        return name in self.first

    def __iter__(self) -> Iterator[tuple[str, str]]:
        if not self.more:
            return iter(self.first.items())
        return iter([(name, value) for name in self.first for value in self.get_all(name)])

    def __len__(self) -> int:
        return len(self.first) + sum(map(len, self.more.values()))


def _sorted(fields: Iterable[tuple[str, str]]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The first field of each name, and the further ones."""
    first: dict[str, str] = {}
    more: dict[str, list[str]] = {}
    for name, value in fields:
        if name in first:
            more.setdefault(name, []).append(value)
        else:
            first[name] = value
    return first, more


@remembered
def _tokens(text: str) -> frozenset[str]:
    return frozenset(value.lower() for value in split_list(text))


class NameAddr(NamedTuple):
    """What From, To, Contact, Route and Record-Route carry (§20.10): a URI, maybe a name, maybe parameters.

    `display_name` is for people: control characters, legal in quotes, are left out.
    """

    uri: Uri
    display_name: str = ""
    params: Params = ()

    @staticmethod
    def parse(text: str, field: str = "address") -> "NameAddr":
        """Read one value (not a list); raises SipSyntaxError."""
        try:
            return _recall_address(text)
        except SipSyntaxError as error:
            raise SipSyntaxError(field, error.reason) from None

    def param(self, name: str) -> str | None:
        """A header parameter: None when absent, "" when it stands without a value."""
        return param_of(self.params, name)

    @property
    def tag(self) -> str | None:
        """The tag, of a From or To."""
        for name, value in self.params:
            if name == "tag":
                return value or None
        return None

    def with_param(self, name: str, value: str | None) -> "NameAddr":
        """The same with that parameter set."""
        return NameAddr(self.uri, self.display_name, (*[p for p in self.params if p[0] != name], (name, value)))

    def __str__(self) -> str:
        name = f"{quote(self.display_name)} " if self.display_name else ""
        return f"{name}<{self.uri!s}>{format_params(self.params)}"


def _read_tagged(text: str) -> NameAddr:
    # In other calls all but the tag comes back.
    address, mark, tag = text.rpartition(";tag=")
    if mark and address.endswith(">") and TOKEN.match(tag):
        uri, name, _ = _recall_place(address)
        return NameAddr(uri, name, (("tag", tag),))
    return _recall_place(text)


def read_address(text: str) -> NameAddr:
    """Read one value of whatever look; raises SipSyntaxError."""
    text = text.strip()
    name = ""
    if text.startswith('"'):
        end = closing_quote(text, "address")
        name, text = _CONTROL.sub("", unquote(text[: end + 1])), text[end + 1 :].lstrip()
        if not text.startswith("<"):
            raise SipSyntaxError("address", "a name without <address>")
    opening = text.find("<")
    if opening >= 0:
        closing = text.find(">", opening)
        if closing < 0:
            raise SipSyntaxError("address", "no closing >")
        if opening:
            name = " ".join(text[:opening].split())
            if not all(map(TOKEN.match, name.split(" "))):
                raise SipSyntaxError("address", "a name that must be quoted")
        after = text[closing + 1 :].strip()
        if after and not after.startswith(";"):
            raise SipSyntaxError("address", "text after the address")
        return NameAddr(Uri.parse(text[opening + 1 : closing]), name, parse_params(after, "address"))
    # §20.10: without brackets, parameters belong to the header and the URI may not hold , ; or ?.
    address = text.partition(";")[0]
    if "?" in address or "," in address:
        raise SipSyntaxError("address", "an address that needs < >")
    return NameAddr(Uri.parse(address.strip()), "", parse_params(text[len(address) :], "address"))


_recall_place = remembered(read_address)
_recall_address = remembered(_read_tagged, _LATELY)


class Via(NamedTuple):
    """One Via (§20.42): how the request came and how the response goes back."""

    transport: str
    host: str
    port: int | None = None
    params: Params = ()

    @staticmethod
    def parse(text: str) -> "Via":
        """Read one value; raises SipSyntaxError. White space around `/` and `:` is legal."""
        sent = text.partition(";")[0]
        return Via(*_sent_by(sent), parse_params(text[len(sent) :], "Via"))

    @classmethod
    def mend(cls, text: str) -> "Via":
        """Read what can be read of a malformed value, less the other parameters; raises SipSyntaxError without it."""
        sent, *parts = split(text, ";")
        params: list[tuple[str, str | None]] = []
        for part in parts:
            with suppress(SipSyntaxError):
                params += parse_params(part, "Via")
        return cls.parse(sent)._replace(params=tuple(params))

    def param(self, name: str) -> str | None:
        """A parameter: None when absent, "" when it stands without a value."""
        return param_of(self.params, name)

    @property
    def branch(self) -> str:
        """The transaction's id, "" where an RFC 2543 client sent none."""
        for name, value in self.params:
            if name == "branch":
                return value or ""
        return ""

    def with_param(self, name: str, value: str | None) -> "Via":
        """The same with that parameter set, in its old place where it had one."""
        if self.param(name) is None:
            params = (*self.params, (name, value))
        else:
            params = tuple([(k, value if k == name else v) for k, v in self.params])
        return Via(self.transport, self.host, self.port, params)

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {self.host}{port}{format_params(self.params)}"


@remembered
def _sent_by(text: str) -> tuple[str, str, int | None]:
    match = _VIA.match(text.strip())
    if match is None:
        raise SipSyntaxError("Via", "not SIP/2.0/transport host")
    host, _ = split_host_port(match[2])
    return match[1].upper(), host, read_port(match[3]) if match[3] else None


class CSeq(NamedTuple):
    """Sequence number, 0 to 2**31 - 1, and method (§20.16)."""

    number: int
    method: str

    @staticmethod
    @remembered
    def parse(text: str) -> "CSeq":
        """Raises SipSyntaxError."""
        match = _CSEQ.match(text.strip())
        if match is None:
            raise SipSyntaxError("CSeq", "not a number and a method")
        number = int(match[1])
        if number >= 2**31:
            raise SipSyntaxError("CSeq", "number is not below 2**31")
        return CSeq(number, match[2])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"
