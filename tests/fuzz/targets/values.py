"""The values in header fields: what was read means the same when it was written and is read again."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from ringdove.sip.errors import SipSyntaxError
from ringdove.sip.grammar import delta_seconds, parse_params, quote, split_list, unquote
from ringdove.sip.headers import CSeq, NameAddr, Via, canonical
from ringdove.sip.uri import Uri, escape_user, format_params, read_port, split_host_port, unescape

T = TypeVar("T")
CONTROL = frozenset(map(chr, (*range(0x20), *range(0x7F, 0xA0))))

SEEDS: Sequence[bytes] = (
    b"sips:alice%20b:secret@[2001:db8::1]:5061;transport=tcp;lr;x=%41?Subject=a&to=b",
    b"tel:+1-201-555-0123;phone-context=example.com",
    b'"A \\"B\\" C" <sip:a;b?c@d.example.;user=phone>;tag=1;+sip.instance="<urn:uuid:1>";q=0.5',
    b'"a\\\x01b\x00\xc2\x85" <sip:a@b>',
    b"Anton B <sip:a@b>, sip:c@d;expires=60 , <sip:e@f;x=y>",
    b"SIP / 2.0 / UDP [::1] : 5060 ;branch=z9hG4bK1;received=192.0.2.1;rport",
    b"2147483647 INVITE",
    b"4294967295",
    b"sip-if-match",
)
WORDS: Sequence[bytes] = (
    *(b"sip:", b"sips:", b"tel:", b"@", b"[::1]", b"[", b"]", b";", b"?", b"<", b">", b'"', b"\\", b",", b"=", b":"),
    *(b"%41", b"%00", b"%ff", b"%C3%A9", b";transport=", b";lr", b";tag=", b"SIP/2.0/TCP ", b"65535", b"65536"),
    *("\u2028".encode(), "\u0660".encode(), b"\xc2\x85", b"\xc2\xa0", b"\t", b"\x00", b"\x1c", b"*"),
)


def check(data: bytes) -> None:
    """One text as a value of each kind."""
    text = data.decode("utf-8", "replace")
    for kind in (Uri, NameAddr, Via, CSeq):
        value = _read(kind.parse, text)
        if value is not None:
            assert kind.parse(str(value)) == value
            assert not isinstance(value, NameAddr) or CONTROL.isdisjoint(value.display_name)
    mended = _read(Via.mend, text)
    if mended is not None:
        assert Via.parse(str(mended)) == mended
    name = _read(canonical, text)
    if name is not None:
        assert canonical(name) == canonical(text.lower()) == name
    params = _read(lambda text: parse_params(text, "field"), text)
    if params is not None:
        assert parse_params(format_params(params), "field") == params
    address = _read(split_host_port, text)
    if address is not None:
        host, port = address
        assert split_host_port(host if port is None else f"{host}:{port}") == address
    port = _read(read_port, text)
    assert port is None or 0 < port < 65536
    seconds = delta_seconds(text)
    assert seconds is None or 0 <= seconds < 2**32
    for separator in ",;":
        parts = split_list(text, separator)
        assert split_list(f" {separator} ".join(parts), separator) == parts
    _read(unescape, text)
    assert unescape(escape_user(text)) == text
    line = text.replace("\r", "").replace("\n", "")
    assert unquote(quote(line)) == line


def _read(reader: Callable[[str], T], text: str) -> T | None:
    try:
        return reader(text)
    except SipSyntaxError:
        return None
