"""A REGISTER as the registrar applies it: bindings that can be called, kept and listed, never too many."""

from collections.abc import Sequence

from ringdove.model.binding import StoredBinding
from ringdove.model.extension import Extension
from ringdove.registrar.bindings import Refusal, contact_value, listing, own_address, register
from ringdove.registrar.bindings import check as wrong
from ringdove.sip.headers import NameAddr
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request
from ringdove.sip.parser import NoMessage, parse
from ringdove.sip.uri import Uri
from ringdove.sip.validator import check_request

HEAD = (
    b"REGISTER sip:ringdove SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5070;rport;branch=z9hG4bK1\r\n"
    b"From: <sip:1001@ringdove>;tag=1\r\nTo: <sip:1001@ringdove>\r\nCall-ID: 1\r\nCSeq: "
)
SEEDS: Sequence[bytes] = (
    b"1 REGISTER\r\nContact: <sip:a@192.0.2.1:5070>;expires=60;q=0.5\r\nUser-Agent: a",
    b'2 REGISTER\r\nContact: <sip:a@b;transport=tcp>;+sip.instance="<urn:uuid:1>";reg-id=1\r\nPath: <sip:e;lr>',
    b"3 REGISTER\r\nContact: <sip:a@b>, <sip:c@d>;expires=0",
    b"3 REGISTER\r\nContact: *\r\nExpires: 0",
    b"1 REGISTER\r\nContact: <sip:a@b>\0002 REGISTER\r\nm: <sip:c@d>, <sip:e@f>, <sip:g@h>, <sip:i@j>\0003 REGISTER",
)
WORDS: Sequence[bytes] = (
    *(
        b"REGISTER\r\nContact: <sip:",
        b"\r\nExpires: ",
        b"\r\nPath: <sip:",
        b";lr>",
        b";expires=",
        b";q=",
        b"nan",
        b"1e9",
    ),
    *(b";+sip.instance=", b'"<urn:', b";reg-id=", b"*", b",", b"\x00", b"<sip:[::1]:5070>", b"\r\nUser-Agent: "),
)
EXTENSION = Extension(id=1, number="1001", reg_password="wren-Heron-42")
SOURCE = Hop("udp", "192.0.2.1", 5070, "192.0.2.9", 5060)


def check(data: bytes) -> None:
    """Several of them, NUL between; each goes on behind HEAD."""
    present: dict[str, StoredBinding] = {}
    now = 1_000_000.0
    for part in data.split(b"\0")[:16]:
        now += 30
        try:
            request = parse(HEAD + part + b"\r\n\r\n")
        except NoMessage:
            continue
        assert isinstance(request, Request)
        if check_request(request) is None and wrong(request) is None:
            _apply(request, present, now)


def _apply(request: Request, present: dict[str, StoredBinding], now: float) -> None:
    change = register(request, EXTENSION, dict(present), SOURCE, now)
    if isinstance(change, Refusal):
        assert change.status in (400, 403, 423, 500)
        return
    for key in change.forgotten:
        del present[key]
    for binding in change.saved:
        assert now < binding.expires_at <= now + 7200
        assert 0 <= binding.q <= 1
        present[binding.key] = binding
    assert len(present) <= EXTENSION.concurrent_registrations
    for binding in present.values():
        assert StoredBinding.model_validate_json(binding.model_dump_json()) == binding
        contact = NameAddr.parse(contact_value(binding, now))
        assert str(contact.uri) == str(Uri.parse(binding.contact)) == binding.contact
        assert (contact.param("+sip.instance") is None) == (binding.instance_id is None)
        own_address(binding)
    assert len(listing(present.values(), now)) == len(present)
