"""What the work on one SIP message costs, part by part: `python -m bench micro`, some ten seconds, without a server.

Every message is of a call that was never seen before, so that nothing is remembered that a server could not remember
either; the hundred phones come back. Times are the least of several rounds: whatever else the machine does only adds.
"""

import gc
from collections.abc import Callable, Iterable
from functools import partial
from time import perf_counter_ns
from typing import Any, NamedTuple

from rich.console import Console

from ringdove.sip.dialog import Dialog, Fork
from ringdove.sip.digest import Realm, Verdict, authorize
from ringdove.sip.headers import NameAddr, Via
from ringdove.sip.hop import Hop
from ringdove.sip.identifiers import new_branch
from ringdove.sip.message import Message, Request, Response
from ringdove.sip.parser import parse
from ringdove.sip.sdp import SessionDescription
from ringdove.sip.sdp import parse as parse_sdp
from ringdove.sip.sdp_exchange import Author, Media, read_audio
from ringdove.sip.session_timer import SessionTimer
from ringdove.sip.transaction.routing import stamp
from ringdove.sip.uri import Uri, address_of_record
from ringdove.sip.validator import check_request, check_response

from . import micro_samples as samples
from . import report

ROUNDS, TIMES = 25, 250

_HOST, _PASSWORD = "127.0.0.1", "wren-heron-42"
_NOW = 1000.0
_SOURCE = Hop("udp", _HOST, 48_001, _HOST, 5060)
_CONTACT = Uri("sip", _HOST, port=5060)
_SDP = "application/sdp"
_FIELDS = [("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE"), *SessionTimer().offer()]


class Case(NamedTuple):
    """One row: `make` what the work is done on, outside of what is timed."""

    name: str
    make: Callable[[], Iterable[Any]]
    work: Callable[[Any], object]


def run(console: Console, only: str = "") -> None:
    """Measure and show."""
    rows: list[report.Row] = [(case.name, f"{cost(case):.1f}") for case in _cases() if only in case.name]
    report.show(console, report.Sheet("Work on one message, µs", ("work", "µs"), rows))


def cost(case: Case) -> float:
    """Microseconds of one piece of work."""
    best = float("inf")
    for _ in range(ROUNDS):
        inputs, work = list(case.make()), case.work
        gc.collect()
        gc.disable()
        begin = perf_counter_ns()
        for one in inputs:
            work(one)
        best = min(best, (perf_counter_ns() - begin) / len(inputs))
        gc.enable()
    return best / 1000


def _cases() -> Iterable[Case]:
    for name in ("INVITE", "WITH_PASSWORD", "ACK", "BYE", "REGISTER", "RINGING", "ANSWERED", "CANCELLED"):
        sample = getattr(samples, name)
        size = len(next(iter(samples.fresh(sample, 1))))
        yield Case(f"read and check {name} ({size} octets)", _octets(sample), _read)
    yield Case(
        "read and check 8 of one call", lambda: samples.fresh_calls(TIMES // 8), lambda call: list(map(_read, call))
    )
    yield Case("stamp INVITE", _messages(samples.INVITE), lambda request: stamp(request, _SOURCE))
    yield Case("reply 180", _messages(samples.INVITE), lambda request: request.reply(180, to_tag="0123456789abcdef"))
    yield Case("reply 180 to octets", lambda: (r.reply(180) for r in _messages(samples.INVITE)()), Message.to_bytes)
    yield Case("INVITE to a member", lambda: range(TIMES), _invite)
    yield Case("INVITE over a hop", _invites, _stamped)
    yield Case("INVITE to octets", lambda: map(_stamped, _invites()), Message.to_bytes)
    yield Case("dialog as UAS", _messages(samples.INVITE), _as_uas)
    yield Case("dialog responds 200", lambda: map(_asked, _messages(samples.INVITE)()), _respond)
    yield Case("dialog requests BYE", lambda: map(_as_uas, _messages(samples.INVITE)()), lambda d: d.request("BYE"))
    yield Case(
        "dialog accepts BYE", lambda: map(_asked, _messages(samples.BYE)()), lambda pair: pair[0].accept(pair[1])
    )
    yield Case(
        "dialog as UAC, and its ACK", lambda: zip(_invites(), _messages(samples.ANSWERED)(), strict=True), _as_uac
    )
    for name in ("BARESIP_OFFER", "LINPHONE_OFFER", "LINPHONE_ANSWER"):
        yield Case(f"SDP {name}", _octets(getattr(samples, name)), parse_sdp)
        yield Case(f"audio in {name}", partial(_descriptions, getattr(samples, name)), _audio)
    yield Case("our offer", _audios, lambda media: Author(4711).offer(media))
    yield Case("our answer", partial(_descriptions, samples.LINPHONE_OFFER), _answer)
    yield Case("challenge", lambda: range(TIMES), lambda _: _REALM.challenges(_HOST, _NOW))
    yield Case("password", _with_password, _verify)


def _read(data: bytes) -> Message:
    message = parse(data)
    wrong = check_request(message) if isinstance(message, Request) else check_response(message)
    assert wrong is None, wrong
    return message


def _octets(sample: str) -> Callable[[], Iterable[bytes]]:
    return lambda: samples.fresh(sample, TIMES)


def _descriptions(sample: str) -> Iterable[SessionDescription]:
    return map(parse_sdp, samples.fresh(sample, TIMES))


def _messages(sample: str) -> Callable[[], Iterable[Any]]:
    return lambda: map(_read, samples.fresh(sample, TIMES))


def _invite(number: int) -> Request:
    target = Uri.parse(f"sip:{2000 + number % 100}-0x55cb3b8b3370@127.0.0.1:{48_000 + number % 100}")
    request = _FORK.request(target, address_of_record(str(2000 + number % 100), _HOST))
    request.set_body(_SDP, _BODY)
    return request


def _invites() -> Iterable[Request]:
    return map(_invite, range(TIMES))


def _stamped(request: Request) -> Request:
    via = Via("UDP", _HOST, 5060, (("rport", None), ("branch", new_branch())))
    sent = request.copy()
    sent.push_via(via)
    return sent


def _as_uas(request: Request) -> Dialog:
    return Dialog.as_uas(request, "0123456789abcdef", _CONTACT)


def _asked(request: Request) -> tuple[Dialog, Request]:
    dialog = _as_uas(request)
    dialog.remote_cseq = 1
    return dialog, request


def _respond(pair: tuple[Dialog, Request]) -> Response:
    dialog, request = pair
    return dialog.respond(request, 200, body=_BODY, content_type=_SDP, headers=_FIELDS)


def _as_uac(pair: tuple[Request, Response]) -> Request:
    request, response = pair
    return Dialog.as_uac(request, response).ack(1)


def _audio(description: Any) -> Media:
    media = read_audio(description, lambda codec: codec.key[0] in ("pcmu", "pcma", "opus", "telephone-event"))
    assert media is not None
    return media


def _audios() -> Iterable[Media]:
    return map(_audio, map(parse_sdp, samples.fresh(samples.BARESIP_OFFER, TIMES)))


def _answer(offer: Any) -> bytes:
    return Author(4711).answer(offer, _OURS)


def _with_password() -> Iterable[Request]:
    for request in _messages(samples.ACK)():
        proof = authorize(_REALM.challenges(_HOST, _NOW), "2001", _PASSWORD, "ACK", request.uri)
        request.headers.add("Authorization", proof)
        yield request


def _verify(request: Request) -> None:
    credentials = _REALM.credentials(request.headers.get_all("Authorization"))
    assert credentials is not None
    assert _REALM.verify(credentials, _PASSWORD, request, _HOST, _NOW) is Verdict.GRANTED


_FORK = Fork(
    "INVITE",
    from_=NameAddr(Uri("sip", _HOST, "2001"), "Sales Wren"),
    contact=_CONTACT,
    max_forwards=69,
    headers=[*_FIELDS, ("Alert-Info", f"<http://{_HOST}>;info=ring-group-support")],
)
_REALM = Realm("ringdove")
_BODY = next(iter(samples.fresh(samples.LINPHONE_ANSWER, 1)))
_OURS = next(iter(_audios()))
