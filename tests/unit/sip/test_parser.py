"""From octets to messages (RFC 3261 §7, §18.3; RFC 5626 §4.4.1)."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.sip.errors import SipSyntaxError
from ringdove.sip.headers import Headers
from ringdove.sip.message import Message, Request, Response
from ringdove.sip.parser import PING, Limits, StreamParser, parse
from ringdove.sip.validator import check_request, check_response

OPTIONS = (
    b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
    b"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody"
)


def test_a_request() -> None:
    request = parse(OPTIONS)
    assert isinstance(request, Request)
    assert (request.method, request.uri, request.version, request.body) == ("OPTIONS", "sip:a@b", "SIP/2.0", b"body")


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [("SIP/2.0 200 OK", 200, "OK"), ("SIP/2.0 180", 180, ""), ("sip/2.0 486 so  sorry ", 486, "so  sorry ")],
)
def test_a_response(line: str, status: int, reason: str) -> None:
    response = parse(f"{line}\r\nVia: SIP/2.0/UDP a\r\n\r\n".encode())
    assert isinstance(response, Response)
    assert (response.status, response.reason) == (status, reason)


@pytest.mark.parametrize(
    "line",
    [
        "OPTIONS sip:a@b",
        "OPTIONS  SIP/2.0",
        "OP(TIONS sip:a@b SIP/2.0",
        "GET / HTTP/1.1",
        "SIP/2.0 20 OK",
        "SIP/3.0 200 OK",
    ],
)
def test_what_begins_as_no_message_is_refused(line: str) -> None:
    with pytest.raises(SipSyntaxError):
        parse(f"{line}\r\nVia: SIP/2.0/UDP a\r\n\r\n".encode())


@pytest.mark.parametrize(
    "field", ["no colon", "two words: x", ": x", "X: a\rb", "X: a\nb", "X\n: a", "\xff: a", "X" * 9000 + ": a"]
)
def test_a_line_that_is_no_field_is_refused(field: str) -> None:
    with pytest.raises(SipSyntaxError):
        parse(f"OPTIONS sip:a@b SIP/2.0\r\n{field}\r\n\r\n".encode())


def test_folds_spaces_and_short_names() -> None:
    message = parse(b"OPTIONS sip:a@b SIP/2.0\r\nl \t:\r\n 0\r\nsubject: a \r\n\t b\r\n  c\r\n\r\n")
    assert list(message.headers) == [("Content-Length", "0"), ("Subject", "a b c")]


def test_a_fold_cannot_continue_the_start_line() -> None:
    with pytest.raises(SipSyntaxError):
        parse(b"OPTIONS sip:a@b SIP/2.0\r\n X: y\r\n\r\n")


def test_a_datagram_may_begin_with_line_ends_and_go_on_after_its_body() -> None:
    assert parse(b"\r\n\r\n" + OPTIONS + b"more").body == b"body"


def test_a_datagram_without_content_length_is_body_to_its_end() -> None:
    assert parse(b"OPTIONS sip:a@b SIP/2.0\r\nX: y\r\n\r\nall of it").body == b"all of it"


def test_a_body_cut_short_is_left_to_the_validator() -> None:
    request = parse(OPTIONS[:-1])
    assert isinstance(request, Request)
    rejection = check_request(request)
    assert rejection is not None
    assert rejection.status == 400


def test_a_cut_off_header_is_no_message() -> None:
    with pytest.raises(SipSyntaxError):
        parse(OPTIONS[: OPTIONS.index(b"Call-ID") + 5])


def test_text_that_is_not_utf_8_is_read_as_latin_1() -> None:
    message = parse(b'OPTIONS sip:a@b SIP/2.0\r\nFrom: "J\xfcrgen" <sip:a@b>\r\n\r\n')
    assert message.from_.display_name == "Jürgen"


@pytest.mark.parametrize(
    "limits",
    [Limits(head=100), Limits(line=20), Limits(fields=3), Limits(body=3)],
    ids=["head", "line", "fields", "body"],
)
def test_limits_hold_for_datagrams_and_streams(limits: Limits) -> None:
    with pytest.raises(SipSyntaxError):
        parse(OPTIONS, limits)
    with pytest.raises(SipSyntaxError):
        StreamParser(limits).feed(OPTIONS)


def test_a_stream_that_never_ends_its_header_is_given_up_at_the_limit() -> None:
    parser = StreamParser(Limits(head=1000))
    for _ in range(100):
        assert parser.feed(b"X: 1234567") == []
    with pytest.raises(SipSyntaxError):
        parser.feed(b"X: 1234567")


@pytest.mark.parametrize("length", [b"", b"l: 1\r\nl: 1\r\n", b"l: -1\r\n", b"l: 9999999999\r\n"])
def test_a_stream_needs_one_readable_content_length(length: bytes) -> None:
    parser = StreamParser()
    with pytest.raises(SipSyntaxError):
        parser.feed(b"OPTIONS sip:a@b SIP/2.0\r\n" + length + b"\r\n")
    with pytest.raises(SipSyntaxError):
        parser.feed(OPTIONS)


def test_a_double_line_end_is_a_ping_and_a_single_one_is_nothing() -> None:
    parser = StreamParser()
    assert parser.feed(b"\r\n\r\n") == [PING]
    assert parser.feed(b"\r\n") == []
    (message,) = parser.feed(OPTIONS)
    assert isinstance(message, Request)
    assert parser.feed(b"\r") == []
    assert parser.feed(b"\n\r") == []
    assert parser.feed(b"\n\r\n\r\n") == [PING, PING]


@given(st.lists(st.integers(0, 4 * len(OPTIONS)), max_size=12))
def test_a_stream_may_be_cut_anywhere(cuts: list[int]) -> None:
    stream = OPTIONS + b"\r\n" + OPTIONS + b"\r\n\r\n" + OPTIONS
    parser = StreamParser()
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    found = [item for start, stop in pairwise(edges) for item in parser.feed(stream[start:stop])]
    assert [item if item is PING else type(item) for item in found] == [Request, Request, PING, Request]
    assert all(isinstance(item, Request) and item.body == b"body" for item in found if item is not PING)


PIECES = [
    b"\r\n",
    b"\r",
    b"\n",
    b" ",
    b":",
    b";",
    b",",
    b'"',
    b"<",
    b">",
    b"SIP/2.0",
    b"Via: ",
    b"l: 3",
    b"INVITE sip:a@b ",
]
almost_sip = st.lists(st.sampled_from(PIECES) | st.binary(max_size=5), max_size=40).map(b"".join)


@given(
    st.binary(max_size=300)
    | almost_sip
    | almost_sip.map(OPTIONS.__add__)
    | almost_sip.map(lambda b: b"INVITE sip:a@b SIP/2.0\r\n" + b)
)
def test_any_octets_are_a_message_or_a_syntax_error(octets: bytes) -> None:
    try:
        message = parse(octets)
    except SipSyntaxError:
        return
    first = message.to_bytes()
    assert parse(first).to_bytes() == first
    if isinstance(message, Request):
        if check_request(message) is None:
            assert message.target.is_sip
            read_everything(message)
    elif check_response(message) is None:
        read_everything(message)


def read_everything(message: Message) -> None:
    """Raise where a part cannot be read: the validator promised that all can."""
    assert message.via in message.vias
    assert message.cseq.number < 2**31
    _ = message.from_, message.to, message.call_id, message.contacts, message.routes, message.record_routes


@given(st.lists(st.binary(max_size=40) | almost_sip | st.just(OPTIONS), max_size=6))
def test_any_stream_is_messages_or_a_syntax_error(chunks: list[bytes]) -> None:
    parser = StreamParser()
    try:
        for chunk in chunks:
            parser.feed(chunk)
    except SipSyntaxError:
        return


tokens = st.from_regex(r"[A-Za-z0-9\-.!%*_+`'~]{1,12}", fullmatch=True)
values = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=30)


@given(tokens, st.lists(st.tuples(tokens, values), max_size=8), st.binary(max_size=50))
def test_a_generated_message_round_trips(method: str, fields: list[tuple[str, str]], body: bytes) -> None:
    headers = Headers((name, value) for name, value in fields if name.lower() not in ("l", "content-length"))
    sent = Request(method, "sip:a@b", headers, body)
    for received in (parse(sent.to_bytes()), StreamParser().feed(sent.to_bytes())[0]):
        assert isinstance(received, Request)
        assert (received.method, received.uri, received.body) == (method, "sip:a@b", body)
        assert [field for field in received.headers if field[0] != "Content-Length"] == list(headers)


@pytest.mark.parametrize("piece", [b"\r\n ", b"\r\nX:", b";", b",", b'"', b"<", b"%", b"a" * 8])
def test_hostile_repetition_costs_no_more_than_its_size(piece: bytes) -> None:
    """Quadratic reading would take minutes here."""
    field = (b"Via: SIP/2.0/UDP a" + piece * 100_000)[:60_000]
    limits = Limits(head=70_000, line=70_000, fields=70_000)
    try:
        message = parse(OPTIONS[: OPTIONS.index(b"Via")] + field + b"\r\n\r\n", limits)
    except SipSyntaxError:
        return
    assert isinstance(message, Request)
    assert check_request(message) is not None
