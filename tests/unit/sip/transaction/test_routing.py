"""received, rport and the way back (RFC 3261 §18.2, RFC 3581)."""

import pytest

from ringdove.sip.hop import Hop
from ringdove.sip.transaction.routing import ReplyPath, stamp
from unit.sip.transaction.transaction_cases import request

FROM_NAT = Hop("udp", "198.51.100.7", 40000, "192.0.2.1", 5060)


@pytest.mark.parametrize(
    ("sent_by", "asked", "expected"),
    [
        ("198.51.100.7:5060", "", ""),
        ("198.51.100.7", "", ""),
        ("10.0.0.5:5060", "", ";received=198.51.100.7"),
        ("phone.example.test", "", ";received=198.51.100.7"),
        ("10.0.0.5:5060", ";rport", ";rport=40000;received=198.51.100.7"),
        ("198.51.100.7:5060", ";rport", ";rport=40000;received=198.51.100.7"),
        ("10.0.0.5:5060", ";received=203.0.113.1", ";received=198.51.100.7"),
    ],
)
def test_the_via_notes_where_a_request_came_from(sent_by: str, asked: str, expected: str) -> None:
    message = request(sent_by=sent_by, via_params=asked)
    stamp(message, FROM_NAT)
    assert str(message.via) == f"SIP/2.0/UDP {sent_by};branch={message.via.branch}{expected}"
    assert message.headers.get("Via") == str(message.via)


@pytest.mark.parametrize("sent_by", ["[2001:db8::7]:5060", "[2001:DB8:0:0::0007]"])
def test_an_IPv6_sender_that_names_itself_right_gets_no_received(sent_by: str) -> None:
    message = request(sent_by=sent_by)
    stamp(message, Hop("udp", "2001:db8::7", 40000, "2001:db8::1", 5060))
    assert message.via.param("received") is None


def test_lower_vias_stay_as_they_are() -> None:
    message = request(sent_by="10.0.0.5", fields=[("Via", "SIP/2.0/TCP far.example.test;branch=z9hG4bKx")])
    stamp(message, FROM_NAT)
    assert [via.host for via in message.vias] == ["10.0.0.5", "far.example.test"]


@pytest.mark.parametrize(
    ("sent_by", "asked", "port"),
    [("10.0.0.5:5080", "", 5080), ("10.0.0.5", "", 5060), ("10.0.0.5:5080", ";rport", 40000)],
    ids=["port of the Via", "default port", "rport"],
)
def test_over_UDP_a_response_goes_to_the_address_the_request_came_from(sent_by: str, asked: str, port: int) -> None:
    path = ReplyPath.of(request(sent_by=sent_by, via_params=asked), FROM_NAT)
    assert (path.hop.remote_host, path.hop.remote_port) == ("198.51.100.7", port)
    assert path.otherwise is None


def test_over_a_connection_it_goes_back_through_it_and_else_to_the_port_of_the_via() -> None:
    source = Hop("tcp", "198.51.100.7", 40000, "192.0.2.1", 5060)
    path = ReplyPath.of(request(sent_by="10.0.0.5:5080", via_params=";rport"), source)
    assert path.hop == source
    assert path.otherwise == Hop("tcp", "198.51.100.7", 5080, "192.0.2.1", 5060)


def test_maddr_does_not_aim_our_responses() -> None:
    path = ReplyPath.of(request(sent_by="10.0.0.5", via_params=";maddr=203.0.113.1"), FROM_NAT)
    assert path.hop.remote_host == "198.51.100.7"
