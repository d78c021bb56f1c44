"""The floods: each yields the datagrams that one attacker sends, without end."""

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Final

Flood = Callable[[str, int, random.Random], Iterator[bytes]]
"""Given the server's host and port."""

METHODS: Final = ("SUBSCRIBE", "MESSAGE", "NOTIFY", "REFER", "PUBLISH", "INFO", "PRACK", "UPDATE", "WHATEVER")
DIGEST: Final = (
    'Authorization: Digest username="{user}", realm="ringdove", nonce="{nonce}", uri="sip:ringdove", '
    'response="{nonce}", algorithm=MD5, qop=auth, cnonce="c", nc=00000001'
)
SDP: Final = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\na=sendrecv\r\n"
)


def message(
    method: str, host: str, port: int, mark: str, *lines: str, user: str = "1000", to: str = "", body: str = ""
) -> bytes:
    """A request that is right in every way; `mark` makes it unlike all others."""
    return "\r\n".join(
        [
            f"{method} sip:{user}@{host}:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK{mark}",
            "Max-Forwards: 70",
            f"From: <sip:{user}@{host}>;tag=f{mark}",
            f"To: <sip:{user}@{host}>{to}",
            f"Call-ID: {mark}",
            f"CSeq: 1 {method}",
            f"Contact: <sip:{user}@127.0.0.1:9>",
            *lines,
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
            "",
            body,
        ]
    ).encode()


def invites(host: str, port: int, dice: random.Random) -> Iterator[bytes]:
    """INVITEs without credentials."""
    while True:
        yield message("INVITE", host, port, _mark(dice), user=str(dice.randint(1000, 9999)), body=SDP)


def registers(host: str, port: int, dice: random.Random) -> Iterator[bytes]:
    """REGISTERs with credentials that are made up."""
    while True:
        user = str(dice.randint(1000, 9999))
        yield message("REGISTER", host, port, _mark(dice), DIGEST.format(user=user, nonce=_mark(dice)), user=user)


def users(host: str, port: int, dice: random.Random) -> Iterator[bytes]:
    """A scan: every number is asked for once."""
    for number in itertools.count(1000):
        yield message(("REGISTER", "INVITE", "OPTIONS")[number % 3], host, port, _mark(dice), user=str(number))


def subscribes(host: str, port: int, dice: random.Random) -> Iterator[bytes]:
    """SUBSCRIBEs to what there is and to what there is not, without credentials and with such as are made up."""
    while True:
        user, mark = str(dice.randint(1000, 9999)), _mark(dice)
        event = dice.choice(("message-summary", "presence", "dialog"))
        proof = [DIGEST.format(user=user, nonce=mark)] if dice.random() < 0.5 else []
        yield message("SUBSCRIBE", host, port, mark, f"Event: {event}", *proof, user=user)


def options(host: str, port: int, dice: random.Random) -> Iterator[bytes]:
    """OPTIONS, as scanners begin."""
    while True:
        yield message("OPTIONS", host, port, _mark(dice), "User-Agent: friendly-scanner", "Accept: application/sdp")


def others(host: str, port: int, dice: random.Random) -> Iterator[bytes]:
    """Every other method."""
    for method in itertools.cycle(METHODS):
        yield message(method, host, port, _mark(dice))


def dialogs(host: str, port: int, dice: random.Random) -> Iterator[bytes]:
    """Requests within dialogs that are not there, and CANCELs and ACKs of nothing."""
    for method in itertools.cycle(("BYE", "INVITE", "UPDATE", "INFO", "CANCEL", "ACK")):
        to = "" if method == "CANCEL" else f";tag={_mark(dice)}"
        yield message(method, host, port, _mark(dice), to=to)


def responses(host: str, port: int, dice: random.Random) -> Iterator[bytes]:
    """Responses to nothing."""
    while True:
        request = message("INVITE", host, port, _mark(dice), to=";tag=x").partition(b"\r\n")[2]
        yield b"SIP/2.0 200 OK\r\n" + request.replace(b";rport", b"")


def garbage(host: str, port: int, dice: random.Random) -> Iterator[bytes]:
    """Noise, and messages in which octets were changed."""
    while True:
        yield dice.randbytes(dice.randint(1, 1400))
        broken = bytearray(message("INVITE", host, port, _mark(dice), body=SDP))
        for _ in range(dice.randint(1, 20)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        yield bytes(broken)


def huge(host: str, port: int, dice: random.Random) -> Iterator[bytes]:
    """The largest datagrams there are: thousands of fields, one endless field, a great body."""
    room = 60_000
    while True:
        mark = _mark(dice)
        yield message("INVITE", host, port, mark, *["X: y"] * (room // 8))
        yield message("INVITE", host, port, mark, "X: " + "y" * room)
        yield message("REGISTER", host, port, mark, "Contact: " + ", ".join(["<sip:a@b>"] * (room // 12)))
        yield message("INVITE", host, port, mark, body="v=0\r\n" + "a=x\r\n" * (room // 5))


FLOODS: Final[dict[str, Flood]] = {
    flood.__name__: flood
    for flood in (invites, registers, subscribes, users, options, others, dialogs, responses, garbage, huge)
}


def _mark(dice: random.Random) -> str:
    return f"{dice.getrandbits(64):016x}"
