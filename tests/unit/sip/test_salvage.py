"""What can be answered of octets that are no message (RFC 3261 §8.2.6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.sip.message import Request, Response
from ringdove.sip.parser import DEFAULT_LIMITS, Limits, NoMessage, StreamParser, parse
from ringdove.sip.salvage import MOST
from ringdove.sip.validator import Rejection

VIA = "Via: SIP/2.0/UDP a:5070;branch=z9hG4bK1;rport"
REST = "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS"


def _fault(octets: str | bytes, limits: Limits = DEFAULT_LIMITS) -> NoMessage:
    with pytest.raises(NoMessage) as raised:
        parse(octets.encode() if isinstance(octets, str) else octets, limits)
    return raised.value


def _answer(fault: NoMessage) -> Response:
    assert fault.request is not None
    answer = parse(Rejection(fault.status, f"Because ({fault})").response(fault.request, "here").to_bytes())
    assert isinstance(answer, Response)
    return answer


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (f"OPTIONS sip:a@b SIP/2.0\r\n{VIA}\r\nno colon\r\n{REST}\r\n\r\n", "header: a line without a colon"),
        (f"OPTIONS sip:a@b SIP/2.0\r\nbad name: x\r\n{VIA}\r\n{REST}\r\n\r\n", "header: a name that is no token"),
        (f"OPTIONS sip:a@b SIP/2.0\r\n{VIA}\r\nX: a\nb\r\n{REST}\r\n\r\n", "message: a bare CR or LF"),
        (f"OPTIONS sip:a@b SIP/2.0\n{VIA}\n{REST}\n\n".replace("\r", ""), "message: no end of the header"),
        (f"OPTIONS sip:a@b SIP/2.0\r\n{VIA}\r\n{REST}\r\nX: cut o", "message: no end of the header"),
        (f"OPTIONS sip:a@b\r\n{VIA}\r\n{REST}\r\n\r\n", "start line: neither a request nor a response"),
        (f"OPTIONS sip:a@b HTTP/1.1\r\n{VIA}\r\n{REST}\r\n\r\n", "start line: neither a request nor a response"),
    ],
)
def test_a_request_that_is_no_message_can_be_answered_400(octets: str, fault: str) -> None:
    answer = _answer(_fault(octets))
    assert (answer.status, answer.reason) == (400, f"Because ({fault})")
    assert answer.via.port == 5070
    assert (answer.call_id, answer.cseq, answer.to.tag, answer.from_.tag) == ("1", (1, "OPTIONS"), "here", "1")


@pytest.mark.parametrize("limits", [Limits(head=100), Limits(line=40), Limits(fields=3), Limits(body=3)])
def test_one_that_is_too_long_can_be_answered_513(limits: Limits) -> None:
    octets = f"OPTIONS sip:a@b SIP/2.0\r\n{VIA}\r\n{REST}\r\nContent-Length: 4\r\n\r\nbody".encode()
    assert _answer(_fault(octets, limits)).status == 513
    with pytest.raises(NoMessage) as raised:
        StreamParser(limits).feed(octets)
    assert _answer(raised.value).status == 513


def test_of_a_long_one_the_beginning_is_looked_at_and_no_field_that_is_cut_off() -> None:
    octets = f"OPTIONS sip:a@b SIP/2.0\r\n{VIA}\r\nTo: <sip:a@b>;x={'y' * MOST}\r\n{REST}\r\n\r\nX"
    assert "To" not in _answer(_fault(octets, Limits(head=100))).headers


@pytest.mark.parametrize(
    "octets",
    [
        f"ACK sip:a@b SIP/2.0\r\n{VIA}\r\nno colon\r\n{REST}\r\n\r\n",
        f"OPTIONS sip:a@b SIP/2.0\r\n{VIA}\r\nno colon\r\nCSeq: 1 ACK\r\n\r\n",
        f"SIP/2.0 200 OK\r\n{VIA}\r\nno colon\r\n{REST}\r\n\r\n",
        f"SIP/3.0 200 OK\r\n{VIA}\r\n{REST}\r\n\r\n",
        f"OPTIONS sip:a@b SIP/2.0\r\nno colon\r\n{REST}\r\n\r\n",
        f"OPTIONS sip:a@b SIP/2.0\r\nVia: nonsense\r\n{VIA}\r\nno colon\r\n{REST}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        f"\0\1 x\r\n{VIA}\r\n\r\n",
    ],
)
def test_what_may_be_no_request_or_does_not_say_where_to_is_not_answered(octets: str) -> None:
    assert _fault(octets).request is None


pieces = st.sampled_from(
    [
        VIA,
        "Via:",
        "v: SIP/2.0/UDP [::1]",
        "CSeq: 1 INVITE",
        "To: x",
        "OPTIONS sip:a@b SIP/2.0",
        "\r\n",
        "\n",
        " ",
        ";",
        '"',
    ]
).map(str.encode)


@given(st.lists(pieces | st.binary(max_size=20), max_size=20).map(b"".join))
def test_an_answer_is_a_message_and_hardly_longer_than_what_it_answers(octets: bytes) -> None:
    octets = b"OPTIONS sip:a@b SIP/2.0\r\nno colon\r\n" + VIA.encode() + b"\r\n" + octets
    fault = _fault(octets)
    if fault.request is not None:
        assert isinstance(fault.request, Request)
        answer = _answer(fault)
        assert len(answer.to_bytes()) < len(octets) + 200
