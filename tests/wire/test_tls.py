"""TLS handshakes: who gets in, what they may cost, and which certificate is shown."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvloop

from ringdove.net.connection import StreamLimits
from ringdove.net.endpoint import Endpoint
from ringdove.net.self_signed import self_signed
from ringdove.net.tls import TlsTransport
from support.certificates import certificate_for, trusting
from support.peer import Address, Peer
from support.phones import until
from support.ports import free_port


class Door:
    """A TLS listener with nobody behind it."""

    def __init__(self, transport: TlsTransport, folder: Path) -> None:
        self.transport = transport
        self.folder = folder

    @property
    def address(self) -> Address:
        return self.transport.host, self.transport.port

    @classmethod
    async def open(cls, folder: Path, **limits: Any) -> "Door":
        most = StreamLimits(**limits)
        return cls(await TlsTransport.listen(certificate_for(folder), "127.0.0.1", 0, Endpoint(), most), folder)

    async def shown(self) -> bytes:
        """The certificate that a new peer is shown (DER)."""
        async with await Peer.tls(self.address) as peer:
            shown: bytes = peer._transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
            return shown


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    door = await Door.open(tmp_path, handshake=0.2, per_host=3)
    yield door
    await door.transport.close()


def only(version: ssl.TLSVersion) -> ssl.SSLContext:
    """A client that speaks one version."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
async def test_tls_before_1_2_is_refused(door: Door, version: str) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await Peer.tls(door.address, context=only(ssl.TLSVersion[version]))
    await until(lambda: door.transport.connections == 0, "it is counted still")


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
async def test_tls_from_1_2_on_is_spoken(door: Door, version: str) -> None:
    async with await Peer.tls(door.address, context=only(ssl.TLSVersion[version])) as peer:
        peer.send(b"\r\n\r\n")
        await until(lambda: peer.raw == [b"\r\n"], "no pong")


async def test_a_client_that_trusts_the_certificate_finds_the_host_in_it(door: Door) -> None:
    async with await Peer.tls(door.address, context=trusting(door.folder / "sip-tls.crt")):
        pass
    with pytest.raises(ssl.SSLCertVerificationError):
        await Peer.tls(door.address, context=ssl.create_default_context())


async def test_everywhere_is_both_ip_versions(tmp_path: Path) -> None:
    certificate = certificate_for(tmp_path, "127.0.0.1", "::1")
    endpoint = Endpoint(transports={"tls": partial(TlsTransport.listen, certificate)})
    _, port = await endpoint.listen("tls", "::", free_port())
    for host in ("127.0.0.1", "::1"):
        async with await Peer.tls((host, port), context=trusting(tmp_path / "sip-tls.crt")) as peer:
            peer.send(b"\r\n\r\n")
            await until(lambda: peer.raw == [b"\r\n"], f"no pong at {host}")
            assert endpoint.listeners.connections() == {"tls": 1}
        await until(lambda: endpoint.listeners.connections() == {"tls": 0}, "it is counted still")
    await endpoint.close()


@pytest.mark.parametrize("says", [b"", b"\x16\x03\x01"], ids=["nothing", "half a hello"])
async def test_a_handshake_has_its_time(door: Door, says: bytes) -> None:
    async with await Peer.tcp(door.address) as peer:
        peer.send(says)
        await asyncio.wait_for(peer.closed.wait(), 2)
    await until(lambda: door.transport.connections == 0, "it is counted still")
    assert door.transport.turned_away == {"handshake": 1}


async def test_noise_instead_of_a_handshake_closes_the_connection(door: Door) -> None:
    async with await Peer.tcp(door.address) as peer:
        peer.send(b"OPTIONS sip:x SIP/2.0\r\n\r\n")
        await asyncio.wait_for(peer.closed.wait(), 2)
    await until(lambda: door.transport.connections == 0, "it is counted still")


async def test_who_has_not_shaken_hands_counts_against_the_caps_too(tmp_path: Path) -> None:
    door = await Door.open(tmp_path, per_host=2)
    idle = [await Peer.tcp(door.address) for _ in range(2)]
    await until(lambda: door.transport.connections == 2, "they are not counted")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await Peer.tls(door.address)
    assert door.transport.turned_away == {"caps": 1}
    for peer in idle:
        await peer.close()
    await until(lambda: door.transport.connections == 0, "they are counted still")
    async with await Peer.tls(door.address):
        pass
    await door.transport.close()


async def test_a_renewed_certificate_is_shown_without_a_restart_and_connections_stay(
    door: Door, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with await Peer.tls(door.address) as peer:
        before = await door.shown()
        for new in self_signed(tmp_path_factory.mktemp("new"), ["127.0.0.1"]):
            new.replace(door.folder / new.name)
        assert await door.shown() != before
        peer.send(b"\r\n\r\n")
        await until(lambda: peer.raw == [b"\r\n"], "the connection from before is of no use")


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_it_lives_on_uvloop_too(new_loop: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path) -> None:
    async def scenario() -> None:
        door = await Door.open(tmp_path, handshake=0.2, silence=0.2)
        async with await Peer.tcp(door.address) as slow, await Peer.tls(door.address) as peer:
            peer.send(b"\r\n\r\n")
            await until(lambda: peer.raw == [b"\r\n"], "no pong")
            for each in (slow, peer):
                await asyncio.wait_for(each.closed.wait(), 2)
        async with await Peer.tls(door.address) as peer:
            await door.transport.close()
            await asyncio.wait_for(peer.closed.wait(), 2)
        assert door.transport.connections == 0

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scenario())
