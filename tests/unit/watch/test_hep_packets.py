"""HEP3 packets, against octets written down from the specification."""

import pytest

from ringdove.watch.hep import MAX_PAYLOAD, Copy, encode

OVER_IP4 = bytes.fromhex(
    "48455033 0080"  # HEP3, 128 octets
    "0000 0001 0007 02"  # IPv4
    "0000 0002 0007 11"  # UDP
    "0000 0003 000a c0000207"  # 192.0.2.7
    "0000 0004 000a c0000201"  # 192.0.2.1
    "0000 0007 0008 13c4"  # 5060
    "0000 0008 0008 13d8"  # 5080
    "0000 0009 000a 65920080"  # 2024-01-01 00:00:00 UTC
    "0000 000a 000a 0007a120"  # half a second
    "0000 000b 0007 01"  # SIP
    "0000 000c 000a 000007d1"  # agent 2001
    "0000 000e 000c 733363726574"  # s3cret
    "0000 0011 0009 312e32"  # 1.2
    "0000 000f 000e 4259452078797a20"  # "BYE xyz "
)
OVER_IP6 = bytes.fromhex(
    "48455033 007e"
    "0000 0001 0007 0a"  # IPv6
    "0000 0002 0007 06"  # TCP
    "0000 0005 0016 20010db8000000000000000000000007"
    "0000 0006 0016 20010db8000000000000000000000001"
    "0000 0007 0008 c000"
    "0000 0008 0008 13c5"
    "0000 0009 000a 65920080"
    "0000 000a 000a 00000000"
    "0000 000b 0007 01"
    "0000 000c 000a 00000001"
    "0000 000f 0009 414243"
)


def test_over_ip4_with_everything() -> None:
    copy = Copy("udp", ("192.0.2.7", 5060), ("192.0.2.1", 5080), 1704067200.5, b"BYE xyz ", "1.2")
    assert encode(copy, agent=2001, key="s3cret") == OVER_IP4
    assert len(OVER_IP4) == 128


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_over_ip6_without_key_and_correlation(transport: str) -> None:
    copy = Copy(transport, ("2001:db8::7", 0xC000), ("2001:db8::1", 5061), 1704067200.0, b"ABC")
    assert encode(copy, agent=1) == OVER_IP6


def test_a_time_just_below_a_second_is_no_million_of_microseconds() -> None:
    packet = encode(Copy("udp", ("192.0.2.7", 1), ("192.0.2.1", 2), 1704067199.9999999, b""), agent=1)
    assert bytes.fromhex("0009 000a 65920080 0000 000a 000a 00000000") in packet


def test_a_message_too_long_for_a_datagram_is_cut() -> None:
    packet = encode(Copy("tcp", ("192.0.2.7", 1), ("192.0.2.1", 2), 0, b"x" * 70_000, "1.2"), agent=1, key="k" * 255)
    assert packet.endswith(b"x" * MAX_PAYLOAD)
    assert len(packet) < 65_507
    assert int.from_bytes(packet[4:6], "big") == len(packet)


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="phone"):
        encode(Copy("udp", ("phone.test", 1), ("192.0.2.1", 2), 0, b""), agent=1)
