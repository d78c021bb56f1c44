"""Phones register over real sockets (RFC 3261 §10, RFC 3581, RFC 5626, RFC 3327)."""

import asyncio
import time

import pytest

from ringdove.registrar.authentication import REFUSED_AFTER
from ringdove.sip.digest import Algorithm, authorize
from wire.registrar.registrar_server import PASSWORD, Server, listed, register
from wire.registrar.scripted_phone import ScriptedPhone


@pytest.mark.parametrize("algorithm", list(Algorithm))
async def test_a_phone_registers(server: Server, extension: int, phone: ScriptedPhone, algorithm: Algorithm) -> None:
    assert not server.registrar.bindings(extension)
    response = await phone.register(f"<{phone.contact}>", password=PASSWORD, algorithms=[algorithm])
    assert listed(response) == {phone.contact}
    assert response.to.tag
    assert server.registrar.bindings(extension)
    assert await server.changed() == extension
    assert await server.saved() == [phone.contact]


async def test_a_wrong_password_changes_nothing(server: Server, extension: int, phone: ScriptedPhone) -> None:
    for name in ("1000", "9999"):
        assert (await phone.register(f"<{phone.contact}>", extension=name, password="wrong")).status == 401
    assert not server.registrar.bindings(extension)


async def test_a_query_lists_all_bindings(server: Server, extension: int, phone: ScriptedPhone) -> None:
    await register(phone, "<sip:a@10.0.0.1>", "<sip:b@10.0.0.1>;expires=120;q=0.5")
    response = await phone.register(password=PASSWORD)
    assert listed(response) == {"sip:a@10.0.0.1", "sip:b@10.0.0.1"}
    left = {contact.uri.user: int(contact.param("expires") or "") for contact in response.contacts}
    assert 3590 <= left["a"] <= 3600
    assert 110 <= left["b"] <= 120


async def test_a_refresh_is_no_news_and_a_removal_is(server: Server, extension: int, phone: ScriptedPhone) -> None:
    await register(phone)
    assert await server.changed() == extension
    await register(phone)
    assert server.events.empty()
    assert listed(await register(phone, f"<{phone.contact}>;expires=0")) == set()
    assert await server.changed() == extension
    assert not server.registrar.bindings(extension)
    assert await server.saved() == []


async def test_a_star_removes_all(server: Server, extension: int, phone: ScriptedPhone) -> None:
    await register(phone, "<sip:a@10.0.0.1>", "<sip:b@10.0.0.1>")
    assert listed(await register(phone, "*", Expires="0")) == set()
    assert await server.saved() == []


async def test_one_phone_too_many_takes_the_oldest_place(server: Server, extension: int) -> None:
    phones = [await server.phone("udp") for _ in range(3)]
    for phone in phones:
        response = await register(phone)
    assert listed(response) == {phones[1].contact, phones[2].contact}
    assert {binding.contact for binding in server.registrar.bindings(extension)} == listed(response)
    for phone in phones:
        phone.close()


async def test_many_at_once_never_exceed_the_limit(server: Server, extension: int) -> None:
    phones = [await server.phone("udp") for _ in range(8)]
    responses = await asyncio.gather(*(register(phone) for phone in phones))
    assert all(len(listed(response)) <= 2 for response in responses)
    assert len(server.registrar.bindings(extension)) == 2
    assert set(await server.saved()) == {binding.contact for binding in server.registrar.bindings(extension)}
    for phone in phones:
        phone.close()


async def test_a_refused_register_says_why(server: Server, extension: int, phone: ScriptedPhone) -> None:
    brief = await register(phone, f"<{phone.contact}>;expires=5")
    assert (brief.status, brief.headers.get("Min-Expires")) == (423, "60")
    assert (await register(phone, "<isbn:2983792873>")).status == 400
    assert await server.saved() == []


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


async def test_a_retransmitted_register_gets_the_same_answer(server: Server, extension: int) -> None:
    async with await server.phone("udp") as phone:
        request = phone.request([f"<{phone.contact}>"], "1000")
        first, second = await phone.ask(request), await phone.ask(request)
        assert first.status == second.status == 401
