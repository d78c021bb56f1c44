"""The floor of the bench forks, passes on and cancels as the phones of the bench expect it."""

import socket
from collections.abc import Iterator

import pytest
from bench.sketch import Sketch
from bench.words import BRANCH, found, reply_head, request, response

DIALOG = b"From: <sip:1000@127.0.0.1>;tag=1\r\nCall-ID: c\r\nTo: <sip:6003@127.0.0.1>\r\n"
CREDENTIALS = b"Authorization: Digest of a sort\r\n"


@pytest.fixture
def phones() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(2)
        yield sock


@pytest.fixture
def caller() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(2)
        yield sock


def invite(more: bytes) -> bytes:
    return request(b"INVITE", b"sip:6003@127.0.0.1", b"i1", 1, DIALOG, b"127.0.0.1:7", more)


def test_it_asks_for_a_password_forks_and_cancels_those_that_lost(phones: socket.socket, caller: socket.socket) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sketch = Sketch(sock, phones.getsockname())
        sketch.received(invite(b""), caller.getsockname())
        assert caller.recv(2048).startswith(b"SIP/2.0 401")

        sketch.received(invite(CREDENTIALS), caller.getsockname())
        invites = [phones.recv(2048) for _ in range(3)]
        assert [data.split()[1] for data in invites] == [b"sip:%d@127.0.0.1" % number for number in (2000, 2001, 2002)]
        assert len({found(BRANCH, data) for data in invites}) == 3

        answer = response(b"200 OK", reply_head(invites[1], 5), b"sip:phone@127.0.0.1:9")
        sketch.received(answer, phones.getsockname())
        told = caller.recv(2048)
        assert told.startswith(b"SIP/2.0 200")
        assert found(BRANCH, told) == b"z9hG4bKi1"
        cancels = [phones.recv(2048) for _ in range(2)]
        assert all(data.startswith(b"CANCEL ") for data in cancels)
        assert [found(BRANCH, data) for data in cancels] == [found(BRANCH, invites[0]), found(BRANCH, invites[2])]

        sketch.received(response(b"487 Gone", reply_head(invites[2], 6), b"sip:phone@127.0.0.1:9"), ("127.0.0.1", 9))
        assert found(BRANCH, phones.recv(2048)) == found(BRANCH, invites[2])


def test_a_bye_goes_to_the_phone_and_its_answer_comes_back(phones: socket.socket, caller: socket.socket) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sketch = Sketch(sock, phones.getsockname())
        bye = request(b"BYE", b"sip:phone@127.0.0.1:9", b"b1", 3, DIALOG, b"127.0.0.1:7")
        sketch.received(bye, caller.getsockname())
        got = phones.recv(2048)
        assert got.startswith(b"BYE sip:phone@")
        sketch.received(response(b"200 OK", reply_head(got, 1), b"sip:phone@127.0.0.1:9"), phones.getsockname())
        assert found(BRANCH, caller.recv(2048)) == b"z9hG4bKb1"
