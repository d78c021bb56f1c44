"""Phones are asked whether they are still there, where they can be reached (RFC 3581, RFC 3327, RFC 5626 §4.4)."""

import asyncio

import pytest

from ringdove.registrar import KeepAlive, keepalive
from ringdove.sip.hop import Hop
from ringdove.sip.uri import Uri
from wire.registrar.registrar_server import Server, register
from wire.registrar.scripted_phone import PATIENCE, ScriptedPhone


async def test_a_path_is_echoed_and_used(server: Server, extension: int, phone: ScriptedPhone) -> None:
    response = await register(phone, Path="<sip:edge.example;lr>", Supported="path")
    assert response.headers.get_all("Path") == ["<sip:edge.example;lr>"]
    server.ahead += 31
    server.keepalive.tick()
    server.ahead += 31
    server.keepalive.tick()
    options = await phone.next_request()
    assert [str(route.uri) for route in options.routes] == ["sip:edge.example;lr"]


async def test_behind_nat_a_phone_is_asked_where_it_came_from(
    server: Server, extension: int, phone: ScriptedPhone
) -> None:
    behind = "sip:phone@10.1.2.3:5060"
    await register(phone, f"<{behind}>", Via=f"SIP/2.0/{phone.transport.upper()} 10.1.2.3:5060;rport;branch=z9hG4bKx")
    (binding,) = server.registrar.bindings(extension)
    assert (binding.contact, binding.remote_host, binding.remote_port) == (behind, phone.host, phone.port)
    server.keepalive.tick()
    server.ahead += 31
    server.keepalive.tick()
    options = await phone.next_request()
    assert (options.method, options.uri) == ("OPTIONS", behind)
    assert options.from_.tag


async def test_a_tcp_phone_that_can_be_called_back_is_offline_until_it_was(server: Server, extension: int) -> None:
    """After a restart too: no connection outlives it."""
    asked = asyncio.Event()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        writer.write(request.replace(request.split(b"\r\n")[0], b"SIP/2.0 200 OK"))
        asked.set()
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    phone = await server.phone("tcp")
    await register(phone, f"<sip:phone@127.0.0.1:{port};transport=tcp>")
    await server.changed()
    phone.close()
    assert await server.changed() == extension
    assert not server.registrar.bindings(extension)
    server.keepalive.tick()
    assert await server.changed() == extension
    assert [binding.remote_port for binding in server.registrar.bindings(extension)] == [port]
    assert asked.is_set()
    await server.restart()
    assert not server.registrar.bindings(extension)
    assert len(await server.saved()) == 1
    listener.close()


async def test_a_challenge_to_the_keep_alive_is_not_answered_but_shows_that_the_phone_is_there(
    server: Server, extension: int
) -> None:
    async with await server.phone("udp") as phone:
        await register(phone)
        await server.changed()
        phone.answers_options = False
        server.keepalive.tick()
        for _ in range(3):
            server.ahead += 31
            server.keepalive.tick()
            asked = await phone.next_request()
            assert "Authorization" not in asked.to_bytes().decode()
            challenge = asked.reply(407, to_tag="phone")
            challenge.headers.add("Proxy-Authenticate", 'Digest realm="ringdove", nonce="n", qop="auth"')
            phone.send(challenge)
            await asyncio.sleep(0.02)
        assert phone.requests.empty()
        assert server.registrar.bindings(extension)


async def test_a_phone_that_stops_answering_is_offline_until_it_answers(server: Server, extension: int) -> None:
    async with await server.phone("udp") as phone:
        await register(phone)
        await server.changed()
        phone.answers_options = False
        server.keepalive.tick()
        for _ in range(2):
            assert server.registrar.bindings(extension)
            server.ahead += 31
            server.keepalive.tick()
            await phone.next_request()
            await asyncio.wait_for(server.endpoint.failures.get(), PATIENCE)
        assert await server.changed() == extension
        assert not server.registrar.bindings(extension)
        assert len(list(server.registrar)) == 1
        phone.answers_options = True
        server.ahead += 31
        server.keepalive.tick()
        assert await server.changed() == extension
        assert server.registrar.bindings(extension)


async def test_registering_again_brings_a_silent_phone_back(
    server: Server, extension: int, phone: ScriptedPhone
) -> None:
    await register(phone)
    (binding,) = server.registrar.bindings(extension)
    server.registrar.mark(binding, reachable=False)
    assert not server.registrar.bindings(extension)
    await register(phone)
    assert server.registrar.bindings(extension)
    assert [await server.changed() for _ in range(3)] == [extension] * 3


async def test_phones_are_asked_on_after_a_fault_while_asking(
    server: Server, extension: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keepalive, "TICK", 0.01)
    contact, faults = server.endpoint.contact, [OSError("once")]

    def contact_after_a_fault(hop: Hop, user: str | None = None) -> Uri:
        if faults:
            raise faults.pop()
        return contact(hop, user)

    monkeypatch.setattr(server.endpoint, "contact", contact_after_a_fault)
    async with await server.phone("udp") as phone:
        await register(phone)
        keep_alive = KeepAlive(server.endpoint, server.registrar, interval=0.0)
        keep_alive.start()
        assert (await phone.next_request()).method == "OPTIONS"
        assert not faults
        await keep_alive.close()


async def test_a_phone_that_comes_and_goes_keeps_no_other_from_being_asked(server: Server, extension: int) -> None:
    async with await server.phone("udp") as fickle, await server.phone("udp") as steady:
        for _ in range(2):
            await register(fickle)
            server.keepalive.tick()
            await register(fickle, f"<{fickle.contact}>;expires=0")
        await register(steady)
        server.keepalive.tick()
        for _ in range(2):
            server.ahead += 31
            server.keepalive.tick()
            assert (await steady.next_request()).method == "OPTIONS"


async def test_a_fault_while_one_phone_is_asked_loses_no_other(
    server: Server, extension: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Uri:
        raise OSError("once")

    async with await server.phone("udp") as one, await server.phone("udp") as other:
        await register(one)
        await register(other)
        server.keepalive.tick()
        server.ahead += 31
        with monkeypatch.context() as faulty:
            faulty.setattr(server.endpoint, "contact", fail)
            with pytest.raises(OSError, match="once"):
                server.keepalive.tick()
        server.ahead += 31
        server.keepalive.tick()
        for phone in (one, other):
            assert (await phone.next_request()).method == "OPTIONS"
