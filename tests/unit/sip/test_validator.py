"""What is answered to requests that cannot be worked with, and which responses are dropped."""

import pytest

from ringdove.sip.headers import Headers
from ringdove.sip.message import Request, Response
from ringdove.sip.validator import check_request, check_response

FIELDS = {
    "Via": "SIP/2.0/UDP a;branch=z9hG4bK1",
    "From": "<sip:a@x>;tag=1",
    "To": "<sip:b@x>",
    "Call-ID": "1@a",
    "CSeq": "7 {method}",
    "Contact": "<sip:a@a>",
    "Max-Forwards": "70",
}


def _fields(method: str, changed: dict[str, str | None]) -> Headers:
    fields = FIELDS | changed
    return Headers((name, value.format(method=method)) for name, value in fields.items() if value is not None)


def _request(
    changed: dict[str, str | None] | None = None, method: str = "INVITE", uri: str = "sip:b@x", body: bytes = b""
) -> Request:
    return Request(method, uri, _fields(method, changed or {}), body)


def _status(request: Request) -> int | None:
    rejection = check_request(request)
    return rejection.status if rejection else None


def test_a_good_request_passes() -> None:
    assert check_request(_request()) is None


@pytest.mark.parametrize("name", ["From", "To", "Call-ID", "CSeq"])
def test_a_missing_field_is_named(name: str) -> None:
    rejection = check_request(_request({name: None}))
    assert rejection is not None
    assert rejection.answerable
    assert (rejection.status, rejection.reason) == (400, f"Bad Request ({name}: is missing)")


@pytest.mark.parametrize("name", ["From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Expires"])
def test_a_single_field_stands_once(name: str) -> None:
    request = _request({"Content-Length": "0", "Expires": "5"})
    request.headers.add(name, request.headers.get(name) or "")
    assert _status(request) == 400


@pytest.mark.parametrize(
    "changed",
    [
        {"From": "x"},
        {"To": "<sip:>"},
        {"Call-ID": "a b"},
        {"CSeq": "7 BYE"},
        {"CSeq": "x INVITE"},
        {"Contact": "<sip:a@a>, <sip:b@b>"},
        {"Contact": "*"},
        {"Contact": "<tel:1>"},
        {"Via": "SIP/2.0/UDP a, SIP/2.0/UDP ;"},
        {"Route": "<sip:a@b;lr>, x"},
        {"Record-Route": "<mailto:a@b>"},
        {"Max-Forwards": "256"},
        {"Max-Forwards": "-1"},
        {"Max-Forwards": "9" * 5000},
        {"Session-Expires": "soon"},
        {"Session-Expires": "90;refresher=uas;;"},
        {"Min-SE": "90s"},
        {"Date": "today"},
        {"Content-Type": "sdp"},
        {"Content-Length": "1"},
        {"Content-Length": "٣"},
    ],
    ids=str,
)
def test_what_we_will_read_must_be_readable(changed: dict[str, str | None]) -> None:
    assert _status(_request(changed)) == 400


def test_what_rfc_2543_left_out_may_be_missing() -> None:
    assert (
        _status(_request({"Max-Forwards": None, "Contact": None, "From": "<sip:a@x>", "Via": "SIP/2.0/UDP a"})) is None
    )


def test_expiry_times_never_refuse_a_request() -> None:
    assert _status(_request({"Expires": "for ever"}, "REGISTER")) is None


@pytest.mark.parametrize("via", [None, "nonsense", "SIP/2.0/UDP a:0", "SIP/2.0/UDP", ";;, SIP/2.0/UDP a"])
def test_without_a_via_that_says_where_to_nothing_is_answered(via: str | None) -> None:
    rejection = check_request(_request({"Via": via}))
    assert rejection is not None
    assert not rejection.answerable


def test_of_a_malformed_via_the_answer_has_what_can_be_read() -> None:
    request = _request({"Via": "SIP/2.0/UDP a:5070;;branch=;rport;x=a b, ;;, SIP/2.0/TCP b;branch=z9hG4bK2"})
    rejection = check_request(request)
    assert rejection is not None
    assert (rejection.status, rejection.answerable) == (400, True)
    assert rejection.response(request, "t").headers.get_all("Via") == [
        "SIP/2.0/UDP a:5070;rport",
        "SIP/2.0/TCP b;branch=z9hG4bK2",
    ]


def test_an_ack_is_never_answered() -> None:
    rejection = check_request(_request({"To": None}, "ACK"))
    assert rejection is not None
    assert not rejection.answerable
    assert check_request(_request({"Require": "teleport"}, "ACK")) is None


def test_another_version_gets_505() -> None:
    request = _request()
    request.version = "SIP/3.0"
    assert _status(request) == 505


@pytest.mark.parametrize(
    ("uri", "status"), [("tel:123", 416), ("sip:b@x?a=b", 400), ("sip:b x", 400), ("sips:b@x", None)]
)
def test_request_uris(uri: str, status: int | None) -> None:
    assert _status(_request(uri=uri)) == status


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "REGISTER", "BYE"])
def test_options_that_we_lack_get_420_and_are_listed(method: str) -> None:
    rejection = check_request(_request({"Require": "timer, 100rel, PATH, x"}, method))
    assert rejection is not None
    assert (rejection.status, rejection.headers) == (420, (("Unsupported", "100rel, x"),))
    answer = rejection.response(_request(method=method), "here")
    assert answer.headers.get("Unsupported") == "100rel, x"
    assert answer.to.tag == "here"


def test_a_cancel_with_require_is_taken() -> None:
    assert _status(_request({"Require": "100rel"}, "CANCEL")) is None


def test_a_body_in_an_invite_is_sdp_or_optional() -> None:
    assert _status(_request({"Content-Type": "Application/SDP ; x=y"}, body=b"v=0")) is None
    assert _status(_request({"Content-Type": None}, body=b"v=0")) == 400
    strange: dict[str, str | None] = {"Content-Type": "multipart/mixed;boundary=x"}
    rejection = check_request(_request(strange, body=b"x"))
    assert rejection is not None
    assert (rejection.status, rejection.headers) == (415, (("Accept", "application/sdp"),))
    assert _status(_request(strange | {"Content-Disposition": "x; handling = optional"}, body=b"x")) is None
    assert _status(_request(strange, "MESSAGE", body=b"x")) is None
    packed = check_request(_request({"Content-Type": "application/sdp", "Content-Encoding": "gzip"}, body=b"x"))
    assert packed is not None
    assert (packed.status, packed.headers) == (415, (("Accept-Encoding", "identity"),))


def test_a_caller_that_takes_no_sdp_gets_406() -> None:
    assert _status(_request({"Accept": "text/plain"})) == 406
    assert _status(_request({"Accept": "text/plain, application/*;q=0.5"})) is None


def _why(changed: dict[str, str | None], status: int = 200, method: str = "INVITE") -> str | None:
    return check_response(Response(status, None, _fields(method, changed)))


def test_a_good_response_passes() -> None:
    assert _why({}) is None
    assert _why({"Contact": "<sip:a@a>, <mailto:b@b>"}, 302) is None
    assert _why({"Contact": "<sip:a@a>, <sip:b@b>"}, 200, "REGISTER") is None


@pytest.mark.parametrize(
    "changed",
    [
        {"Via": None},
        {"Via": "SIP/2.0/UDP a, SIP/2.0/UDP b"},
        {"CSeq": "1"},
        {"To": "x"},
        {"Record-Route": "x"},
        {"Content-Length": "5"},
    ],
    ids=str,
)
def test_a_response_that_cannot_be_read_or_is_not_for_us_is_dropped(changed: dict[str, str | None]) -> None:
    assert _why(changed)


def test_a_status_out_of_range_is_dropped() -> None:
    assert _why({}, 99)
    assert _why({}, 700)


@pytest.mark.parametrize("contact", ["<<garbage", "<sip:a@a>, <sip:b@b>"])
def test_a_response_is_handed_on_whatever_its_contact_because_a_2xx_must_be_acknowledged(contact: str) -> None:
    assert _why({"Contact": contact}) is None
