"""Addresses of this machine for listeners and descriptions."""

import socket

import pytest

from ringdove.net.addresses import free_port, own_addresses


@pytest.mark.parametrize(
    ("host", "advertise", "told"),
    [
        ("127.0.0.1", None, ["127.0.0.1"]),
        ("::1", None, ["::1"]),
        ("10.0.0.5", "192.0.2.9", ["192.0.2.9"]),
        ("2001:db8::5", "2001:db8::9", ["2001:db8::9"]),
        ("10.0.0.5", "2001:db8::9", ["10.0.0.5"]),
        ("0.0.0.0", "192.0.2.9", ["192.0.2.9"]),
        ("0.0.0.0", "pbx.example.test", ["pbx.example.test"]),
        ("::", "pbx.example.test", ["pbx.example.test"]),
    ],
)
def test_what_others_are_told(host: str, advertise: str | None, told: list[str]) -> None:
    assert own_addresses(host, advertise) == told


def test_everywhere_has_an_address_of_each_version_and_advertise_is_one_of_them() -> None:
    ipv4, ipv6 = own_addresses("::", None)
    assert ("." in ipv4, ":" in ipv6) == (True, True)
    assert own_addresses("::", "192.0.2.9") == ["192.0.2.9", ipv6]
    assert own_addresses("::", "2001:db8::9") == [ipv4, "2001:db8::9"]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "0.0.0.0", "::"])
def test_a_free_port_can_be_bound_by_both_transports(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as udp, socket.socket(family, socket.SOCK_STREAM) as tcp:
        port = free_port(host)
        udp.bind((host, port))
        tcp.bind((host, port))


def test_an_address_that_is_not_ours_is_an_error() -> None:
    with pytest.raises(OSError, match="assign requested address"):
        free_port("192.0.2.1")
