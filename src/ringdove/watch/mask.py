"""Takes what must not be seen out of SIP messages before they are shown or sent on.

Masked are: every digest value but those that say who and what for (RFC 7616 §3.3, §3.4), other credentials as a whole;
keys of SDP (`a=crypto`, `a=ice-pwd`, `k=`); passwords in URIs; keys pressed, in INFO, as they may be a PIN. Bodies keep
their length, so that the Content-Length stays true. Strangers write what is looked through: it takes time in proportion
to its length, whatever it is.
"""

import re
from typing import Final

MASK: Final = b"***"

_FIELDS = rb"(?:(?:Proxy-)?Authorization|(?:WWW|Proxy)-Authenticate|(?:Proxy-)?Authentication-Info)"
_CREDENTIALS = re.compile(rb"^(" + _FIELDS + rb")[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_PARAMETER = re.compile(rb'(?<![\w-])([\w-]+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^\s,"]*)')
_OPEN: Final = {b"username", b"realm", b"uri", b"algorithm", b"qop", b"nc", b"stale", b"domain", b"userhash"}
"""Parameters that are no secret."""
_KEYS = re.compile(
    rb"^(a=crypto:\S+[ \t]+\S+[ \t]+|a=ice-pwd:|k=|[ \t]*Signal[ \t]*=[ \t]*|" + _FIELDS + rb"[ \t]*:)([^\r\n]+)",
    re.IGNORECASE | re.MULTILINE,
)
_DIGIT = re.compile(rb"^Content-Type[ \t]*:[ \t]*application/dtmf[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
# Begins only where a word does, and what has been read as the user stays that: each octet is looked at a few times.
_PASSWORD = re.compile(rb"(?<![^\s<>@])((?>[^\s<>@]*?sips?:[^\s<>@:;?]+:))([^\s<>@]*+)@", re.IGNORECASE)


def masked(message: bytes) -> bytes:
    """The message without its secrets."""
    head, end, body = message.partition(b"\r\n\r\n")
    keys_pressed = _DIGIT.search(head) is not None
    head = _PASSWORD.sub(rb"\1" + MASK + b"@", _CREDENTIALS.sub(_mask_credentials, head))
    body = b"*" * len(body) if keys_pressed else _PASSWORD.sub(_mask_middle, _KEYS.sub(_mask_rest, body))
    return head + end + body


def _mask_credentials(line: re.Match[bytes]) -> bytes:
    name, value = line.groups()
    scheme, _, parameters = value.partition(b" ")
    if name.lower().endswith(b"-info"):  # it names no scheme
        return name + b": " + _mask_parameters(value)
    if scheme.lower() == b"digest":
        return name + b": " + scheme + b" " + _mask_parameters(parameters)
    return name + b": " + (scheme + b" " if parameters else b"") + MASK


def _mask_parameters(parameters: bytes) -> bytes:
    found = _PARAMETER.findall(parameters)
    return b", ".join(key + b"=" + (text if key.lower() in _OPEN else b'"' + MASK + b'"') for key, text in found)


def _mask_rest(found: re.Match[bytes]) -> bytes:
    return found[1] + b"*" * len(found[2])


def _mask_middle(found: re.Match[bytes]) -> bytes:
    return _mask_rest(found) + b"@"
