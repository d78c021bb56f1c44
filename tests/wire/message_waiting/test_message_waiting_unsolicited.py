"""Phones that only register are told of waiting messages, too."""

import pytest

from ringdove.events.types import MailboxChanged
from ringdove.sip.message import Request
from ringdove.store.listing import Listing
from support.phones import Phone, until
from support.subscriber import Lamp, shown, standing
from wire.message_waiting.waiting_server import SOON, Server, box, greets


class TestUnsolicited:
    async def unsolicited(self, phone: Phone, status: int = 200) -> Request:
        notify: Request = await phone.expect("NOTIFY")
        assert notify.to.tag is None
        assert standing(notify) == "terminated"
        assert notify.headers.get("Event") == "message-summary"
        phone.reply(notify, status)
        return notify

    async def starts_anew(self, phone: Phone) -> None:
        """It was switched off and on, and registers with another Call-ID (RFC 3261 §10.2.4)."""
        call_id, cseq = phone.registration
        phone.registration = f"{call_id}-anew", cseq
        await phone.register()

    async def test_a_phone_that_only_registers_is_told_of_each_change(self, server: Server, alice: Phone) -> None:
        await alice.register()
        await server.leave(box(alice))
        notify = await self.unsolicited(alice)
        assert shown(notify) == ("yes", "1/0")
        assert notify.uri == str(alice.uri)
        await server.leave(box(alice))
        assert shown(await self.unsolicited(alice)) == ("yes", "2/0")

    @greets
    async def test_a_phone_that_was_switched_on_is_told_of_what_waits(self, server: Server, alice: Phone) -> None:
        await server.leave(box(alice))
        await alice.register()
        assert shown(await self.unsolicited(alice)) == ("yes", "1/0")
        await alice.register()
        await alice.expect_none("NOTIFY", within=3 * SOON)
        await self.starts_anew(alice)
        assert shown(await self.unsolicited(alice)) == ("yes", "1/0")

    @pytest.mark.parametrize("how", ["answers", "registers"])
    async def test_a_phone_that_was_silent_for_a_while_is_told_what_it_has_missed(
        self, server: Server, alice: Phone, how: str
    ) -> None:
        await alice.register()
        await server.leave(box(alice))
        assert shown(await self.unsolicited(alice)) == ("yes", "1/0")
        (binding,) = server.registrar.bindings(alice.person.id)
        server.registrar.mark(binding, reachable=False)
        _, messages = await server.store.messages.page(box(alice), Listing())
        await server.store.messages.delete(*(message.id for message in messages))
        server.bus.publish(MailboxChanged(box(alice)))
        await alice.expect_none("NOTIFY", within=3 * SOON)
        if how == "answers":
            server.registrar.mark(binding, reachable=True)
        else:
            await alice.register()
        assert shown(await self.unsolicited(alice)) == ("no", "0/0")
        await alice.register()
        await alice.expect_none("NOTIFY", within=3 * SOON)

    async def test_a_phone_behind_a_proxy_is_told_by_way_of_that(self, server: Server, alice: Phone) -> None:
        edge = "<sip:edge.test;lr>"
        await alice.register(Supported="path", Path=edge)
        await server.leave(box(alice))
        notify = await self.unsolicited(alice)
        assert (notify.headers.get("Route"), notify.uri) == (edge, str(alice.uri))

    async def test_who_has_subscribed_is_told_once_and_its_other_phone_too(self, server: Server, alice: Phone) -> None:
        desk = await server.another(alice.person)
        try:
            await alice.register()
            await desk.register()
            lamp = await Lamp.of(alice)
            await lamp.told()
            await server.leave(box(alice))
            assert shown(await lamp.told()) == ("yes", "1/0")
            assert shown(await self.unsolicited(desk)) == ("yes", "1/0")
            await alice.expect_none("NOTIFY", within=3 * SOON)
        finally:
            await desk.close()

    async def test_who_has_forgotten_its_subscription_is_told_all_the_same(self, server: Server, alice: Phone) -> None:
        await alice.register()
        lamp = await Lamp.of(alice)
        await lamp.told()
        await server.leave(box(alice))
        await lamp.told(481)
        assert shown(await self.unsolicited(alice)) == ("yes", "1/0")

    async def test_who_is_gone_is_given_up_and_told_when_it_is_back(self, server: Server) -> None:
        alice = await server.phone("2001", "tcp")
        await alice.register()
        await (await Lamp.of(alice)).told()
        await alice.close()
        await server.leave(box(alice))
        await until(lambda: not server.subscriptions, "there is no way to it")
        async with await server.another(alice.person, "tcp") as again:
            await again.register()
            await server.leave(box(again))
            assert shown(await self.unsolicited(again)) == ("yes", "2/0")

    @greets
    @pytest.mark.parametrize("status", [405, 481, 489, 501])
    async def test_who_declines_is_left_alone_until_it_registers_anew(
        self, server: Server, alice: Phone, status: int
    ) -> None:
        await server.leave(box(alice))
        await alice.register()
        await self.unsolicited(alice, status)
        await until(lambda: server.notifier.declined == 1, "it has declined")
        await server.leave(box(alice))
        await alice.register()
        await alice.expect_none("NOTIFY", within=3 * SOON)
        await self.starts_anew(alice)
        assert shown(await self.unsolicited(alice)) == ("yes", "2/0")
        assert server.notifier.declined == 0

    async def test_who_declined_and_unregistered_is_forgotten(self, server: Server, alice: Phone) -> None:
        await alice.register()
        await server.leave(box(alice))
        await self.unsolicited(alice, 489)
        await until(lambda: server.notifier.declined == 1, "it has declined")
        await alice.register(0)
        assert server.notifier.declined == 0

    @greets
    async def test_a_phone_that_was_switched_on_is_not_told_that_nothing_waits(
        self, server: Server, alice: Phone
    ) -> None:
        await alice.register()
        await alice.expect_none("NOTIFY", within=3 * SOON)

    async def test_a_phone_that_wants_a_password_from_us_does_not_get_one(self, server: Server, alice: Phone) -> None:
        await alice.register()
        await server.leave(box(alice))
        challenge = [("WWW-Authenticate", 'Digest realm="phone", nonce="1", qop="auth"')]
        alice.reply(await alice.expect("NOTIFY"), 401, headers=challenge)
        await alice.expect_none("NOTIFY", within=0.2)
        await server.leave(box(alice))
        assert (await self.unsolicited(alice)).headers.get("Authorization") is None
