"""`python -m bench.sketch PORT`: the least that a Python process can do which makes the calls of the bench.

It forks INVITEs to phones at that port, passes on what comes back, and cancels those that lost: octets searched and put
together in one loop around a socket. It checks nothing, repeats nothing, times nothing, keeps no audio, no password and
no record; it is no phone system, and shows what is left for one below a goal.
"""

import re
import socket
import sys

from .rows import FIRST_GROUP, member_numbers
from .words import BRANCH, found, reply_head

_HERE = ("127.0.0.1", 0)
_CHALLENGE = b'WWW-Authenticate: Digest realm="sketch", nonce="sketch", algorithm=MD5, qop="auth"\r\n'
_URI = re.compile(rb"[^ ]+ ([^ ]+)")


class Sketch:
    """One process; `phones` is the address of all members."""

    def __init__(self, sock: socket.socket, phones: tuple[str, int]) -> None:
        self._send = sock.sendto
        self._phones = phones
        self._via = b"Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK" % sock.getsockname()[1]
        self._calls: dict[bytes, tuple[tuple[str, int], list[bytes]]] = {}
        """By branch of the caller's request: where the caller is, and the INVITEs that were sent for it."""

    def received(self, data: bytes, source: tuple[str, int]) -> None:
        """A datagram came."""
        if data.startswith(b"SIP/2.0"):
            self._response(data)
        elif data.startswith(b"INVITE"):
            self._invite(data, source)
        elif found(_URI, data).startswith(b"sip:phone@"):  # ACK and BYE of a call; a refusal's ACK goes no further
            branch = found(BRANCH, data)[7:]
            self._calls[branch] = source, []
            self._send(self._passed_on(data, found(_URI, data), branch), self._phones)
        elif data.startswith(b"OPTIONS"):
            self._send(b"SIP/2.0 200 OK\r\n%b\r\nContent-Length: 0\r\n\r\n" % reply_head(data, 0), source)

    def _invite(self, data: bytes, source: tuple[str, int]) -> None:
        if b"\r\nAuthorization:" not in data:
            head = b"SIP/2.0 401 Unauthorized\r\n%b\r\n" % reply_head(data, 0)
            self._send(b"%b%bContent-Length: 0\r\n\r\n" % (head, _CHALLENGE), source)
            return
        uri, branch = found(_URI, data), found(BRANCH, data)[7:]
        members = int(uri[4 : uri.index(b"@")]) - FIRST_GROUP
        invites = [
            self._passed_on(data, b"sip:%b@127.0.0.1" % number.encode(), b"%b-%d" % (branch, leg))
            for leg, number in enumerate(member_numbers(members))
        ]
        self._calls[branch] = source, invites
        for invite in invites:
            self._send(invite, self._phones)

    def _response(self, data: bytes) -> None:
        branch, _, leg = found(BRANCH, data)[7:].partition(b"-")
        known = self._calls.get(branch)
        if known is None:
            return
        caller, invites = known
        status = data[8:11]
        if not leg or status == b"180":
            if not leg or leg == b"0":
                self._send(_passed_back(data), caller)
        elif status == b"487":
            self._send(_of(invites[int(leg)], b"ACK"), self._phones)
        elif b" INVITE\r\n" in data:
            self._send(_passed_back(data), caller)
            for number, invite in enumerate(invites):
                if number != int(leg):
                    self._send(_of(invite, b"CANCEL"), self._phones)

    def _passed_on(self, data: bytes, uri: bytes, branch: bytes) -> bytes:
        method = data[: data.index(b" ")]
        rest = data[data.index(b"\r\n") + 2 :]
        return b"%b %b SIP/2.0\r\n%b%b\r\n%b" % (method, uri, self._via, branch, rest)


def _passed_back(data: bytes) -> bytes:
    """A response without our Via, which is its first field."""
    start = data.index(b"\r\n") + 2
    return data[:start] + data[data.index(b"\r\n", start) + 2 :]


def _of(invite: bytes, method: bytes) -> bytes:
    """The ACK or CANCEL of an INVITE of ours, which shares its first lines with it (RFC 3261 §9.1, §17.1.1.3)."""
    head = invite[: invite.index(b"\r\nContact:")].replace(b"INVITE", method)
    return head + b"\r\nContent-Length: 0\r\n\r\n"


def main() -> None:
    """Until it is ended."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.bind(_HERE)
        sketch = Sketch(sock, ("127.0.0.1", int(sys.argv[1])))
        print(f"ready at 127.0.0.1:{sock.getsockname()[1]}", flush=True)
        while True:
            sketch.received(*sock.recvfrom(65_535))


if __name__ == "__main__":
    main()
