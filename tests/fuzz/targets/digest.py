"""Credentials as strangers make them up, and challenges as a hostile server does."""

from collections.abc import Sequence
from contextlib import suppress

from ringdove.sip.digest import Credentials, Realm, Verdict, authorize
from ringdove.sip.errors import SipSyntaxError
from ringdove.sip.message import Request

RIGHT = (
    b'Digest username="1001", realm="ringdove", nonce="NONCE", uri="sip:ringdove", response="RESPONSE", '
    b'algorithm=SHA-256, qop=auth, cnonce="c", nc=00000001, opaque="o"'
)
SEEDS: Sequence[bytes] = (
    RIGHT,
    RIGHT.replace(b"sip:", b"sip:a@")
    .replace(b"SHA-256", b"md5")
    .replace(b'"c"', b'"\\"c"')
    .replace(b"00000001", b"fFffffff"),
    b'Digest realm="r, s", nonce="n", algorithm=MD5, qop="auth-int,auth", opaque="\\"", stale=TRUE',
    b"Digest realm=r,nonce=n,qop=auth",
    b"Basic YTpi",
)
WORDS: Sequence[bytes] = (
    *(b"Digest ", b"username=", b"realm=", b"nonce=", b"uri=", b"response=", b"cnonce=", b"nc=00000002", b"qop=auth"),
    *(b"algorithm=MD5", b"algorithm=SHA-256", b"algorithm=MD5-sess", b"opaque=", b"NONCE", b"RESPONSE", b'"ringdove"'),
    *(b'"sip:ringdove"', b", ", b'"', b"\\", b"\x7f", b"\xc2\x85", b"\xff", b"auth-int", b'""'),
)
PASSWORD = "wren-heron-42"
NOW = 1000.0
REQUEST = Request("REGISTER", "sip:ringdove")
KEY = bytes(32)
HOST = "192.0.2.1"
NONCE = Realm("ringdove", key=KEY).challenges(HOST, NOW)[0].split('"')[3]


def check(data: bytes) -> None:
    """NONCE in the text becomes one of ours, RESPONSE what one has to know the password for."""
    text = data.decode("utf-8", "replace").replace("NONCE", NONCE)
    _judge(Realm("ringdove", key=KEY), text)
    _answer(text)


def _judge(realm: Realm, text: str) -> None:
    knows = "RESPONSE" in text
    credentials = realm.credentials([text])
    if knows and credentials is not None:
        text = text.replace("RESPONSE", credentials.expected(PASSWORD, "REGISTER"))
        credentials = realm.credentials([text])
    if credentials is None:
        with suppress(SipSyntaxError):
            assert Credentials.parse(text).realm != realm.name
        return
    usable = realm.is_usable(credentials, HOST, NOW)
    assert realm.verify(credentials, "another", REQUEST, HOST, NOW) is not Verdict.GRANTED
    verdict = realm.verify(credentials, PASSWORD, REQUEST, HOST, NOW)
    assert knows or verdict is not Verdict.GRANTED
    assert verdict is not Verdict.GRANTED or usable
    assert realm.verify(credentials, PASSWORD, REQUEST, HOST, NOW) is not Verdict.GRANTED, "a replay"


def _answer(challenge: str) -> None:
    """What we answer can be read, unless it is to a server without a name."""
    try:
        answer = authorize([challenge], "1001", PASSWORD, "REGISTER", "sip:ringdove")
    except SipSyntaxError:
        return
    if 'realm="",' in answer:
        return
    ours = Credentials.parse(answer)
    assert (ours.username, ours.uri) == ("1001", "sip:ringdove")
    assert ours.response == ours.expected(PASSWORD, "REGISTER")
