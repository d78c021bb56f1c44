"""The grammar that header fields share (RFC 3261 §25.1): tokens, quoted strings, lists, parameters."""

import re

from .errors import SipSyntaxError
from .uri import Params, plain_params

TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+\Z")
"""A token (§25.1), to the end of the text."""

# More than gen-value (§25.1) allows, as phones send it; never what could end the value early.
_PARAM_VALUE = re.compile(r'(?:[^\s"<>;,]+|"(?:[^"\\]|\\.)*")\Z', re.DOTALL)
_USUAL_PARAMS = re.compile(r"""(?:;[a-z0-9\-.]+(?:=[^\s"<>;,]+)?)+\Z""")
"""Nearly all parameters: names in lower case, nothing quoted, no white space."""


def split_list(value: str, separator: str = ",") -> list[str]:
    """Take a list apart at separators outside quotes and angle brackets; empty elements are left out."""
    return [part for part in split(value, separator) if part]


def parse_params(text: str, field: str) -> Params:
    """`;a=b;c` (the first `;` may be missing) to pairs, names in lower case, quotes kept; raises SipSyntaxError."""
    if _USUAL_PARAMS.match(text):
        return plain_params(text)
    return parse_any_params(text, field)


def parse_any_params(text: str, field: str) -> Params:
    """What `parse_params` does, whatever they look like."""
    text = text.strip().removeprefix(";")
    if not text:
        return ()
    params: list[tuple[str, str | None]] = []
    for part in split(text, ";"):
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


def number(text: str, most: int) -> int | None:
    """A plain decimal number from 0 to `most`, else None; never a costly conversion."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    value = int(text)
    return value if value <= most else None


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


def split(value: str, separator: str) -> list[str]:
    """Take a text apart at separators outside quotes and angle brackets; nothing is left out."""
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


def closing_quote(text: str, field: str) -> int:
    """Where the quoted-string ends that `text` begins with; raises SipSyntaxError."""
    index = 1
    while index < len(text):
        if text[index] == "\\":
            index += 2
            continue
        if text[index] == '"':
            return index
        index += 1
    raise SipSyntaxError(field, "no closing quote")
