"""No secret is shown, and everything else is."""

from time import thread_time

import pytest

from ringdove.watch.mask import masked

REGISTER = b"""REGISTER sip:pbx.test SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r
%s\r
Content-Length: 0\r
\r
"""


@pytest.mark.parametrize("name", [b"Authorization", b"Proxy-Authorization", b"authorization"])
def test_of_a_digest_response_only_who_and_what_for_is_shown(name: bytes) -> None:
    line = (
        name
        + b': Digest username="2001", realm="ringdove", nonce="N0NCE,=\\"x", uri="sip:pbx.test", response="R3SPONSE",'
        b' algorithm=SHA-256, cnonce="CN0NCE", opaque="0PAQUE", qop=auth, nc=00000001, x-new=S3CRET'
    )
    shown = masked(REGISTER % line)
    for secret in (b"N0NCE", b"R3SPONSE", b"CN0NCE", b"0PAQUE", b"S3CRET"):
        assert secret not in shown
    for kept in (b'username="2001"', b'realm="ringdove"', b"algorithm=SHA-256", b"nc=00000001", b'response="***"'):
        assert kept in shown
    assert shown.replace(shown.splitlines()[2], line) == REGISTER % line


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b'WWW-Authenticate: Digest realm="r", nonce="abc", stale=true', b'Digest realm="r", nonce="***", stale=true'),
        (b'Proxy-Authenticate: Digest nonce=abc,realm="r"', b'Digest nonce="***", realm="r"'),
        (b"Authorization: Basic dXNlcjpwYXNz", b"Basic ***"),
        (b"Authorization: Bearer a.b=c", b"Bearer ***"),
        (b"Authorization: dXNlcjpwYXN=", b"***"),
        (b"Authorization: Digest response", b"Digest "),
        (b'Authentication-Info: nextnonce="abc", qop=auth, rspauth="def"', b'nextnonce="***", qop=auth, rspauth="***"'),
        (b"Contact: <sip:2001:hunter2@192.0.2.1:5060>", b"<sip:2001:***@192.0.2.1:5060>"),
        (b"Contact: <sip:2001@192.0.2.1:5060;x=y@z>", b"<sip:2001@192.0.2.1:5060;x=y@z>"),
    ],
)
def test_fields_with_secrets(line: bytes, shown: bytes) -> None:
    assert masked(REGISTER % line).splitlines()[2].partition(b": ")[2] == shown


@pytest.mark.parametrize(
    ("body", "secret"),
    [
        (b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9|2^20\r\n", b"WVNfX19z"),
        (b"a=ice-pwd:asd88fgpdd777uzjYhagZg\r\n", b"asd88fgp"),
        (b"k=clear:topsecret\r\n", b"topsecret"),
        (b"Signal=5\r\nDuration=160\r\n", b"5"),
    ],
)
def test_secrets_in_bodies_give_way_to_as_many_stars(body: bytes, secret: bytes) -> None:
    message = REGISTER % b"Subject: x" + b"v=0\r\n" + body + b"m=audio 6000 RTP/AVP 0\r\n"
    shown = masked(message)
    assert secret not in shown.partition(b"\r\n\r\n")[2]
    assert len(shown) == len(message)
    assert shown.endswith(b"m=audio 6000 RTP/AVP 0\r\n")


def test_a_key_that_stands_alone_in_a_body_is_hidden() -> None:
    assert masked(REGISTER % b"Content-Type: application/dtmf" + b"7").endswith(b"\r\n\r\n*")


def test_a_message_without_secrets_stays_as_it_is() -> None:
    message = REGISTER % b"Subject: response=abc, key k=5" + b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\na=ice-ufrag:F7gI\r\n"
    assert masked(message) == message


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"<sip:2001:hunter2@192.0.2.1>", b"<sip:2001:*******@192.0.2.1>"),
        (b"x=sip:1;sip:2:a:b;c?d@e", b"x=sip:1;sip:2:*******@e"),
        (b"Authorization: Basic YTpi", b"Authorization:***********"),
    ],
)
def test_a_body_with_fields_or_URIs_keeps_its_length(body: bytes, shown: bytes) -> None:
    assert masked(REGISTER % b"Subject: x" + body).partition(b"\r\n\r\n")[2] == shown


@pytest.mark.parametrize(
    "unit", [b"a", b"sip:a:", b"a ", b"a=", b'a="', b"\r\nContent-Type: application/dtmf", b"k=\n"]
)
@pytest.mark.parametrize("start", [b"x\r\n\r\nAuthorization: Digest ", b"Authorization: Digest ", b"x\r\n\r\nsip:a:"])
def test_what_a_stranger_repeats_costs_no_more_than_its_length(start: bytes, unit: bytes) -> None:
    short, long = (_seconds(start + unit * (octets // len(unit))) for octets in (4_096, 65_536))
    assert long < max(0.05, 64 * short)


def _seconds(message: bytes) -> float:
    def once() -> float:
        begun = thread_time()
        masked(message)
        return thread_time() - begun

    return min(once() for _ in range(3))
