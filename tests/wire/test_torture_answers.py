"""The torture messages of RFC 4475 (49) and RFC 5118 (12), each answered by a whole server over real sockets.

Nothing in a message is changed. Over UDP its answer goes to the address it came from, at the port in its Via (RFC 3261
§18.2.2), as none of them but one asks for `rport`: so each is sent from that port of a loopback address of its own.
Over TCP it comes back through the connection.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ringdove.net.endpoint import Timers
from ringdove.sip.errors import SipSyntaxError
from ringdove.sip.message import Request
from ringdove.sip.parser import parse
from support.house import House
from support.peer import Peer
from support.phones import until

FOLDER = Path(__file__).parent.parent / "torture"
FAST = Timers(t1=0.005, t2=0.2, t4=0.05, trying=0.01)


class Stream(Enum):
    """What becomes of a message on a stream."""

    SAME = auto()
    """It is answered as over UDP, and the connection goes on."""
    BREAKS = auto()
    """Nobody knows where it, or what comes after it, ends: it is answered, and the connection is closed (§18.3)."""
    WAITS = auto()
    """It is not complete: it is answered when the rest has come."""


@dataclass(frozen=True)
class Row:
    """One message. `answer` is the status over UDP, None for silence; `carries` a field of the answer."""

    section: str
    name: str
    answer: int | None
    why: str
    carries: str = ""
    stream: Stream = Stream.SAME
    rest: bytes = b""
    """What is missing on a stream."""
    then: int = 400
    """The answer on a stream, where that is another matter."""


RFC4475 = [
    Row("3.1.1.1", "wsinv", 481, "valid, for all its white space; its To has a tag, and there is no such dialog"),
    Row("3.1.1.2", "intmeth", 501, "valid in every odd character; a method that nobody knows", "Allow"),
    Row("3.1.1.3", "esc01", 401, "valid; a caller has to say who it is, whomever it calls", "WWW-Authenticate"),
    Row("3.1.1.4", "escnull", 401, "valid, two contacts with NULs in them; who registers has a password to prove"),
    Row("3.1.1.5", "esc02", 501, "valid; % escapes nothing in a method, so this is no REGISTER", "Allow"),
    Row("3.1.1.6", "lwsdisp", 200, "valid without space before <; OPTIONS about the server itself", "Allow"),
    Row("3.1.1.7", "longreq", 401, "valid; long values are no reason to refuse, a missing password is"),
    Row(
        *("3.1.1.8", "dblreq", 401, "valid; what follows the REGISTER in its datagram is ignored, no second request"),
        stream=Stream.BREAKS,
        then=401,
    ),
    Row("3.1.1.9", "semiuri", 200, "valid; the semicolon is the user's", "Accept"),
    Row("3.1.1.10", "transports", 200, "valid; only the topmost Via matters to us, unknown transports below it do not"),
    Row("3.1.1.11", "mpart01", 405, "valid, binary body and all; MESSAGE is SIP's, but not served here", "Allow"),
    Row("3.1.1.12", "unreason", None, "valid; a response to nothing of ours is dropped (RFC 6026 §8.9)"),
    Row("3.1.1.13", "noreason", None, "valid; a response to nothing of ours is dropped (RFC 6026 §8.9)"),
    Row("3.1.2.1", "badinv01", 400, "stray ; and , in Via and Contact; the Via still says where an answer goes"),
    Row(
        *("3.1.2.2", "clerr", 400, "Content-Length says more than the datagram has; on a stream the rest may yet come"),
        stream=Stream.WAITS,
        rest=b" " * (9999 - 150),
        then=401,
    ),
    Row("3.1.2.3", "ncl", 400, "a negative Content-Length; on a stream the end is lost", stream=Stream.BREAKS),
    Row("3.1.2.4", "scalar02", 400, "a CSeq beyond 2**31 - 1; the other numbers could be passed over"),
    Row("3.1.2.5", "scalarlg", None, "a response with such a CSeq is dropped"),
    Row("3.1.2.6", "quotbal", 400, "a quote in To that never ends"),
    Row("3.1.2.7", "ltgtruri", 400, "a Request-URI in < >; we do not guess"),
    Row("3.1.2.8", "lwsruri", 400, "white space within the Request-URI"),
    Row("3.1.2.9", "lwsstart", 400, "more than one space in the request line"),
    Row("3.1.2.10", "trws", 400, "space at the end of the request line"),
    Row("3.1.2.11", "escruri", 400, "header fields in the Request-URI, which §19.1.1 forbids there"),
    Row("3.1.2.12", "baddate", 400, "a Date in another zone than GMT"),
    Row("3.1.2.13", "regbadct", 400, "a Contact with ? in it and without < >: whose is what follows?"),
    Row("3.1.2.14", "badaspec", 400, "spaces within the address in To"),
    Row(
        *("3.1.2.15", "baddn", 400, "a name in From that must be quoted; the message ends without its empty line"),
        stream=Stream.WAITS,
        rest=b"\r\n",
        then=400,
    ),
    Row("3.1.2.16", "badvers", 505, "SIP/7.0"),
    Row("3.1.2.17", "mismatch01", 400, "CSeq names another method than the request line"),
    Row("3.1.2.18", "mismatch02", 400, "the same with an unknown method: 501 would do as well"),
    Row("3.1.2.19", "bigcode", None, "a response with a code beyond 699 is dropped"),
    Row("3.2.1", "badbranch", 200, "nothing after the magic cookie: RFC 2543's fields identify the transaction"),
    Row("3.3.1", "insuf", 400, "no Call-ID, From and To; the answer copies what there is"),
    Row("3.3.2", "unkscm", 416, "a Request-URI of a scheme that nobody knows"),
    Row("3.3.3", "novelsc", 416, "a Request-URI of a scheme that is known, but not to us"),
    Row("3.3.4", "unksm2", 400, "a REGISTER for an address that is no SIP URI; no password makes that good"),
    Row("3.3.5", "bext01", 420, "Require names what we lack; Proxy-Require is for proxies", "Unsupported"),
    Row("3.3.6", "invut", 415, "an INVITE with a body of unknown type", "Accept"),
    Row("3.3.7", "regaut01", 401, "an Authorization of an unknown scheme is as good as none", "WWW-Authenticate"),
    Row("3.3.8", "multi01", 400, "fields twice that may stand once"),
    Row("3.3.9", "mcl01", 400, "two Content-Lengths; on a stream the end is lost", stream=Stream.BREAKS),
    Row("3.3.10", "bcast", None, "a response with a Via below ours, for 255.255.255.255: dropped, never passed on"),
    Row("3.3.11", "zeromf", 200, "Max-Forwards 0: we are the end of the way, nothing has to be forwarded"),
    Row("3.3.12", "cparam01", 401, "valid; a parameter of the Contact says nothing to us (test_register_rules.py)"),
    Row("3.3.13", "cparam02", 401, "valid; a parameter of the URI is kept with it (test_register_rules.py)"),
    Row("3.3.14", "regescrt", 401, "valid; a Route in the URI is listed, not obeyed (test_register_rules.py)"),
    Row("3.3.15", "sdp01", 406, "an INVITE whose answer must not be SDP, and we have nothing else"),
    Row(
        *("3.4.1", "inv2543", 401, "valid as RFC 2543 had it: no tag, no branch, no Max-Forwards, no Content-Length"),
        stream=Stream.BREAKS,
    ),
]

RFC5118 = [
    Row("4.1", "ipv6-good", 401, "valid; who registers has a password to prove", "WWW-Authenticate"),
    Row("4.2", "ipv6-bad", 400, "an IPv6 address in the Request-URI without [ ]"),
    Row("4.3", "port-ambiguous", 401, "valid, if not as meant: [2001:db8::10:5070] is all address, the port is 5060"),
    Row("4.4", "port-unambiguous", 401, "valid; [2001:db8::10]:5070 has a port"),
    Row("4.5", "via-received-param-with-delim", 481, "received=[…] is taken too; a BYE of no dialog of ours"),
    Row("4.5", "via-received-param-no-delim", 200, "received without [ ], as the grammar has it; OPTIONS"),
    Row("4.6", "ipv6-in-sdp", 401, "valid; in SDP addresses stand without [ ]"),
    Row("4.7", "mult-ip-in-header", 481, "valid; IPv4 and IPv6 in one list of Vias; a BYE of no dialog of ours"),
    Row("4.8", "mult-ip-in-sdp", 401, "valid; audio over IPv4, video over IPv6"),
    Row("4.9", "ipv4-mapped-ipv6", 401, "valid; [::ffff:192.0.2.10] in Via, Contact and SDP"),
    Row("4.10", "ipv6-bug-abnf-3-colons", 200, "three colons, as the grammar of RFC 3261 had it by mistake, are borne"),
    Row("4.10", "ipv6-correct-abnf-2-colons", 200, "two colons, as RFC 4291 (and RFC 5954) have it"),
]


def _rows(folder: str, rows: list[Row]) -> list[Any]:
    return [pytest.param((FOLDER / folder / f"{row.name}.dat").read_bytes(), row, id=row.name) for row in rows]


ROWS = _rows("rfc4475", RFC4475) + _rows("rfc5118", RFC5118)


addresses = (f"127.0.{third}.{fourth}" for third in range(71, 90) for fourth in range(1, 255))
probes = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["127.0.0.1", "[::1]"])
async def udp_house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with House.open(tmp_path_factory.mktemp("udp"), timers=FAST, sip=f"{request.param}:0") as house:
        yield house


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["127.0.0.1", "[::1]"])
async def tcp_house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with House.open(tmp_path_factory.mktemp("tcp"), timers=FAST, sip=f"{request.param}:0") as house:
        yield house


def test_the_tables_name_every_message() -> None:
    for folder, rows, count in (("rfc4475", RFC4475, 49), ("rfc5118", RFC5118, 12)):
        assert sorted(path.stem for path in (FOLDER / folder).glob("*.dat")) == sorted(row.name for row in rows)
        assert len(rows) == count
    assert len({row.section for row in RFC4475}) == 49


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("octets", "row"), ROWS)
async def test_each_message_over_UDP(udp_house: House, octets: bytes, row: Row) -> None:
    if row.section == "4.10":  # both have the same branch: the second one is not to count as the first one again
        await until(lambda: not len(udp_house.node.endpoint._layer), "no transaction")
    async with await _sender(udp_house, _port_in_via(octets)) as sender:
        sender.send(octets, udp_house.sip)
        if row.answer is None:
            await _only_the_probe_is_answered(sender, udp_house)
        else:
            await _is_answered(sender, octets, row)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("octets", "row"), ROWS)
async def test_each_message_over_TCP(tcp_house: House, octets: bytes, row: Row) -> None:
    async with await Peer.tcp(tcp_house.sip) as sender:
        sender.send(octets)
        match row.stream:
            case Stream.SAME if row.answer is None:
                await _only_the_probe_is_answered(sender, tcp_house)
            case Stream.SAME:
                await _is_answered(sender, octets, row)
                assert not sender.closed.is_set()
            case Stream.WAITS:
                sender.send(row.rest)
                assert (await sender.expect("4xx")).status == row.then
            case Stream.BREAKS:
                assert (await sender.expect("4xx")).status == row.then
                assert not sender.closed.is_set()


@pytest.mark.asyncio(loop_scope="module")
async def test_after_a_message_that_breaks_its_stream_the_connection_is_closed(tcp_house: House) -> None:
    broken = [octets for octets, row in (param.values for param in ROWS) if row.stream is Stream.BREAKS]
    senders = [await Peer.tcp(tcp_house.sip) for _ in broken]
    for sender, octets in zip(senders, broken, strict=True):
        sender.send(octets)
    for sender in senders:
        await asyncio.wait_for(sender.closed.wait(), 3)


async def _sender(house: House, port: int) -> Peer:
    """A peer at an address of its own and this port. IPv6 has but one loopback address: wait until it is free."""
    if ":" not in house.sip[0]:
        return await Peer.udp(next(addresses), port=port)
    for _ in range(1000):
        with suppress(OSError):
            return await Peer.udp("::1", port=port)
        await asyncio.sleep(0.01)
    raise AssertionError(f"somebody else holds [::1]:{port}")


def _port_in_via(octets: bytes) -> int:
    message = parse(octets)
    with suppress(SipSyntaxError):
        return message.via.port or 5060
    return 5060


async def _is_answered(sender: Peer, octets: bytes, row: Row) -> None:
    """The answer has the status, the field that goes with it, and what is copied from the request (§8.2.6.2)."""
    request = parse(octets)
    assert isinstance(request, Request)
    call_id = request.headers.get("Call-ID")
    response = await sender.expect(lambda message: message.headers.get("Call-ID") == call_id)
    assert response.status == row.answer, response.reason
    assert not row.carries or row.carries in response.headers
    for name in ("From", "Call-ID", "CSeq"):
        assert response.headers.get(name) == request.headers.get(name)
    assert ("To" in response.headers) == ("To" in request.headers)
    assert request.mend_via()
    assert [(via.host, via.port, via.branch) for via in response.vias] == [
        (via.host, via.port, via.branch) for via in request.vias
    ]
    if request.method == "INVITE":
        sender.ack(request, response)


async def _only_the_probe_is_answered(sender: Peer, house: House) -> None:
    """What comes in order is answered in order: had there been an answer, it would have come before."""
    sender.request("OPTIONS", "sip:pbx.test", house.sip, cseq=(cseq := next(probes)))
    await sender.expect("200 OPTIONS")
    assert [received.message.cseq.number for received in sender.log] == [cseq]
