"""From a URI to addresses (RFC 3263 §4, A and AAAA)."""

import pytest

from ringdove.net.resolver import Target, Unresolvable, resolve
from ringdove.sip.uri import Uri


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("sip:bob@192.0.2.7", Target("udp", "192.0.2.7", 5060)),
        ("sip:bob@192.0.2.7:5080", Target("udp", "192.0.2.7", 5080)),
        ("sip:192.0.2.7;transport=TCP", Target("tcp", "192.0.2.7", 5060)),
        ("sip:[2001:DB8::7]:5070", Target("udp", "2001:db8::7", 5070)),
        ("sips:192.0.2.7", Target("tls", "192.0.2.7", 5061)),
        ("sip:192.0.2.7;maddr=192.0.2.8", Target("udp", "192.0.2.8", 5060)),
    ],
)
async def test_a_numeric_host_is_its_own_address(uri: str, target: Target) -> None:
    assert await resolve(Uri.parse(uri)) == [target]


async def test_a_name_is_looked_up() -> None:
    targets = await resolve(Uri.parse("sip:localhost:5077"))
    assert {(t.transport, t.port) for t in targets} == {("udp", 5077)}
    assert {t.host for t in targets} <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize(
    "uri",
    ["tel:+49301234", "sip:192.0.2.7;transport=pigeon", "sips:192.0.2.7;transport=udp", f"sip:{'a' * 64}.test"],
    ids=["scheme", "transport", "sips over udp", "no DNS name"],
)
async def test_what_leads_nowhere_says_why(uri: str) -> None:
    with pytest.raises(Unresolvable, match=r".+"):
        await resolve(Uri.parse(uri))
