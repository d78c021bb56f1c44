"""SIP as the load speaks it: canned octets, and just enough reading to answer. None of the server's own stack."""

import re
from hashlib import md5
from typing import NamedTuple

BRANCH = re.compile(rb"branch=([^;,\r]+)")
"""The first of them is that of the topmost Via."""
CALL_ID = re.compile(rb"\r\nCall-ID: *([^\r]+)", re.IGNORECASE)
FROM_USER = re.compile(rb"\r\nFrom:[^\r]*?sips?:([^@>;]+)@", re.IGNORECASE)
TO = re.compile(rb"\r\nTo: *([^\r]+)", re.IGNORECASE)
_CONTACT = re.compile(rb"\r\nContact: *<?([^>\r]+)", re.IGNORECASE)
_ROUTE = re.compile(rb"\r\nRecord-Route: *([^\r]+)", re.IGNORECASE)
_CHALLENGE = re.compile(rb"\r\nWWW-Authenticate: *Digest ([^\r]+)", re.IGNORECASE)
_PARAMETER = re.compile(rb'(\w+)="?([^",]*)"?')
_COPIED = (b"Via:", b"From:", b"Call-ID:", b"CSeq:", b"Record-Route:")


class Login(NamedTuple):
    """What a phone is set up with: its number is what it is called by, too."""

    number: str
    name: str
    password: str


def found(what: re.Pattern[bytes], data: bytes) -> bytes:
    """The group of the first match. Raises ValueError."""
    match = what.search(data)
    if match is None:
        raise ValueError(f"no {what.pattern!r} in {data!r}")
    return match[1]


def reply_head(request: bytes, tag: int) -> bytes:
    """The lines that every response to this request repeats, with a To tag where there was none."""
    head = request[: request.find(b"\r\n\r\n")]
    lines = [line for line in head.split(b"\r\n") if line.startswith(_COPIED)]
    to = found(TO, request)
    lines.append(b"To: %b" % to if b";tag=" in to else b"To: %b;tag=m%d" % (to, tag))
    return b"\r\n".join(lines)


def response(status: bytes, head: bytes, contact: bytes, sdp: bytes = b"") -> bytes:
    """A response with the lines of `reply_head`."""
    kind = b"Content-Type: application/sdp\r\n" if sdp else b""
    return b"SIP/2.0 %b\r\n%b\r\nContact: <%b>\r\n%bContent-Length: %d\r\n\r\n%b" % (
        *(status, head, contact, kind),
        *(len(sdp), sdp),
    )


def request(
    method: bytes,
    uri: bytes,
    branch: bytes,
    cseq: int,
    dialog: bytes,
    here: bytes,
    more: bytes = b"",
    body: bytes = b"",
    user: bytes = b"phone",
) -> bytes:
    """A request; `dialog` is its From, To and Call-ID, each on a line, `more` are whole lines."""
    return (
        b"%b %b SIP/2.0\r\nVia: SIP/2.0/UDP %b;branch=z9hG4bK%b;rport\r\nMax-Forwards: 70\r\n%b"
        b"CSeq: %d %b\r\nContact: <sip:%b@%b>\r\n%bContent-Length: %d\r\n\r\n%b"
    ) % (method, uri, here, branch, dialog, cseq, method, user, here, more, len(body), body)


def target(answer: bytes) -> tuple[bytes, bytes]:
    """Where requests of the dialog go that a 2xx made: the URI, and lines with its route (RFC 3261 §12.1.2)."""
    routes = _ROUTE.findall(answer)
    return found(_CONTACT, answer), b"".join(b"Route: %b\r\n" % route for route in reversed(routes))


def authorization(refusal: bytes, login: Login, method: str, uri: bytes) -> bytes:
    """The line that answers the first MD5 challenge of a 401 (RFC 7616 §3.4). Raises ValueError."""
    for challenge in _CHALLENGE.findall(refusal):
        given = {name.lower().decode(): value.decode() for name, value in _PARAMETER.findall(challenge)}
        if given.get("algorithm", "MD5").upper() == "MD5":
            break
    else:
        raise ValueError(f"no MD5 challenge in {refusal!r}")
    secret = _hash(login.name, given["realm"], login.password)
    asked = _hash(method, uri.decode())
    proof = f'username="{login.name}", realm="{given["realm"]}", nonce="{given["nonce"]}", uri="{uri.decode()}"'
    if "auth" in given.get("qop", "").split(","):
        sums = _hash(secret, given["nonce"], "00000001", "bench", "auth", asked)
        proof += ', qop=auth, nc=00000001, cnonce="bench"'
    else:
        sums = _hash(secret, given["nonce"], asked)
    if "opaque" in given:
        proof += f', opaque="{given["opaque"]}"'
    return f'Authorization: Digest {proof}, algorithm=MD5, response="{sums}"\r\n'.encode()


def sdp(port: int) -> bytes:
    """An offer or answer of PCMU and telephone-event at this loopback port."""
    return (
        b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        b"m=audio %d RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        b"a=fmtp:101 0-16\r\na=sendrecv\r\n"
    ) % port


def _hash(*parts: str) -> str:
    return md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()
