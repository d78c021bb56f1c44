"""Requests and responses (RFC 3261 §7, §8.2.6)."""

import pytest

from ringdove.sip.errors import SipSyntaxError
from ringdove.sip.headers import Headers, Via
from ringdove.sip.message import Request, Response


def _request(**changed: str) -> Request:
    fields = {
        "Via": "SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b",
        "From": "<sip:a@x>;tag=1",
        "To": "sip:b@x;x=y",
        "Call-ID": "1",
        "CSeq": "7 INVITE",
        "Timestamp": "54",
        **changed,
    }
    return Request("INVITE", "sip:b@x", Headers(fields.items()))


def test_a_reply_copies_what_it_must_and_no_more() -> None:
    response = _request(Subject="x").reply(486, to_tag="t")
    assert [name for name, _ in response.headers] == ["Via", "From", "To", "Call-ID", "CSeq"]
    assert (response.status, response.reason) == (486, "Busy Here")
    assert response.to.tag == "t"
    assert response.to.param("x") == "y"
    assert response.cseq == (7, "INVITE")
    assert response.is_final
    assert not response.is_success


def test_100_has_no_tag_and_copies_the_timestamp() -> None:
    response = _request().reply(100, to_tag="t")
    assert response.to.tag is None
    assert response.headers.get("Timestamp") == "54"


def test_a_tag_that_is_there_stays() -> None:
    assert _request(To="<sip:b@x>;tag=old").reply(200, to_tag="new").to.tag == "old"


def test_a_malformed_to_is_copied_as_it_came() -> None:
    assert _request(To='"x').reply(400, to_tag="t").headers.get("To") == '"x'


def test_the_top_via_is_replaced_and_the_others_stay() -> None:
    request = _request()
    request.replace_top_via(request.via.with_param("received", "1.2.3.4"))
    assert request.via.param("received") == "1.2.3.4"
    assert [via.host for via in request.vias] == ["a", "b"]
    assert [name for name, _ in request.headers][:3] == ["Via", "Via", "From"]


def test_content_length_is_written_anew() -> None:
    request = _request(**{"Content-Length": "99"})
    request.set_body("text/plain", "ä".encode())
    assert request.to_bytes().endswith(b"Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n\xc3\xa4")


def test_reading_what_is_missing_is_a_syntax_error() -> None:
    empty = Request("INVITE", "nonsense")
    for part in ("via", "from_", "to", "cseq", "call_id", "target"):
        with pytest.raises(SipSyntaxError):
            getattr(empty, part)
    assert empty.contacts == []
    assert empty.content_type == ""
    assert empty.max_forwards == 70


def test_half_a_surrogate_pair_does_not_stop_a_message() -> None:
    response = Response(200, "\ud800", Headers([("Via", str(Via("UDP", "a")))]))
    assert response.to_bytes().startswith(b"SIP/2.0 200 ?\r\n")
