"""The load of the bench against a server of a few lines, which does what is asked of it, right or wrong."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from bench.calls_load import Load
from bench.task import Task
from bench.words import CALL_ID, Login, found, reply_head, request, response

SDP = b"v=0\r\nm=audio 4000 RTP/AVP 0\r\n"


class Server:
    """A back-to-back user agent for one call at a time: it rings two members, and cancels who was not first."""

    def __init__(self, phones: int, *, refuse: bytes = b"", twice: bool = False, rung: int = 2) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.address: tuple[str, int] = self.sock.getsockname()
        self._phones = ("127.0.0.1", phones)
        self._refuse, self._twice, self._rung = refuse, twice, rung
        self._invite = b""
        self._calls = 0

    def run(self) -> None:
        """Until it gets "stop"."""
        while (data := self.sock.recv(65_535)) != b"stop":
            if data.startswith((b"INVITE", b"BYE")):
                self._asked(data)
            elif data.startswith(b"SIP/2.0 200") and b" INVITE\r\n" in data:
                self._answered(data)
            elif data.startswith(b"SIP/2.0 180"):
                self._reply(self._invite, b"180 Ringing")

    def _asked(self, data: bytes) -> None:
        if data.startswith(b"BYE"):
            self._reply(data, b"200 OK")
            self._leg(b"BYE", 0, 2)
        elif b"Authorization:" not in data:
            challenge = b'WWW-Authenticate: Digest realm="r", nonce="n"'
            self._send(response(b"401 Unauthorized", reply_head(data, 1) + b"\r\n" + challenge, b"sip:s"))
        elif self._refuse:
            self._reply(data, self._refuse)
        else:
            self._invite = data
            self._calls += 1
            for number in range(self._rung):
                for _ in range(1 + self._twice):
                    self._leg(b"INVITE", number, 1)

    def _answered(self, data: bytes) -> None:
        self._leg(b"ACK", 0, 1)
        for number in range(1, self._rung):
            self._leg(b"CANCEL", number, 1)
        self._send(response(b"200 OK", reply_head(self._invite, 2), b"sip:s@127.0.0.1", SDP))

    def _leg(self, method: bytes, number: int, cseq: int) -> None:
        """A request to a member; a CANCEL has the branch of its INVITE."""
        call = found(CALL_ID, self._invite)
        dialog = b"From: <sip:1000@s>;tag=s\r\nTo: <sip:m@s>\r\nCall-ID: %d-%d-%b\r\n" % (number, self._calls, call)
        kind = b"INVITE" if method == b"CANCEL" else method
        branch = b"%b-%d-%d" % (kind, number, self._calls)
        self._send(request(method, b"sip:m@s", branch, cseq, dialog, b"127.0.0.1:%d" % self.address[1]))

    def _reply(self, data: bytes, status: bytes) -> None:
        self._send(response(status, reply_head(data, 2), b"sip:s"))

    def _send(self, data: bytes) -> None:
        self.sock.sendto(data, self._phones)


@contextmanager
def serving(server: Server) -> Iterator[Task]:
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield Task(
            server.address,
            callers=[Login("1000", "1000", "secret")],
            number="6002",
            members=2,
            count=1,
            answer_after=0.01,
            talk=0.01,
        )
    finally:
        server.sock.sendto(b"stop", server.address)
        thread.join()
        server.sock.close()


@pytest.fixture
def load() -> Iterator[Load]:
    made = Load()
    yield made
    made.close()


def test_a_call_is_made_answered_and_over(load: Load) -> None:
    with serving(Server(load.port)) as task:
        result = load.call(task)
    assert result.clean, result.wrong
    assert (result.calls, len(result.ringing), len(result.spread)) == (1, 1, 1)
    # INVITE, 401, ACK, INVITE; INVITE and 180 twice, each 180 passed on; 200, ACK; CANCEL, 200, 487; 200, ACK; BYEs
    assert result.datagrams == 4 + 6 + 2 + 3 + 2 + 4


def test_what_a_server_sends_twice_is_counted_and_answered_once(load: Load) -> None:
    with serving(Server(load.port, twice=True)) as task:
        result = load.call(task)
    assert (result.repeats, result.failed) == (2, 0)


def test_a_call_that_is_refused_has_failed(load: Load) -> None:
    with serving(Server(load.port, refuse=b"503 Service Unavailable")) as task:
        result = load.call(task)
    assert (result.failed, result.wrong[0].partition(": ")[2]) == (1, "SIP/2.0 503 Service Unavailable")


def test_after_a_failure_no_more_calls_are_made_where_that_was_asked(load: Load) -> None:
    with serving(Server(load.port, refuse=b"503 Service Unavailable")) as task:
        assert load.call(replace(task, stop=True, count=3, every=0.1)).calls == 1


def test_a_call_that_did_not_ring_everybody_has_failed(load: Load) -> None:
    with serving(Server(load.port, rung=1)) as task:
        result = load.call(task)
    assert (result.failed, result.wrong[0].partition(": ")[2]) == (1, "1 members were rung")


def test_a_call_that_ends_later_than_it_should_is_late(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.calls_load.LATE", -1.0)
    with serving(Server(load.port)) as task:
        assert load.call(task).late == 1
