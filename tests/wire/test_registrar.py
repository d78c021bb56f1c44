"""Phones register over real sockets (RFC 3261 §10, RFC 3581, RFC 5626, RFC 3327)."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ringdove.events.bus import Bus
from ringdove.events.types import BindingsChanged, ExtensionChanged, ExtensionDeleted
from ringdove.guard.guard import Guard
from ringdove.model.binding import StoredBinding
from ringdove.model.extension import Extension
from ringdove.net.endpoint import Endpoint, Failure, OutgoingRequest, Timers
from ringdove.registrar import Authenticator, KeepAlive, Registrar, keepalive, registrar
from ringdove.registrar.authentication import REFUSED_AFTER
from ringdove.registrar.doorman import Doorman
from ringdove.sip.digest import Algorithm, Realm, authorize
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request, Response
from ringdove.sip.uri import Uri
from ringdove.store import Store
from wire.scripted_phone import PATIENCE, ScriptedPhone

PASSWORD = "Gr4ss-hoppers-sing"
SHORT = Timers(t1=0.01, t2=0.02, t4=0.05)


class TappedEndpoint(Endpoint):
    """An endpoint that tells when a request of ours has failed."""

    def __init__(self) -> None:
        super().__init__(timers=SHORT)
        self.failures: asyncio.Queue[Failure] = asyncio.Queue()

    def send_request(
        self,
        request: Request,
        hop: Hop,
        *,
        on_response: Callable[[Response], None],
        on_failure: Callable[[Failure], None],
    ) -> OutgoingRequest:
        def failed(failure: Failure) -> None:
            on_failure(failure)
            self.failures.put_nowait(failure)

        return super().send_request(request, hop, on_response=on_response, on_failure=failed)


class Server:
    """A registrar with sockets and a store; `ahead` is how many seconds its clock is ahead of the world's."""

    def __init__(self, folder: Path) -> None:
        self._url = f"sqlite:///{folder / 'ringdove.db'}"
        self.ahead = 0.0
        self.events: asyncio.Queue[int] = asyncio.Queue()

    async def start(self) -> None:
        self.store = await Store.open(self._url)
        self.bus = Bus()
        self.bus.subscribe(BindingsChanged, lambda event: self.events.put_nowait(event.extension_id))
        self.endpoint = TappedEndpoint()
        guard = Guard()
        authenticator = Authenticator(self.store, Realm("ringdove"), guard)
        self.endpoint.door = Doorman(guard, authenticator, lambda: True, events=())
        self.registrar = Registrar(self.store, authenticator, self.bus, clock=lambda: time.time() + self.ahead)
        self.keepalive = KeepAlive(self.endpoint, self.registrar, interval=30.0, failures=2, clock=lambda: self.ahead)
        self.endpoint.on_request = self.registrar.handle
        self.endpoint.on_flow_closed(self.registrar.on_flow_closed)
        await self.registrar.start()
        self.udp = await self.endpoint.listen("udp", "127.0.0.1", 0)
        self.tcp = await self.endpoint.listen("tcp", "127.0.0.1", 0)

    async def stop(self) -> None:
        await self.registrar.close()
        await self.endpoint.close()
        await self.store.close()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def phone(self, transport: str) -> ScriptedPhone:
        return await (ScriptedPhone.udp(self.udp) if transport == "udp" else ScriptedPhone.tcp(self.tcp))

    async def changed(self) -> int:
        return await asyncio.wait_for(self.events.get(), PATIENCE)

    async def saves(self, binding: StoredBinding) -> None:
        """Return once the store has it so."""
        async with asyncio.timeout(PATIENCE):
            while binding not in await self.store.bindings.all():  # noqa: ASYNC110 - the store tells nobody
                await asyncio.sleep(0.01)

    async def saved(self) -> list[str]:
        return [binding.contact for binding in await self.store.bindings.all()]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(tmp_path)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def extension(server: Server) -> int:
    new = Extension(number="1000", reg_password=PASSWORD, concurrent_registrations=2)
    extension = await server.store.extensions.create(new)
    assert extension.id
    return extension.id


@pytest.fixture(params=["udp", "tcp"])
async def phone(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[ScriptedPhone]:
    async with await server.phone(request.param) as phone:
        yield phone


async def _register(phone: ScriptedPhone, *contacts: str, **more: Any) -> Response:
    return await phone.register(*(contacts or [f"<{phone.contact}>"]), password=PASSWORD, **more)


def _listed(response: Response) -> set[str]:
    assert response.status == 200
    assert all(contact.param("expires") for contact in response.contacts)
    return {str(contact.uri) for contact in response.contacts}


@pytest.mark.parametrize("algorithm", list(Algorithm))
async def test_a_phone_registers(server: Server, extension: int, phone: ScriptedPhone, algorithm: Algorithm) -> None:
    assert not server.registrar.bindings(extension)
    response = await phone.register(f"<{phone.contact}>", password=PASSWORD, algorithms=[algorithm])
    assert _listed(response) == {phone.contact}
    assert response.to.tag
    assert server.registrar.bindings(extension)
    assert await server.changed() == extension
    assert await server.saved() == [phone.contact]


async def test_a_wrong_password_changes_nothing(server: Server, extension: int, phone: ScriptedPhone) -> None:
    for name in ("1000", "9999"):
        assert (await phone.register(f"<{phone.contact}>", extension=name, password="wrong")).status == 401
    assert not server.registrar.bindings(extension)


async def test_a_query_lists_all_bindings(server: Server, extension: int, phone: ScriptedPhone) -> None:
    await _register(phone, "<sip:a@10.0.0.1>", "<sip:b@10.0.0.1>;expires=120;q=0.5")
    response = await phone.register(password=PASSWORD)
    assert _listed(response) == {"sip:a@10.0.0.1", "sip:b@10.0.0.1"}
    left = {contact.uri.user: int(contact.param("expires") or "") for contact in response.contacts}
    assert 3590 <= left["a"] <= 3600
    assert 110 <= left["b"] <= 120


async def test_a_refresh_is_no_news_and_a_removal_is(server: Server, extension: int, phone: ScriptedPhone) -> None:
    await _register(phone)
    assert await server.changed() == extension
    await _register(phone)
    assert server.events.empty()
    assert _listed(await _register(phone, f"<{phone.contact}>;expires=0")) == set()
    assert await server.changed() == extension
    assert not server.registrar.bindings(extension)
    assert await server.saved() == []


async def test_a_star_removes_all(server: Server, extension: int, phone: ScriptedPhone) -> None:
    await _register(phone, "<sip:a@10.0.0.1>", "<sip:b@10.0.0.1>")
    assert _listed(await _register(phone, "*", Expires="0")) == set()
    assert await server.saved() == []


async def test_one_phone_too_many_takes_the_oldest_place(server: Server, extension: int) -> None:
    phones = [await server.phone("udp") for _ in range(3)]
    for phone in phones:
        response = await _register(phone)
    assert _listed(response) == {phones[1].contact, phones[2].contact}
    assert {binding.contact for binding in server.registrar.bindings(extension)} == _listed(response)
    for phone in phones:
        phone.close()


async def test_many_at_once_never_exceed_the_limit(server: Server, extension: int) -> None:
    phones = [await server.phone("udp") for _ in range(8)]
    responses = await asyncio.gather(*(_register(phone) for phone in phones))
    assert all(len(_listed(response)) <= 2 for response in responses)
    assert len(server.registrar.bindings(extension)) == 2
    assert set(await server.saved()) == {binding.contact for binding in server.registrar.bindings(extension)}
    for phone in phones:
        phone.close()


async def test_a_refused_register_says_why(server: Server, extension: int, phone: ScriptedPhone) -> None:
    brief = await _register(phone, f"<{phone.contact}>;expires=5")
    assert (brief.status, brief.headers.get("Min-Expires")) == (423, "60")
    assert (await _register(phone, "<isbn:2983792873>")).status == 400
    assert await server.saved() == []


async def test_a_path_is_echoed_and_used(server: Server, extension: int, phone: ScriptedPhone) -> None:
    response = await _register(phone, Path="<sip:edge.example;lr>", Supported="path")
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
    await _register(phone, f"<{behind}>", Via=f"SIP/2.0/{phone.transport.upper()} 10.1.2.3:5060;rport;branch=z9hG4bKx")
    (binding,) = server.registrar.bindings(extension)
    assert (binding.contact, binding.remote_host, binding.remote_port) == (behind, phone.host, phone.port)
    server.keepalive.tick()
    server.ahead += 31
    server.keepalive.tick()
    options = await phone.next_request()
    assert (options.method, options.uri) == ("OPTIONS", behind)
    assert options.from_.tag


async def test_udp_bindings_outlive_a_restart_until_they_expire(server: Server, extension: int) -> None:
    async with await server.phone("udp") as phone:
        await _register(phone, f"<{phone.contact}>", "<sip:brief@10.0.0.1>;expires=60")
        before = set(server.registrar.bindings(extension))
        assert len(before) == 2
        await server.restart()
        assert set(server.registrar.bindings(extension)) == before
        server.ahead += 61
        await server.restart()
        assert [binding.contact for binding in server.registrar.bindings(extension)] == [phone.contact]
        assert await server.saved() == [phone.contact]


async def test_a_refresh_counts_at_once_and_is_saved_soon_and_a_stop_saves_it(
    server: Server, extension: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await server.phone("udp") as phone:
        await _register(phone)
        (first,) = await server.store.bindings.all()
        await _register(phone)
        (refreshed,) = server.registrar.bindings(extension)
        assert refreshed.cseq > first.cseq
        assert await server.store.bindings.all() == [first]
        await server.restart()
        assert list(server.registrar.bindings(extension)) == [refreshed]
    monkeypatch.setattr(registrar, "GATHERING", 0.01)
    await server.restart()
    async with await server.phone("udp") as phone:
        await _register(phone)
        await _register(phone)
        latest = max(server.registrar.bindings(extension), key=lambda binding: binding.cseq)
        await server.saves(latest)


async def test_a_refresh_that_the_store_refuses_is_saved_when_it_does_not(
    server: Server, extension: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registrar, "GATHERING", 0.01)
    await server.restart()
    refresh, refusals = server.store.bindings.refresh, [OSError("full")]

    async def refuse_once(bindings: Sequence[StoredBinding]) -> None:
        if refusals:
            raise refusals.pop()
        await refresh(bindings)

    monkeypatch.setattr(server.store.bindings, "refresh", refuse_once)
    async with await server.phone("udp") as phone:
        await _register(phone)
        await _register(phone)
        (refreshed,) = server.registrar.bindings(extension)
        await server.saves(refreshed)
    assert not refusals


async def test_a_phone_that_moves_is_saved_before_it_is_told_so(server: Server, extension: int) -> None:
    contact = "<sip:fixed@10.0.0.1>"
    for _ in range(2):
        async with await server.phone("udp") as phone:
            await _register(phone, contact)
            (binding,) = await server.store.bindings.all()
            assert binding in server.registrar.bindings(extension)


async def test_a_binding_ends_when_its_time_is_over(server: Server, extension: int, phone: ScriptedPhone) -> None:
    await _register(phone, f"<{phone.contact}>;expires=60")
    await server.changed()
    server.ahead += 59
    await server.registrar.expire()
    assert server.registrar.bindings(extension)
    server.ahead += 2
    assert not server.registrar.bindings(extension)
    await server.registrar.expire()
    assert await server.changed() == extension
    assert await server.saved() == []


async def test_a_binding_ends_with_the_connection_it_came_over(server: Server, extension: int) -> None:
    phone = await server.phone("tcp")
    await _register(phone, "<sip:phone@10.1.2.3;transport=tcp>")
    await server.changed()
    phone.close()
    assert await server.changed() == extension
    assert not server.registrar.bindings(extension)
    assert await server.saved() == []


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
    await _register(phone, f"<sip:phone@127.0.0.1:{port};transport=tcp>")
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


async def test_wrong_passwords_and_unknown_users_wait_equally_long(server: Server, extension: int) -> None:
    async def waits(name: str) -> float:
        async with await server.phone("udp") as phone:
            challenge = await phone.ask(phone.request([f"<{phone.contact}>"], name))
            request = phone.request([f"<{phone.contact}>"], name)
            proof = authorize(challenge.headers.get_all("WWW-Authenticate"), name, "wrong", "REGISTER", request.uri)
            request.headers.add("Authorization", proof)
            began = time.perf_counter()
            assert (await phone.ask(request)).status == 401
            return time.perf_counter() - began

    pairs = [await asyncio.gather(waits("1000"), waits("9999")) for _ in range(8)]  # fewer than lead to a ban
    known, unknown = map(min, zip(*pairs, strict=True))  # what a busy machine adds is not in the quickest
    assert min(known, unknown) > REFUSED_AFTER - 0.005
    assert abs(known - unknown) < 0.02


async def test_a_challenge_to_the_keep_alive_is_not_answered_but_shows_that_the_phone_is_there(
    server: Server, extension: int
) -> None:
    async with await server.phone("udp") as phone:
        await _register(phone)
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
        await _register(phone)
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
    await _register(phone)
    (binding,) = server.registrar.bindings(extension)
    server.registrar.mark(binding, reachable=False)
    assert not server.registrar.bindings(extension)
    await _register(phone)
    assert server.registrar.bindings(extension)
    assert [await server.changed() for _ in range(3)] == [extension] * 3


async def test_a_disabled_extension_loses_its_bindings(server: Server, extension: int, phone: ScriptedPhone) -> None:
    await _register(phone)
    await server.changed()
    await server.store.extensions.update(extension, lambda old: old.model_copy(update={"enabled": False}))
    server.bus.publish(ExtensionChanged(extension))
    assert await server.changed() == extension
    assert await server.saved() == []
    assert (await _register(phone)).status == 401


async def test_a_lowered_limit_drops_the_oldest(server: Server, extension: int) -> None:
    phones = [await server.phone("udp") for _ in range(2)]
    for phone in phones:
        await _register(phone)
        await server.changed()
    await server.store.extensions.update(extension, lambda old: old.model_copy(update={"concurrent_registrations": 1}))
    server.bus.publish(ExtensionChanged(extension))
    await server.changed()
    assert [binding.contact for binding in server.registrar.bindings(extension)] == [phones[1].contact]
    for phone in phones:
        phone.close()


async def test_a_deleted_extension_is_offline_at_once(server: Server, extension: int, phone: ScriptedPhone) -> None:
    await _register(phone)
    await server.changed()
    await server.store.extensions.delete(extension)
    server.bus.publish(ExtensionDeleted(extension))
    assert await server.changed() == extension
    assert not server.registrar.bindings(extension)
    assert (await _register(phone)).status == 401


async def test_a_retransmitted_register_gets_the_same_answer(server: Server, extension: int) -> None:
    async with await server.phone("udp") as phone:
        request = phone.request([f"<{phone.contact}>"], "1000")
        first, second = await phone.ask(request), await phone.ask(request)
        assert first.status == second.status == 401


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
        await _register(phone)
        keep_alive = KeepAlive(server.endpoint, server.registrar, interval=0.0)
        keep_alive.start()
        assert (await phone.next_request()).method == "OPTIONS"
        assert not faults
        await keep_alive.close()


async def test_a_phone_that_comes_and_goes_keeps_no_other_from_being_asked(server: Server, extension: int) -> None:
    async with await server.phone("udp") as fickle, await server.phone("udp") as steady:
        for _ in range(2):
            await _register(fickle)
            server.keepalive.tick()
            await _register(fickle, f"<{fickle.contact}>;expires=0")
        await _register(steady)
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
        await _register(one)
        await _register(other)
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
