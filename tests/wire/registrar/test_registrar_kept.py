"""What is kept of bindings, over restarts too, and when they end."""

from collections.abc import Sequence

import pytest

from ringdove.events.types import ExtensionChanged, ExtensionDeleted
from ringdove.model.binding import StoredBinding
from ringdove.registrar import registrar
from wire.registrar.registrar_server import Server, register
from wire.registrar.scripted_phone import ScriptedPhone


async def test_udp_bindings_outlive_a_restart_until_they_expire(server: Server, extension: int) -> None:
    async with await server.phone("udp") as phone:
        await register(phone, f"<{phone.contact}>", "<sip:brief@10.0.0.1>;expires=60")
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
        await register(phone)
        (first,) = await server.store.bindings.all()
        await register(phone)
        (refreshed,) = server.registrar.bindings(extension)
        assert refreshed.cseq > first.cseq
        assert await server.store.bindings.all() == [first]
        await server.restart()
        assert list(server.registrar.bindings(extension)) == [refreshed]
    monkeypatch.setattr(registrar, "GATHERING", 0.01)
    await server.restart()
    async with await server.phone("udp") as phone:
        await register(phone)
        await register(phone)
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
        await register(phone)
        await register(phone)
        (refreshed,) = server.registrar.bindings(extension)
        await server.saves(refreshed)
    assert not refusals


async def test_a_phone_that_moves_is_saved_before_it_is_told_so(server: Server, extension: int) -> None:
    contact = "<sip:fixed@10.0.0.1>"
    for _ in range(2):
        async with await server.phone("udp") as phone:
            await register(phone, contact)
            (binding,) = await server.store.bindings.all()
            assert binding in server.registrar.bindings(extension)


async def test_a_binding_ends_when_its_time_is_over(server: Server, extension: int, phone: ScriptedPhone) -> None:
    await register(phone, f"<{phone.contact}>;expires=60")
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
    await register(phone, "<sip:phone@10.1.2.3;transport=tcp>")
    await server.changed()
    phone.close()
    assert await server.changed() == extension
    assert not server.registrar.bindings(extension)
    assert await server.saved() == []


async def test_a_disabled_extension_loses_its_bindings(server: Server, extension: int, phone: ScriptedPhone) -> None:
    await register(phone)
    await server.changed()
    await server.store.extensions.update(extension, lambda old: old.model_copy(update={"enabled": False}))
    server.bus.publish(ExtensionChanged(extension))
    assert await server.changed() == extension
    assert await server.saved() == []
    assert (await register(phone)).status == 401


async def test_a_lowered_limit_drops_the_oldest(server: Server, extension: int) -> None:
    phones = [await server.phone("udp") for _ in range(2)]
    for phone in phones:
        await register(phone)
        await server.changed()
    await server.store.extensions.update(extension, lambda old: old.model_copy(update={"concurrent_registrations": 1}))
    server.bus.publish(ExtensionChanged(extension))
    await server.changed()
    assert [binding.contact for binding in server.registrar.bindings(extension)] == [phones[1].contact]
    for phone in phones:
        phone.close()


async def test_a_deleted_extension_is_offline_at_once(server: Server, extension: int, phone: ScriptedPhone) -> None:
    await register(phone)
    await server.changed()
    await server.store.extensions.delete(extension)
    server.bus.publish(ExtensionDeleted(extension))
    assert await server.changed() == extension
    assert not server.registrar.bindings(extension)
    assert (await register(phone)).status == 401
