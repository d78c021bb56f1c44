"""SIP as the load of the bench speaks it, beside the server's own parser."""

from bench.words import Login, authorization, reply_head, request, response, sdp, target

from ringdove.sip.digest import Algorithm
from ringdove.sip.message import Request, Response
from ringdove.sip.parser import parse

DIALOG = b"From: <sip:1000@127.0.0.1>;tag=a\r\nTo: <sip:6003@127.0.0.1>\r\nCall-ID: c1@bench\r\n"


def invite() -> bytes:
    more = b"Content-Type: application/sdp\r\n"
    return request(b"INVITE", b"sip:6003@127.0.0.1", b"i1", 1, DIALOG, b"127.0.0.1:5070", more, sdp(4000))


def test_a_request_is_one() -> None:
    message = parse(invite())
    assert isinstance(message, Request)
    assert (message.method, message.call_id) == ("INVITE", "c1@bench")
    assert b"m=audio 4000 " in message.body


def test_a_response_belongs_to_its_request_and_gets_a_tag() -> None:
    message = parse(response(b"180 Ringing", reply_head(invite(), 7), b"sip:phone@127.0.0.1"))
    assert isinstance(message, Response)
    assert (message.status, message.call_id) == (180, "c1@bench")
    assert message.to.tag == "m7"


def test_a_tag_that_is_there_stays() -> None:
    bye = request(b"BYE", b"sip:x@y", b"b1", 2, DIALOG.replace(b"\r\nCall", b";tag=mine\r\nCall"), b"127.0.0.1:5070")
    assert b"To: <sip:6003@127.0.0.1>;tag=mine\r\n" in response(b"200 OK", reply_head(bye, 7), b"sip:x")


def test_the_route_of_a_dialog_is_what_was_recorded_backwards() -> None:
    answer = b"SIP/2.0 200 OK\r\nRecord-Route: <sip:b;lr>\r\nRecord-Route: <sip:a;lr>\r\nContact: <sip:m@h:1>\r\n\r\n"
    assert target(answer) == (b"sip:m@h:1", b"Route: <sip:a;lr>\r\nRoute: <sip:b;lr>\r\n")


def test_the_md5_challenge_is_answered_as_RFC_7616_says() -> None:
    refusal = (
        b'SIP/2.0 401 x\r\nWWW-Authenticate: Digest realm="r", nonce="s", algorithm=SHA-256, qop="auth"\r\n'
        b'WWW-Authenticate: Digest realm="r", nonce="n", algorithm=MD5, qop="auth"\r\n\r\n'
    )
    line = authorization(refusal, Login("1000", "1000", "secret"), "INVITE", b"sip:x").decode()
    md5 = Algorithm.MD5.hash
    proof = md5(md5("1000", "r", "secret"), "n", "00000001", "bench", "auth", md5("INVITE", "sip:x"))
    assert f'response="{proof}"' in line
    assert 'nonce="n"' in line
