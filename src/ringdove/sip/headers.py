"""Header fields: an ordered collection with case-blind names, and structured ones as values (RFC 3261 §7.3, §20)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple

from .errors import SipSyntaxError
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
_CANONICAL: dict[str, str] = {
    **COMPACT,
    **{short.upper(): name for short, name in COMPACT.items()},
    **_SPECIAL,
}

TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+\Z")
"""A token (§25.1), to the end of the text."""

# More than gen-value (§25.1) allows, as phones send it; never what could end the value early.
_PARAM_VALUE = re.compile(r'(?:[^\s"<>;,]+|"(?:[^"\\]|\\.)*")\Z', re.DOTALL)
_VIA = re.compile(
    r"SIP\s*/\s*\d+\.\d+\s*/\s*([A-Za-z0-9\-.!%*_+`'~]+)\s+(\[[^\]]*\]|[^\s:]+)(?:\s*:\s*(\d{1,5}))?\Z", re.IGNORECASE
)
_CSEQ = re.compile(r"([0-9]{1,32})[ \t]+([A-Za-z0-9\-.!%*_+`'~]+)\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CACHE_LIMIT = 512


def canonical(name: str) -> str:
    """The usual spelling of a field name: compact forms expanded, `call-id` as `Call-ID`; raises SipSyntaxError."""
    known = _CANONICAL.get(name)
    if known is None:
        if not TOKEN.match(name):
            raise SipSyntaxError("header", "a name that is no token")
        lower = name.lower()
        known = _CANONICAL.get(lower) or "-".join(part.capitalize() for part in lower.split("-"))
        if len(_CANONICAL) < _CACHE_LIMIT:  # names come from the network: the cache must not grow with them
            _CANONICAL[name] = known
    return known


class Headers:
    """The header fields of a message in their order; several fields of one name stay apart."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = [(canonical(name), value) for name, value in fields]

    @classmethod
    def of_canonical(cls, fields: list[tuple[str, str]]) -> "Headers":
        """A collection over fields whose names are canonical already; it takes the list over."""
        headers = cls.__new__(cls)
        headers._fields = fields
        return headers

    def get(self, name: str) -> str | None:
        """The first field of that (canonical) name."""
        for key, value in self._fields:
            if key == name:
                return value
        return None

    def get_all(self, name: str) -> list[str]:
        """Every field of that name, as written."""
        return [value for key, value in self._fields if key == name]

    def values(self, name: str) -> list[str]:
        """Every field of that name, comma-separated lists taken apart (§7.3.1)."""
        return [part for value in self.get_all(name) for part in split_list(value)]

    def tokens(self, name: str) -> set[str]:
        """The values of a list of tokens such as Supported or Require, in lower case."""
        return {value.lower() for value in self.values(name)}

    def add(self, name: str, value: str) -> None:
        """Append a field."""
        self._fields.append((canonical(name), value))

    def prepend(self, name: str, value: str) -> None:
        """Put a field before all others (a Via, a Record-Route)."""
        self._fields.insert(0, (canonical(name), value))

    def set(self, name: str, value: str) -> None:
        """Replace every field of that name by one, in the place of the first."""
        self.set_all(name, [value])

    def set_all(self, name: str, values: Sequence[str]) -> None:
        """Replace every field of that name by these, in the place of the first."""
        name = canonical(name)
        place = next((i for i, (key, _) in enumerate(self._fields) if key == name), len(self._fields))
        rest = [field for field in self._fields[place:] if field[0] != name]
        self._fields[place:] = [*((name, value) for value in values), *rest]

    def remove(self, name: str) -> None:
        """Take out every field of that name."""
        self._fields = [f for f in self._fields if f[0] != name]

    def copy(self) -> "Headers":
        """An independent collection with the same fields."""
        return Headers.of_canonical(self._fields.copy())

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self._fields)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def split_list(value: str, separator: str = ",") -> list[str]:
    """Take a list apart at separators outside quotes and angle brackets; empty elements are left out."""
    return [part for part in _split(value, separator) if part]


def parse_params(text: str, field: str) -> Params:
    """`;a=b;c` (the first `;` may be missing) to pairs, names in lower case, quotes kept; raises SipSyntaxError."""
    text = text.strip().removeprefix(";")
    if not text:
        return ()
    params: list[tuple[str, str | None]] = []
    for part in _split(text, ";"):
        name, equals, value = part.partition("=")
        name, value = name.rstrip(), value.lstrip()
        if not TOKEN.match(name) or (equals and not _PARAM_VALUE.match(value)):
            raise SipSyntaxError(field, "bad parameter")
        params.append((name.lower(), value if equals else None))
    return tuple(params)


def delta_seconds(text: str | None) -> int | None:
    """A number of seconds, 0 to 2**32 - 1 (§20.19); None where it is absent or malformed."""
    text = (text or "").strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or int(text) >= 2**32:
        return None
    return int(text)


def quote(text: str) -> str:
    """`text` as a quoted-string (§25.1); line ends become spaces."""
    clean = text.replace("\r", " ").replace("\n", " ").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{clean}"'


def unquote(text: str) -> str:
    """The content of a quoted-string; other text as it is."""
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def param_of(params: Params, name: str) -> str | None:
    """The value of a parameter: None when absent, "" when it stands without a value."""
    for key, value in params:
        if key == name:
            return value or ""
    return None


@dataclass(frozen=True, slots=True)
class NameAddr:
    """What From, To, Contact, Route and Record-Route carry (§20.10): a URI, maybe a name, maybe parameters.

    `display_name` is for people: control characters, legal in quotes, are left out.
    """

    uri: Uri
    display_name: str = ""
    params: Params = ()

    @classmethod
    def parse(cls, text: str, field: str = "address") -> "NameAddr":
        """Read one value (not a list); raises SipSyntaxError."""
        text = text.strip()
        name = ""
        if text.startswith('"'):
            end = _closing_quote(text, field)
            name, text = _CONTROL.sub("", unquote(text[: end + 1])), text[end + 1 :].lstrip()
            if not text.startswith("<"):
                raise SipSyntaxError(field, "a name without <address>")
        opening = text.find("<")
        if opening >= 0:
            closing = text.find(">", opening)
            if closing < 0:
                raise SipSyntaxError(field, "no closing >")
            if opening:
                name = " ".join(text[:opening].split())
                if not all(map(TOKEN.match, name.split(" "))):
                    raise SipSyntaxError(field, "a name that must be quoted")
            after = text[closing + 1 :].strip()
            if after and not after.startswith(";"):
                raise SipSyntaxError(field, "text after the address")
            return cls(_read_uri(text[opening + 1 : closing], field), name, parse_params(after, field))
        # §20.10: without brackets, parameters belong to the header and the URI may not hold , ; or ?.
        address = text.partition(";")[0]
        if "?" in address or "," in address:
            raise SipSyntaxError(field, "an address that needs < >")
        return cls(_read_uri(address.strip(), field), "", parse_params(text[len(address) :], field))

    def param(self, name: str) -> str | None:
        """A header parameter: None when absent, "" when it stands without a value."""
        return param_of(self.params, name)

    @property
    def tag(self) -> str | None:
        """The tag, of a From or To."""
        return self.param("tag") or None

    def with_param(self, name: str, value: str | None) -> "NameAddr":
        """The same with that parameter set."""
        return replace(self, params=(*(p for p in self.params if p[0] != name), (name, value)))

    def __str__(self) -> str:
        name = f"{quote(self.display_name)} " if self.display_name else ""
        return f"{name}<{self.uri}>{format_params(self.params)}"


def _read_uri(text: str, field: str) -> Uri:
    try:
        return Uri.parse(text)
    except SipSyntaxError as error:
        raise SipSyntaxError(field, error.reason) from None


def _split(value: str, separator: str) -> list[str]:
    if separator not in value:
        return [value.strip()]
    if '"' not in value and "<" not in value:
        return [part.strip() for part in value.split(separator)]
    parts: list[str] = []
    start = 0
    quoted = escaped = bracketed = False
    for index, char in enumerate(value):
        if escaped:
            escaped = False
        elif quoted:
            escaped = char == "\\"
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char == "<":
            bracketed = True
        elif char == ">":
            bracketed = False
        elif char == separator and not bracketed:
            parts.append(value[start:index].strip())
            start = index + 1
    parts.append(value[start:].strip())
    return parts


def _closing_quote(text: str, field: str) -> int:
    index = 1
    while index < len(text):
        if text[index] == "\\":
            index += 2
            continue
        if text[index] == '"':
            return index
        index += 1
    raise SipSyntaxError(field, "no closing quote")


@dataclass(frozen=True, slots=True)
class Via:
    """One Via (§20.42): how the request came and how the response goes back."""

    transport: str
    host: str
    port: int | None = None
    params: Params = ()

    @classmethod
    def parse(cls, text: str) -> "Via":
        """Read one value; raises SipSyntaxError. White space around `/` and `:` is legal."""
        sent = text.partition(";")[0]
        match = _VIA.match(sent.strip())
        if match is None:
            raise SipSyntaxError("Via", "not SIP/2.0/transport host")
        host, _ = split_host_port(match[2])
        port = read_port(match[3]) if match[3] else None
        return cls(match[1].upper(), host, port, parse_params(text[len(sent) :], "Via"))

    @classmethod
    def mend(cls, text: str) -> "Via":
        """Read what can be read of a malformed value, less the other parameters; raises SipSyntaxError without it."""
        sent, *parts = _split(text, ";")
        params: list[tuple[str, str | None]] = []
        for part in parts:
            with suppress(SipSyntaxError):
                params += parse_params(part, "Via")
        return replace(cls.parse(sent), params=tuple(params))

    def param(self, name: str) -> str | None:
        """A parameter: None when absent, "" when it stands without a value."""
        return param_of(self.params, name)

    @property
    def branch(self) -> str:
        """The transaction's id, "" where an RFC 2543 client sent none."""
        return self.param("branch") or ""

    def with_param(self, name: str, value: str | None) -> "Via":
        """The same with that parameter set, in its old place where it had one."""
        if self.param(name) is None:
            return replace(self, params=(*self.params, (name, value)))
        return replace(self, params=tuple((k, value if k == name else v) for k, v in self.params))

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {self.host}{port}{format_params(self.params)}"


class CSeq(NamedTuple):
    """Sequence number, 0 to 2**31 - 1, and method (§20.16)."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> "CSeq":
        """Raises SipSyntaxError."""
        match = _CSEQ.match(text.strip())
        if match is None:
            raise SipSyntaxError("CSeq", "not a number and a method")
        number = int(match[1])
        if number >= 2**31:
            raise SipSyntaxError("CSeq", "number is not below 2**31")
        return cls(number, match[2])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"
