"""A datagram: parser, validator, what is answered, and what is made of it."""

from collections.abc import Sequence
from pathlib import Path

from ringdove.sip.dialog import Dialog
from ringdove.sip.errors import SipSyntaxError
from ringdove.sip.hop import Hop
from ringdove.sip.message import Message, Request, Response
from ringdove.sip.parser import Limits, NoMessage, parse
from ringdove.sip.reach import next_hop, reach
from ringdove.sip.transaction.keys import server_key, stateless_tag
from ringdove.sip.transaction.routing import ReplyPath, stamp
from ringdove.sip.uri import Uri
from ringdove.sip.validator import Rejection, check_request, check_response

TORTURE = Path(__file__).parents[2] / "torture"
SEEDS: Sequence[bytes] = tuple(path.read_bytes() for path in sorted(TORTURE.glob("*/*.dat")))
WORDS: Sequence[bytes] = (
    *(b"\r\nVia: SIP/2.0/UDP ", b"\r\nv: SIP / 2.0 / TCP [::1]:5061", b";branch=z9hG4bK1", b";rport", b";received="),
    *(b"\r\nFrom: ", b"\r\nTo: ", b"<sip:a@b>", b";tag", b";tag=1", b'"a" <sip:b>', b"sips:", b"tel:1", b";lr"),
    *(b"\r\nCall-ID: 1", b"\r\nCSeq: 1 ", b"INVITE ", b"ACK ", b"CANCEL ", b"BYE ", b"REGISTER ", b" SIP/2.0"),
    *(b"SIP/2.0 200 OK", b"SIP/2.0 180 ", b"\r\nContact: ", b"\r\nContact: *", b"\r\nRoute: ", b"\r\nRecord-Route: "),
    *(b"\r\nContent-Length: 4", b"\r\nContent-Type: application/sdp", b"\r\nMax-Forwards: 0", b"\r\nPath: "),
    *(b"\r\nRequire: timer", b"\r\nSession-Expires: 90;refresher=uac", b"\r\nMin-SE: 90", b"\r\nAccept: */*"),
    *(b"\r\nDate: ", b"\r\nTimestamp: 1", b"\r\n\r\n", b"\r\n ", b"%00", b"\\", b'"', b"\xc3\xa9", b"\xe9"),
)
SOURCE = Hop("udp", "192.0.2.1", 5070, "192.0.2.9", 5060)
OURS = Uri("sip", "192.0.2.9", port=5060)
WIDE = Limits(head=1 << 20, line=1 << 20, fields=1 << 12, body=1 << 20)
"""What was taken may be longer when it is sent on: Latin-1 becomes UTF-8."""


def check(data: bytes) -> None:
    """A message or NoMessage, and an answer to whatever can be answered."""
    try:
        message = parse(data)
    except NoMessage as fault:
        if fault.request is not None:
            _answer(fault.request, Rejection(fault.status, str(fault)))
        return
    message.to_bytes()
    if isinstance(message, Response):
        if check_response(message) is None:
            _respond(message)
        return
    rejection = check_request(message)
    if rejection is None:
        _request(message)
    elif rejection.answerable:
        _answer(message, rejection)


def _request(request: Request) -> None:
    """Everything about a valid request can be read, said again, answered, and a dialog made of it."""
    _same(request, _read_all(request))
    stamp(request, SOURCE)
    _same(request, _read_all(request))
    assert request.target.is_sip
    assert next_hop(request).is_sip
    assert server_key(request).method
    assert request.max_forwards in range(256)
    for status in (100, 180, 200, 401, 487):
        response = request.reply(status, to_tag="ours")
        assert status == 100 or response.to.tag == (request.to.tag or "ours")
        _respond(_alone(response), contact=False)
    if request.method == "INVITE":
        dialog = Dialog.as_uas(request, "ours", OURS)
        _respond(_alone(dialog.respond(request, 200)))
        reach(dialog.next_hop, request, SOURCE)
        if dialog.remote_target.is_sip:  # else an RFC 2543 client said no more than a From that is no SIP URI
            _send(dialog)


def _respond(response: Response, *, contact: bool = True) -> None:
    """Everything about a valid response can be read but its Contact, which nobody vouches for."""
    _same(response, _read_all(response))
    assert check_response(response) is None
    if contact and response.cseq.method == "INVITE" and 100 < response.status < 300:
        invite = Request("INVITE", "sip:callee@192.0.2.1", response.headers.copy())
        invite.headers.set("Contact", f"<{OURS}>")
        _send(Dialog.as_uac(invite, response))


def _send(dialog: Dialog) -> None:
    """What we send in a dialog is valid, whoever the dialog is with."""
    for request in (dialog.request("BYE"), dialog.request("INVITE"), dialog.ack(1)):
        request.headers.prepend("Via", "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKours")
        assert not isinstance(_read_all(request), Response)
        refused = check_request(request)
        assert refused is None, refused


def _answer(request: Request, rejection: Rejection) -> None:
    """An answer goes out that says what the request said, and that can be read."""
    stamp(request, SOURCE)
    send = ReplyPath.of(request, SOURCE).send(rejection.response(request, stateless_tag(request)))
    answer = parse(send.data, WIDE)
    assert isinstance(answer, Response)
    assert answer.status == rejection.status >= 400
    assert answer.headers.values("Via") == request.headers.values("Via")


def _alone(response: Response) -> Response:
    """As it reaches its client, when all proxies on the way have taken off their Via."""
    response.headers.set_all("Via", response.headers.values("Via")[-1:])
    return response


def _read_all(message: Message) -> Message:
    """The same again from the wire, each property read."""
    again = parse(message.to_bytes(), WIDE)
    for one in (message, again):
        assert one.via == one.vias[0]
        for value in (one.call_id, one.cseq, one.from_, one.to, one.content_type, one.routes, one.record_routes):
            assert value is not None
        try:
            assert isinstance(one.contacts, list)
        except SipSyntaxError:
            assert isinstance(one, Response)  # see `check_response`
    return again


def _same(message: Message, again: Message) -> None:
    assert type(message) is type(again)
    assert again.to_bytes() == message.to_bytes()
    assert (again.call_id, again.cseq, again.from_, again.to) == (
        message.call_id,
        message.cseq,
        message.from_,
        message.to,
    )
    assert (again.vias, again.body) == (message.vias, message.body)
