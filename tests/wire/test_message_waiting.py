"""Phones are told of waiting messages, whether they subscribe or not (RFC 6665, RFC 3842), over real sockets."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ringdove.events.bus import Bus
from ringdove.events.types import ExtensionChanged, ExtensionDeleted, MailboxChanged
from ringdove.guard.guard import Guard
from ringdove.model.extension import Extension
from ringdove.model.reference import ObjectKind, Ref
from ringdove.model.voicemail import Mailbox, MailboxKind, MessageCount, NewMessage, VmGroup
from ringdove.net.endpoint import Endpoint, IncomingRequest, Timers
from ringdove.notifier import MessageSummary, Notifier, subscriptions
from ringdove.notifier.package import Topic
from ringdove.registrar import Authenticator, Registrar
from ringdove.registrar.doorman import Doorman
from ringdove.sip.digest import Realm
from ringdove.sip.message import Request
from ringdove.store import Store
from support.api import Person
from support.phones import Phone, until
from support.ports import free_port
from support.subscriber import SUMMARY, Lamp, shown, standing, subscribe

SHORT = Timers(t1=0.02, t2=0.04, t4=0.05)
"""A NOTIFY is given up after 1.28 s."""
SOON, NEVER = 0.2, 600.0
"""Seconds after which a phone that has registered is told what waits."""
greets = pytest.mark.parametrize("server", [SOON], indirect=True)
"""Such a test has a server that tells phones so; others need not wait for that."""


class Summary(MessageSummary):
    """The package, with a store that fails so many times."""

    failures = 0

    async def state(self, topic: Topic) -> MessageCount:
        if self.failures:
            self.failures -= 1
            raise OSError("the disk is full")
        return await super().state(topic)


class Server:
    """A notifier beside a registrar, with sockets and a store; `ahead` is how far its clock is ahead of the world's."""

    sip_tls: tuple[str, int]

    def __init__(self, store: Store, greeting: float) -> None:
        self.store = store
        self.ahead = 0.0
        self.summary = Summary(store, "*2")
        self.bus = Bus()
        self.endpoint = Endpoint(timers=SHORT)
        guard = Guard()
        authenticator = Authenticator(store, Realm("ringdove"), guard)
        self.registrar = Registrar(store, authenticator, self.bus, clock=lambda: time.time() + self.ahead)
        self.notifier = Notifier(
            self.endpoint,
            self.bus,
            [self.summary],
            authenticate=authenticator.check,
            extension=store.extensions.get,
            bindings=self.registrar.bindings,
            clock=lambda: self.endpoint.clock() + self.ahead,
            greeting=greeting,
        )
        self.endpoint.door = Doorman(guard, authenticator, lambda: True, events=self.notifier.events)
        self.endpoint.on_request = self._dispatch
        self._recordings = itertools.count()

    async def start(self) -> None:
        await self.registrar.start()
        self.notifier.start()
        self.sip = "127.0.0.1", free_port()
        for transport in ("udp", "tcp"):
            await self.endpoint.listen(transport, *self.sip)

    async def stop(self) -> None:
        await self.notifier.close()
        await self.registrar.close()
        await self.endpoint.close()
        await self.store.close()

    def _dispatch(self, incoming: IncomingRequest) -> None:
        part = self.registrar if incoming.request.method == "REGISTER" else self.notifier
        part.handle(incoming)

    async def phone(self, number: str, transport: str = "udp") -> Phone:
        """A phone of a new extension, not registered."""
        made = await self.store.extensions.create(Extension(number=number))
        return await self.another(Person(made.id, number, made.reg_name, made.reg_password), transport)

    async def another(self, person: Person, transport: str = "udp") -> Phone:
        """Another phone of somebody."""
        api: Any = self
        return await Phone.of(api, person, transport)

    async def leave(self, mailbox: Mailbox, times: int = 1) -> None:
        """Messages come into a mailbox."""
        for _ in range(times):
            message = NewMessage(caller_number="1", time=0, seconds=1, digest="0" * 64, size=1)
            await self.store.messages.deliver(str(next(self._recordings)), [mailbox], message)
        self.bus.publish(MailboxChanged(mailbox))

    async def share(self, number: str, *phones: Phone) -> Mailbox:
        """A group voicemail that they share."""
        members = tuple(Ref(ObjectKind.EXTENSION, phone.person.id) for phone in phones)
        made = await self.store.vm_groups.create(VmGroup(number=number, name=f"Group {number}", members=members))
        return made.mailbox

    @property
    def subscriptions(self) -> int:
        return self.notifier.counts()["message-summary"]


def box(phone: Phone) -> Mailbox:
    return Mailbox(MailboxKind.EXTENSION, phone.person.id)


@pytest.fixture
async def server(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    store = await Store.open(f"sqlite:///{tmp_path / 'ringdove.db'}")
    server = Server(store, getattr(request, "param", NEVER))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(params=["udp", "tcp"])
async def alice(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[Phone]:
    """Her phone; `server` is told which transport it uses by its parameter."""
    phone = await server.phone("2001", request.param)
    yield phone
    await phone.close()


@pytest.fixture
async def bob(server: Server) -> AsyncIterator[Phone]:
    phone = await server.phone("2002")
    yield phone
    await phone.close()


class TestSubscriptions:
    async def test_who_subscribes_is_told_at_once_and_with_each_change(self, server: Server, alice: Phone) -> None:
        lamp = await Lamp.of(alice)
        assert lamp.response.headers.get("Expires") == "600"
        assert lamp.response.headers.get("Allow-Events") == "message-summary"
        first = await lamp.told()
        assert shown(first) == ("no", "0/0")
        assert standing(first) in ("active;expires=600", "active;expires=599")
        assert first.headers.get("Event") == "message-summary"
        assert len(first.contacts) == 1
        host, port = server.sip
        transport = ";transport=tcp" if first.via.transport == "TCP" else ""
        assert f"Message-Account: sip:*2@{host}:{port}{transport}\r\n".encode() in first.body

        await server.leave(box(alice))
        assert shown(await lamp.told()) == ("yes", "1/0")
        await server.leave(box(alice), times=2)
        assert shown(await lamp.told()) == ("yes", "3/0")
        server.bus.publish(MailboxChanged(box(alice)))
        await alice.expect_none("NOTIFY", within=0.2)
        assert server.subscriptions == 1

    async def test_an_event_id_comes_back(self, server: Server, alice: Phone) -> None:
        lamp = await Lamp.of(alice, event="message-summary;id=42")
        assert (await lamp.told()).headers.get("Event") == "message-summary;id=42"
        assert (await lamp.refresh()).status == 489, "another subscription in the same dialog"
        assert (await lamp.refresh(event="message-summary;id=42")).status == 200
        await lamp.told()

    async def test_a_refresh_lasts_anew_and_is_told_again(self, server: Server, alice: Phone) -> None:
        lamp = await Lamp.of(alice, expires=100)
        await lamp.told()
        server.ahead += 90
        answer = await lamp.refresh(300)
        assert (answer.status, answer.headers.get("Expires")) == (200, "300")
        assert shown(again := await lamp.told()) == ("no", "0/0")
        assert standing(again) in ("active;expires=300", "active;expires=299")
        server.ahead += 200
        await alice.expect_none("NOTIFY", within=1.5)

    async def test_a_refresh_from_another_address_takes_the_lamp_along(self, server: Server, bob: Phone) -> None:
        lamp = await Lamp.of(bob)
        await lamp.told()
        moved = await server.another(bob.person)
        try:
            lamp.phone, lamp.dialog.contact = moved, moved.uri
            assert (await lamp.refresh()).status == 200
            await lamp.told()
            await server.leave(box(bob))
            assert shown(await lamp.told()) == ("yes", "1/0")
        finally:
            await moved.close()

    async def test_an_expired_subscription_is_told_so_and_then_unknown(self, server: Server, alice: Phone) -> None:
        lamp = await Lamp.of(alice, expires=100)
        await lamp.told()
        server.ahead += 101
        last = await lamp.told()
        assert standing(last) == "terminated;reason=timeout"
        assert shown(last) == ("no", "0/0")
        await until(lambda: not server.subscriptions, "it is over")
        assert (await lamp.refresh()).status == 481
        await server.leave(box(alice))
        await alice.expect_none("NOTIFY", within=0.2)

    async def test_who_unsubscribes_is_told_once_more(self, server: Server, alice: Phone) -> None:
        lamp = await Lamp.of(alice)
        await lamp.told()
        answer = await lamp.refresh(0)
        assert (answer.status, answer.headers.get("Expires")) == (200, "0")
        assert standing(await lamp.told()) == "terminated;reason=timeout"
        await until(lambda: not server.subscriptions, "it is over")

    async def test_who_only_asks_is_told_once(self, server: Server, alice: Phone) -> None:
        await server.leave(box(alice), times=2)
        lamp = await Lamp.of(alice, expires=0)
        answer = await lamp.told()
        assert (standing(answer), shown(answer)) == ("terminated;reason=timeout", ("yes", "2/0"))
        await server.leave(box(alice))
        await alice.expect_none("NOTIFY", within=0.2)
        assert server.subscriptions == 0

    async def test_of_changes_while_a_NOTIFY_is_under_way_the_last_is_told(self, server: Server, alice: Phone) -> None:
        lamp = await Lamp.of(alice)
        first = await lamp.notified()
        for _ in range(3):
            await server.leave(box(alice))
            await asyncio.sleep(0.02)
        assert alice.count(lambda m: isinstance(m, Request) and m.method == "NOTIFY" and m.cseq != first.cseq) == 0
        assert lamp.dialog.accept(first) is None
        alice.reply(first, 200, tag=lamp.dialog.id.local_tag)
        fresh = await alice.expect(lambda m: isinstance(m, Request) and m.cseq.number == first.cseq.number + 1)
        assert shown(fresh) == ("yes", "3/0")

    async def test_a_NOTIFY_that_was_lost_is_sent_again(self, server: Server, bob: Phone) -> None:
        lamp = await Lamp.of(bob)
        await lamp.told()
        bob.lose("NOTIFY")
        await server.leave(box(bob))
        assert shown(await lamp.told()) == ("yes", "1/0")

    @pytest.mark.parametrize("status", [404, 481, 489, 501])
    async def test_who_does_not_want_to_be_told_any_more_is_not(
        self, server: Server, alice: Phone, status: int
    ) -> None:
        lamp = await Lamp.of(alice)
        await lamp.told()
        await server.leave(box(alice))
        await lamp.told(status)
        await until(lambda: not server.subscriptions, "it is over")
        await server.leave(box(alice))
        await alice.expect_none("NOTIFY", within=0.2)
        assert (await lamp.refresh()).status == 481

    async def test_who_says_nothing_for_a_long_time_is_given_up(self, server: Server, alice: Phone) -> None:
        lamp = await Lamp.of(alice)
        await lamp.notified()
        await until(lambda: not server.subscriptions, "it is given up", within=4)
        assert server.notifier.notified["message-summary", "none"] == 1

    async def test_a_proxy_that_wants_to_stay_in_between_does(self, server: Server, bob: Phone) -> None:
        edge, inner = f"<sip:{bob.host}:{bob.port};lr>", "<sip:inner.test;lr>"
        routes = [("Record-Route", edge), ("Record-Route", inner)]
        lamp = await Lamp.of(bob, headers=routes)
        assert lamp.response.headers.get_all("Record-Route") == [edge, inner]
        assert (await lamp.told()).headers.get_all("Route") == [edge, inner]

    async def test_a_passing_failure_ends_nothing(self, server: Server, alice: Phone) -> None:
        lamp = await Lamp.of(alice)
        await lamp.told(503)
        await server.leave(box(alice))
        assert shown(await lamp.told()) == ("yes", "1/0")

    async def test_other_requests_in_the_dialog_are_told_what_it_is_for(self, server: Server, alice: Phone) -> None:
        lamp = await Lamp.of(alice)
        await lamp.told()
        for method, status in (("OPTIONS", 200), ("BYE", 405), ("WHATEVER", 501)):
            request = alice.stamp(lamp.dialog.request(method))
            alice.send(request, alice.server)
            answer = await alice.expect(f"{status} {method}")
            assert answer.headers.get("Allow") == "SUBSCRIBE, OPTIONS"
        assert server.subscriptions == 1

    async def test_what_comes_out_of_order_is_refused(self, server: Server, alice: Phone) -> None:
        lamp = await Lamp.of(alice)
        await lamp.told()
        lamp.dialog.local_cseq -= 1
        assert (await lamp.refresh()).status == 500

    async def test_what_cannot_be_read_is_told_when_it_can(self, server: Server, alice: Phone, bob: Phone) -> None:
        lamp = await Lamp.of(alice)
        await lamp.told()
        await bob.register()
        server.summary.failures = 2
        await server.leave(box(bob))
        await server.leave(box(alice))
        assert shown(await lamp.told(within=5)) == ("yes", "1/0")
        assert shown(await bob.expect("NOTIFY", within=5)) == ("yes", "1/0")

    @pytest.mark.parametrize("way", ["deleted", "disabled"])
    async def test_with_the_extension_its_subscriptions_end(self, server: Server, alice: Phone, way: str) -> None:
        lamp = await Lamp.of(alice)
        await lamp.told()
        if way == "deleted":
            await server.store.extensions.delete(alice.person.id)
            server.bus.publish(ExtensionDeleted(alice.person.id))
        else:
            await server.store.extensions.update(
                alice.person.id, lambda extension: extension.model_copy(update={"enabled": False})
            )
            server.bus.publish(ExtensionChanged(alice.person.id))
        assert standing(await lamp.told()) == "terminated;reason=noresource"

    async def test_of_too_many_phones_of_one_extension_the_oldest_makes_room(
        self, server: Server, alice: Phone
    ) -> None:
        lamps = [await Lamp.of(alice) for _ in range(subscriptions.PER_OWNER)]
        for lamp in lamps:
            await lamp.told()
        one_more = await Lamp.of(alice)
        assert standing(await lamps[0].told()) == "terminated;reason=probation;retry-after=3600"
        await one_more.told()
        await until(lambda: server.subscriptions == subscriptions.PER_OWNER, "one has made room")


class TestWhoMay:
    async def test_a_wrong_password_opens_nothing(self, server: Server, alice: Phone) -> None:
        _, response = await subscribe(alice, password="wrong")
        assert response.status == 401
        assert server.subscriptions == 0

    @pytest.mark.parametrize("user", ["", "2001", "*2"])
    async def test_ones_own_mailbox_has_several_names(self, server: Server, alice: Phone, user: str) -> None:
        await server.leave(box(alice))
        assert shown(await (await Lamp.of(alice, user)).told()) == ("yes", "1/0")

    @pytest.mark.parametrize("user", ["2002", "2999", "6500"])
    async def test_that_of_others_is_not_told_nor_whether_it_is_there(
        self, server: Server, alice: Phone, bob: Phone, user: str
    ) -> None:
        await server.share("6500", bob)
        _, response = await subscribe(alice, user)
        assert response.status == 403
        assert server.subscriptions == 0

    async def test_a_shared_mailbox_lights_the_lamps_of_all_who_share_it(
        self, server: Server, alice: Phone, bob: Phone
    ) -> None:
        shared = await server.share("6500", alice, bob)
        await server.leave(box(alice), times=2)
        at_alice, alone, at_bob = await Lamp.of(alice), await Lamp.of(alice, "6500"), await Lamp.of(bob)
        counts = [shown(await lamp.told())[1] for lamp in (at_alice, alone, at_bob)]
        assert counts == ["2/0", "0/0", "0/0"]
        await server.leave(shared)
        counts = [shown(await lamp.told())[1] for lamp in (at_alice, alone, at_bob)]
        assert counts == ["3/0", "1/0", "1/0"]

    async def test_who_left_a_group_does_not_watch_its_mailbox_on(
        self, server: Server, alice: Phone, bob: Phone
    ) -> None:
        shared = await server.share("6500", alice, bob)
        lamp = await Lamp.of(alice, "6500")
        await lamp.told()
        assert (await lamp.refresh()).status == 200
        await lamp.told()
        only_bob = (Ref(ObjectKind.EXTENSION, bob.person.id),)
        await server.store.vm_groups.update(shared.id, lambda group: group.model_copy(update={"members": only_bob}))
        assert (await lamp.refresh()).status == 403
        assert standing(await lamp.told()) == "terminated;reason=noresource"

    async def test_what_cannot_be_had_is_refused_in_its_own_words(self, server: Server, alice: Phone) -> None:
        _, response = await subscribe(alice, event="presence")
        assert (response.status, response.headers.get("Allow-Events")) == (489, "message-summary")
        _, response = await subscribe(alice, event="")
        assert response.status == 489
        _, response = await subscribe(alice, expires=59)
        assert (response.status, response.headers.get("Min-Expires")) == (423, "60")
        _, response = await subscribe(alice, headers=[("Accept", "text/plain")])
        assert (response.status, response.headers.get("Accept")) == (406, SUMMARY)
        _, response = await subscribe(alice, contact=None)
        assert (response.status, response.reason) == (400, "Bad Request (Contact: is missing)")
        assert server.subscriptions == 0

    async def test_without_a_wish_it_lasts_an_hour_and_never_more_than_two(self, server: Server, alice: Phone) -> None:
        for wish, granted in ((None, "3600"), (86_400, "7200")):
            _, response = await subscribe(alice, expires=wish)
            assert response.headers.get("Expires") == granted


class TestUnasked:
    async def unasked(self, phone: Phone, status: int = 200) -> Request:
        notify: Request = await phone.expect("NOTIFY")
        assert notify.to.tag is None
        assert standing(notify) == "terminated"
        assert notify.headers.get("Event") == "message-summary"
        phone.reply(notify, status)
        return notify

    async def test_a_phone_that_only_registers_is_told_of_each_change(self, server: Server, alice: Phone) -> None:
        await alice.register()
        await server.leave(box(alice))
        notify = await self.unasked(alice)
        assert shown(notify) == ("yes", "1/0")
        assert notify.uri == str(alice.uri)
        await server.leave(box(alice))
        assert shown(await self.unasked(alice)) == ("yes", "2/0")

    @greets
    async def test_a_phone_that_was_switched_on_is_told_of_what_waits(self, server: Server, alice: Phone) -> None:
        await server.leave(box(alice))
        await alice.register()
        assert shown(await self.unasked(alice)) == ("yes", "1/0")
        await alice.register()
        await alice.expect_none("NOTIFY", within=3 * SOON)
        call_id, cseq = alice.registration
        alice.registration = f"{call_id}-anew", cseq
        await alice.register()
        assert shown(await self.unasked(alice)) == ("yes", "1/0")

    async def test_a_phone_behind_a_proxy_is_told_by_way_of_that(self, server: Server, alice: Phone) -> None:
        edge = "<sip:edge.test;lr>"
        await alice.register(Supported="path", Path=edge)
        await server.leave(box(alice))
        notify = await self.unasked(alice)
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
            assert shown(await self.unasked(desk)) == ("yes", "1/0")
            await alice.expect_none("NOTIFY", within=3 * SOON)
        finally:
            await desk.close()

    async def test_who_has_forgotten_its_subscription_is_told_all_the_same(self, server: Server, alice: Phone) -> None:
        await alice.register()
        lamp = await Lamp.of(alice)
        await lamp.told()
        await server.leave(box(alice))
        await lamp.told(481)
        assert shown(await self.unasked(alice)) == ("yes", "1/0")

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
            assert shown(await self.unasked(again)) == ("yes", "2/0")

    @greets
    @pytest.mark.parametrize("status", [405, 481, 489, 501])
    async def test_who_declines_is_left_alone_until_it_registers_anew(
        self, server: Server, alice: Phone, status: int
    ) -> None:
        await server.leave(box(alice))
        await alice.register()
        await self.unasked(alice, status)
        await until(lambda: server.notifier.declined == 1, "it has declined")
        await server.leave(box(alice))
        await alice.register()
        await alice.expect_none("NOTIFY", within=3 * SOON)
        call_id, cseq = alice.registration
        alice.registration = f"{call_id}-anew", cseq
        await alice.register()
        assert shown(await self.unasked(alice)) == ("yes", "2/0")
        assert server.notifier.declined == 0

    async def test_who_declined_and_unregistered_is_forgotten(self, server: Server, alice: Phone) -> None:
        await alice.register()
        await server.leave(box(alice))
        await self.unasked(alice, 489)
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
        assert (await self.unasked(alice)).headers.get("Authorization") is None


class TestTheEnd:
    async def test_who_drains_has_phones_subscribe_anew_and_waits_for_their_answers(
        self, server: Server, alice: Phone, bob: Phone
    ) -> None:
        lamps = [await Lamp.of(alice), await Lamp.of(bob)]
        for lamp in lamps:
            await lamp.told()
        draining = asyncio.create_task(server.notifier.drain())
        last = await lamps[0].told()
        assert standing(last) == "terminated;reason=deactivated"
        await asyncio.sleep(0.1)
        assert not draining.done()
        assert standing(await lamps[1].told()) == "terminated;reason=deactivated"
        await asyncio.wait_for(draining, 1)
        assert server.subscriptions == 0
        _, response = await subscribe(bob)
        assert (response.status, response.headers.get("Retry-After")) == (503, "30")

    async def test_who_stops_at_once_says_so_and_waits_for_nobody(self, server: Server, alice: Phone) -> None:
        lamp = await Lamp.of(alice)
        await lamp.told()
        await server.notifier.close()
        assert standing(await lamp.notified()) == "terminated;reason=deactivated"

    async def test_a_server_that_crashed_knows_no_subscription(self, server: Server, alice: Phone) -> None:
        lamp = await Lamp.of(alice)
        await lamp.told()
        lamp.dialog.id = lamp.dialog.id._replace(remote_tag="before")
        lamp.dialog.remote = lamp.dialog.remote.with_param("tag", "before")
        assert (await lamp.refresh()).status == 481
