"""Phones that subscribe are told of waiting messages (RFC 6665, RFC 3842), over real sockets."""

import asyncio

import pytest

from ringdove.events.types import ExtensionChanged, ExtensionDeleted, MailboxChanged
from ringdove.model.reference import ObjectKind, Ref
from ringdove.notifier import subscriptions
from ringdove.sip.message import Request
from support.phones import Phone, until
from support.subscriber import SUMMARY, Lamp, shown, standing, subscribe
from wire.message_waiting.waiting_server import Server, box


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

    async def test_whom_a_change_concerns_is_found_out_later_where_the_store_fails(
        self, server: Server, alice: Phone
    ) -> None:
        shared = await server.share("6400", alice)
        lamp = await Lamp.of(alice)
        await lamp.told()
        server.summary.lost = 2
        for _ in range(20):
            await server.leave(shared)
        assert shown(await lamp.told(within=5)) == ("yes", "20/0")
        assert server.summary.traced == 3, "however often it changes meanwhile"

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
