"""Where requests for a peer go (RFC 3261 §8.1.2, §18; RFC 3581)."""

import pytest

from ringdove.sip.errors import SipSyntaxError
from ringdove.sip.headers import Headers
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request
from ringdove.sip.reach import listening, next_hop, reach
from ringdove.sip.transaction.routing import stamp
from ringdove.sip.uri import Uri

SOURCE = Hop("udp", "203.0.113.9", 40000, "192.0.2.1", 5060)
SOURCE6 = Hop("udp", "2001:db8::9", 40000, "2001:db8::1", 5060)
TCP = SOURCE._replace(transport="tcp")
DIRECT = "203.0.113.9:40000"
NATTED = "10.0.0.5:40000;rport"


def _reach(contact: str, via: str = DIRECT, source: Hop = SOURCE, present: Hop | None = None) -> Hop:
    headers = Headers([("Via", f"SIP/2.0/UDP {via};branch=z9hG4bK1")])
    request = Request("INVITE", "sip:pbx", headers)
    stamp(request, source)
    return reach(Uri.parse(contact), request, source, present)


def _at(host: str, port: int, source: Hop = SOURCE) -> Hop:
    return source._replace(remote_host=host, remote_port=port)


@pytest.mark.parametrize("via", [DIRECT, DIRECT + ";rport"])
def test_where_nothing_translates_addresses_the_contact_counts(via: str) -> None:
    assert _reach("sip:me@203.0.113.10:5062", via) == _at("203.0.113.10", 5062)
    assert _reach("sip:me@203.0.113.9", via) == _at("203.0.113.9", 5060)


def test_behind_nat_requests_go_back_to_where_the_peer_sends_from() -> None:
    assert _reach("sip:me@10.0.0.5:5062", NATTED) == SOURCE
    assert _reach("sip:me@203.0.113.9:5062", NATTED) == SOURCE


def test_a_port_that_was_translated_is_nat_too() -> None:
    assert _reach("sip:me@203.0.113.9:5060", "203.0.113.9:5060;rport") == SOURCE


def test_a_phone_that_sends_from_any_port_and_asks_for_no_rport_is_called_where_it_listens() -> None:
    assert _reach("sip:me@203.0.113.9:5060", "203.0.113.9:5060") == _at("203.0.113.9", 5060)
    assert _reach("sip:me@203.0.113.9", "203.0.113.9") == _at("203.0.113.9", 5060)


@pytest.mark.parametrize(
    "contact",
    [
        "sip:me@phone.example:5062",
        "sip:me@203.0.113.9:5062;transport=tcp",
        "sips:me@203.0.113.9:5062",
        "sip:me@[2001:db8::9]:5062",
        "sip:me@0.0.0.0:5062",
        "sip:me@127.0.0.1:5062",
        "sip:me@224.0.1.75:5062",
        "tel:+12",
    ],
)
def test_what_is_no_address_of_the_peer_over_this_transport_is_not_followed(contact: str) -> None:
    assert _reach(contact) == SOURCE


def test_a_loopback_phone_is_called_on_loopback() -> None:
    local = SOURCE._replace(remote_host="127.0.0.1")
    assert _reach("sip:me@127.0.0.1:5062", "127.0.0.1:40000", local) == _at("127.0.0.1", 5062, local)


def test_ipv6_addresses_are_the_same_however_they_are_written() -> None:
    via = "[2001:DB8:0::9]:40000"
    assert _reach("sip:me@[2001:db8:0:0::10]:5062", via, SOURCE6) == _at("2001:db8::10", 5062, SOURCE6)


def test_a_peer_that_is_reached_at_its_contact_stays_there_wherever_it_sends_from() -> None:
    present = _at("203.0.113.9", 5062)
    elsewhere = SOURCE._replace(remote_port=50123)
    via = "203.0.113.9:5062;rport"
    assert _reach("sip:me@203.0.113.9:5062", via, elsewhere, present) is present
    assert _reach("sip:me@203.0.113.9:5070", DIRECT, SOURCE, present) == _at("203.0.113.9", 5070)


def test_a_peer_behind_nat_that_comes_from_a_new_port_is_reached_there() -> None:
    assert _reach("sip:me@10.0.0.5:5062", NATTED, SOURCE._replace(remote_port=50123), SOURCE).remote_port == 50123


def test_streams_are_reached_through_their_flow() -> None:
    assert _reach("sip:me@203.0.113.9:5062;transport=tcp", DIRECT, TCP) == TCP
    assert _reach("sip:me@203.0.113.9:5062;transport=tcp", DIRECT, TCP, _at("203.0.113.9", 5062, TCP)) == TCP


@pytest.mark.parametrize(
    ("contact", "port"),
    [
        ("sip:me@203.0.113.9:5070;transport=tcp", 5070),
        ("sip:me@203.0.113.9;transport=tcp", 5060),
        ("sip:me@10.0.0.5:5070;transport=tcp", None),
        ("sip:me@phone.example;transport=tcp", None),
    ],
)
def test_without_its_flow_a_stream_peer_is_called_only_where_it_names_its_own_address(
    contact: str, port: int | None
) -> None:
    assert listening(Uri.parse(contact), TCP) == (None if port is None else TCP._replace(remote_port=port))


def test_8_1_2_the_first_Route_comes_before_the_Request_URI() -> None:
    request = Request("BYE", "sip:me@203.0.113.9", Headers())
    assert next_hop(request) == request.target
    request.headers.add("Route", "<sip:edge:5070;lr>, <sip:core;lr>")
    assert next_hop(request) == Uri.parse("sip:edge:5070;lr")
    with pytest.raises(SipSyntaxError):
        next_hop(Request("BYE", "sip:me@203.0.113.9", Headers([("Route", "<<edge")])))
