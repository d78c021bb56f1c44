"""Dialogs (RFC 3261 §12) from both sides."""

import pytest

from ringdove.sip.dialog import Dialog, DialogId, Fork, new_request
from ringdove.sip.headers import Headers, NameAddr
from ringdove.sip.message import Request, Response
from ringdove.sip.parser import parse
from ringdove.sip.uri import Uri

OURS = Uri.parse("sip:pbx@192.0.2.1:5060;transport=tcp")
VIA = "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKx"


def invite(target: str = "sip:6300@192.0.2.1", *extra: tuple[str, str], cseq: int = 7) -> Request:
    fields = [
        ("Via", VIA),
        ("From", '"Alice" <sip:alice@example.test>;tag=alice-tag'),
        ("To", "<sip:6300@example.test>"),
        ("Call-ID", "call-1"),
        ("CSeq", f"{cseq} INVITE"),
        ("Contact", "<sip:alice@192.0.2.7:5062;ob>"),
        *extra,
    ]
    return Request("INVITE", target, Headers(fields))


def within(method: str, cseq: int, *extra: tuple[str, str]) -> Request:
    fields = [
        ("Via", VIA),
        ("From", "<sip:alice@example.test>;tag=alice-tag"),
        ("To", "<sip:6300@example.test>;tag=our-tag"),
        ("Call-ID", "call-1"),
        ("CSeq", f"{cseq} {method}"),
        *extra,
    ]
    return Request(method, "sip:pbx@192.0.2.1", Headers(fields))


def answer(request: Request, status: int, *extra: tuple[str, str], tag: str = "bob-tag") -> Response:
    response = request.reply(status, to_tag=tag)
    for name, value in extra:
        response.headers.add(name, value)
    return response


ROUTES = (("Record-Route", "<sip:p1.test;lr>, <sip:p2.test;lr>"), ("Record-Route", "<sip:p3.test;lr>"))
BOB = ("Contact", "<sip:bob@192.0.2.9:5070>")


def as_uas(*extra: tuple[str, str]) -> Dialog:
    return Dialog.as_uas(invite("sip:6300@192.0.2.1", *extra), "our-tag", OURS)


def as_uac(status: int = 200, *extra: tuple[str, str]) -> Dialog:
    request = invite()
    return Dialog.as_uac(request, answer(request, status, BOB, *extra))


class TestAsUas:
    def test_it_takes_its_state_from_the_request_as_12_1_1_says(self) -> None:
        dialog = as_uas(*ROUTES)
        assert dialog.id == DialogId("call-1", "our-tag", "alice-tag")
        assert dialog.state.name == "EARLY"
        assert str(dialog.local) == "<sip:6300@example.test>;tag=our-tag"
        assert str(dialog.remote) == '"Alice" <sip:alice@example.test>;tag=alice-tag'
        assert str(dialog.remote_target) == "sip:alice@192.0.2.7:5062;ob"
        assert [r.uri.host for r in dialog.route_set] == ["p1.test", "p2.test", "p3.test"]
        assert (dialog.remote_cseq, dialog.secure) == (7, False)

    def test_a_sips_request_makes_it_secure(self) -> None:
        assert Dialog.as_uas(invite("sips:6300@192.0.2.1"), "our-tag", OURS).secure

    def test_a_peer_without_tag_and_Contact_is_an_old_one_not_an_error(self) -> None:
        request = invite()
        request.headers.set("From", "<sip:old@192.0.2.8>")
        request.headers.remove("Contact")
        dialog = Dialog.as_uas(request, "our-tag", OURS)
        assert dialog.id.remote_tag == ""
        assert str(dialog.remote_target) == "sip:old@192.0.2.8"
        assert dialog.request("BYE").to.tag is None

    def test_incoming_requests_find_it_by_id(self) -> None:
        assert DialogId.of_incoming(within("BYE", 8)) == as_uas().id

    @pytest.mark.parametrize(("status", "sets_up"), [(100, False), (180, True), (200, True), (486, False)])
    def test_responses_that_set_it_up_carry_Contact_and_Record_Route(self, status: int, sets_up: bool) -> None:
        request = invite("sip:6300@192.0.2.1", *ROUTES)
        response = Dialog.as_uas(request, "our-tag", OURS).respond(request, status)
        assert ("Contact" in response.headers) == sets_up
        assert response.headers.get_all("Record-Route") == ([value for _, value in ROUTES] if sets_up else [])
        assert response.to.tag == (None if status == 100 else "our-tag")

    def test_only_its_2xx_confirms_it(self) -> None:
        request = invite()
        dialog = Dialog.as_uas(request, "our-tag", OURS)
        dialog.respond(request, 183, body=b"v=0", content_type="application/sdp")
        assert dialog.state.name == "EARLY"
        response = dialog.respond(request, 200, headers=[("Supported", "timer")])
        assert dialog.state.name == "CONFIRMED"
        assert response.headers.get("Supported") == "timer"


class TestAsUac:
    def test_it_takes_its_state_from_the_response_as_12_1_2_says(self) -> None:
        dialog = as_uac(200, *ROUTES)
        assert dialog.id == DialogId("call-1", "alice-tag", "bob-tag")
        assert dialog.state.name == "CONFIRMED"
        assert str(dialog.remote_target) == "sip:bob@192.0.2.9:5070"
        assert [r.uri.host for r in dialog.route_set] == ["p3.test", "p2.test", "p1.test"]
        assert (dialog.local_cseq, dialog.remote_cseq) == (7, None)
        assert str(dialog.contact) == "sip:alice@192.0.2.7:5062;ob"

    def test_a_provisional_makes_it_early_and_its_2xx_confirms_it_and_settles_the_route(self) -> None:
        request = invite()
        dialog = Dialog.as_uac(request, answer(request, 180, BOB, *ROUTES))
        assert dialog.state.name == "EARLY"
        dialog.learn(answer(request, 183, ("Contact", "<sip:elsewhere@192.0.2.10>")))
        assert dialog.remote_target.user == "bob"
        dialog.learn(answer(request, 200, ("Contact", "<sip:bob2@192.0.2.9>"), ("Record-Route", "<sip:p9.test;lr>")))
        assert dialog.state.name == "CONFIRMED"
        assert [r.uri.host for r in dialog.route_set] == ["p9.test"]
        assert dialog.remote_target.user == "bob2"

    def test_forks_are_dialogs_of_their_own(self) -> None:
        request = invite()
        ids = {Dialog.as_uac(request, answer(request, 180, BOB, tag=tag)).id for tag in ("one", "two")}
        assert len(ids) == 2
        assert DialogId.of_response(answer(request, 200, tag="one")) in ids

    @pytest.mark.parametrize("contact", ["<tel:+15551234>", "nonsense"])
    def test_a_Contact_that_nothing_can_be_sent_to_counts_as_none(self, contact: str) -> None:
        request = invite()
        dialog = Dialog.as_uac(request, answer(request, 200, ("Contact", contact)))
        assert dialog.remote_target == request.target
        dialog.learn(answer(request, 200, ("Contact", contact)))
        assert dialog.remote_target == request.target


class TestRequests:
    """§12.2.1.1."""

    def test_they_carry_the_dialog_and_the_next_number(self) -> None:
        dialog = as_uac(200, *ROUTES)
        first, second = dialog.request("INFO", body=b"x", content_type="text/plain"), dialog.request("BYE")
        assert (str(first.cseq), str(second.cseq)) == ("8 INFO", "9 BYE")
        assert first.uri == "sip:bob@192.0.2.9:5070"
        assert str(first.from_) == '"Alice" <sip:alice@example.test>;tag=alice-tag'
        assert first.to.tag == "bob-tag"
        assert first.call_id == "call-1"
        assert first.headers.get("Max-Forwards") == "70"
        assert [r.uri.host for r in first.routes] == ["p3.test", "p2.test", "p1.test"]
        assert (first.body, first.content_type) == (b"x", "text/plain")
        assert "Via" not in first.headers
        assert dialog.next_hop.host == "p3.test"

    @pytest.mark.parametrize(
        ("method", "carried"), [("INVITE", True), ("UPDATE", True), ("BYE", False), ("INFO", False)]
    )
    def test_Contact_goes_with_target_refreshes_only(self, method: str, carried: bool) -> None:
        assert ("Contact" in as_uac().request(method).headers) == carried

    def test_without_a_route_set_the_target_is_the_next_hop(self) -> None:
        dialog = as_uac()
        assert dialog.request("BYE").routes == []
        assert dialog.next_hop == dialog.remote_target

    def test_a_strict_router_gets_itself_in_the_Request_URI_and_the_target_last(self) -> None:
        dialog = as_uac(200, ("Record-Route", "<sip:p2.test;lr>"), ("Record-Route", "<sip:strict.test>"))
        request = dialog.request("BYE")
        assert request.uri == "sip:strict.test"
        assert [str(r) for r in request.routes] == ["<sip:p2.test;lr>", "<sip:bob@192.0.2.9:5070>"]

    def test_the_Request_URI_drops_what_it_may_not_have(self) -> None:
        request = invite()
        contact = ("Contact", "<sip:bob@192.0.2.9;method=INVITE;ob?Subject=x>")
        assert Dialog.as_uac(request, answer(request, 200, contact)).request("BYE").uri == "sip:bob@192.0.2.9;ob"

    def test_a_callee_numbers_its_own_requests_from_one_and_turns_From_and_To_round(self) -> None:
        request = as_uas().request("BYE")
        assert str(request.cseq) == "1 BYE"
        assert (request.from_.tag, request.to.tag) == ("our-tag", "alice-tag")
        assert request.uri == "sip:alice@192.0.2.7:5062;ob"

    def test_the_ACK_has_the_number_of_its_INVITE_and_uses_up_none(self) -> None:
        dialog = as_uac(200, *ROUTES)
        ack = dialog.ack(7, body=b"v=0", content_type="application/sdp", headers=[("Authorization", "Digest x")])
        assert str(ack.cseq) == "7 ACK"
        assert [r.uri.host for r in ack.routes] == ["p3.test", "p2.test", "p1.test"]
        assert (ack.body, ack.headers.get("Authorization")) == (b"v=0", "Digest x")
        assert "Contact" not in ack.headers
        assert dialog.request("BYE").cseq.number == 8


class TestIncoming:
    """§12.2.2."""

    def test_requests_out_of_order_are_refused_and_change_nothing(self) -> None:
        dialog = as_uas()
        assert dialog.accept(within("INFO", 9)) is None
        for number in (9, 8, 1):
            rejection = dialog.accept(within("INVITE", number, ("Contact", "<sip:mallory@192.0.2.66>")))
            assert rejection is not None
            assert rejection.status == 500
        assert dialog.remote_target.user == "alice"
        assert dialog.accept(within("BYE", 100)) is None

    def test_a_caller_takes_whatever_number_the_callee_begins_with(self) -> None:
        dialog = as_uac()
        assert dialog.accept(within("BYE", 0)) is None
        assert dialog.remote_cseq == 0

    @pytest.mark.parametrize(("method", "moves"), [("INVITE", True), ("UPDATE", True), ("INFO", False)])
    def test_re_INVITE_and_UPDATE_move_the_target_and_nothing_else_does(self, method: str, moves: bool) -> None:
        dialog = as_uas(*ROUTES)
        routes = dialog.route_set
        dialog.accept(within(method, 8, ("Contact", "<sip:alice@192.0.2.99>"), ("Record-Route", "<sip:new.test;lr>")))
        assert (dialog.remote_target.host == "192.0.2.99") == moves
        assert dialog.route_set == routes

    def test_a_re_INVITE_without_Contact_leaves_the_target(self) -> None:
        dialog = as_uas()
        dialog.accept(within("INVITE", 8))
        assert dialog.remote_target.host == "192.0.2.7"

    @pytest.mark.parametrize(
        ("method", "status", "moves"),
        [("INVITE", 200, True), ("UPDATE", 200, True), ("INVITE", 488, False), ("INFO", 200, False)],
    )
    def test_2xx_to_our_re_INVITE_and_UPDATE_move_the_target(self, method: str, status: int, moves: bool) -> None:
        dialog = as_uac(200, *ROUTES)
        routes = dialog.route_set
        request = dialog.request(method)
        request.headers.prepend("Via", VIA)
        dialog.learn(answer(request, status, ("Contact", "<sip:bob@192.0.2.99>")))
        assert (dialog.remote_target.host == "192.0.2.99") == moves
        assert dialog.route_set == routes

    @pytest.mark.parametrize(("status", "lost"), [(408, True), (481, True), (200, False), (486, False), (500, False)])
    def test_408_and_481_say_that_the_peer_has_lost_it(self, status: int, lost: bool) -> None:
        assert Dialog.is_lost(status) == lost


class TestNewRequest:
    """§8.1.1."""

    def test_it_is_complete_but_for_the_Via(self) -> None:
        target = Uri.parse("sip:bob@192.0.2.9:5070;transport=tcp")
        request = new_request(
            "INVITE",
            target,
            from_=NameAddr(Uri.parse("sip:alice@example.test"), "Alice"),
            contact=OURS,
            routes=["<sip:edge.test;lr>"],
            headers=[("Alert-Info", "<http://x>;info=a")],
            body=b"v=0",
            content_type="application/sdp",
        )
        assert request.uri == str(target)
        assert request.from_.tag
        assert str(request.to) == "<sip:bob@192.0.2.9:5070>"
        assert str(request.cseq) == "1 INVITE"
        assert request.headers.get("Contact") == f"<{OURS}>"
        assert [r.uri.host for r in request.routes] == ["edge.test"]
        assert request.headers.get("Alert-Info") == "<http://x>;info=a"
        assert request.headers.get("Max-Forwards") == "70"

    def test_tags_and_call_ids_are_new_each_time_and_kept_where_given(self) -> None:
        target = Uri.parse("sip:bob@192.0.2.9")
        plain = NameAddr(Uri.parse("sip:alice@example.test"))
        one, two = new_request("OPTIONS", target, from_=plain), new_request("OPTIONS", target, from_=plain)
        assert one.call_id != two.call_id
        assert one.from_.tag != two.from_.tag
        again = new_request("OPTIONS", target, from_=one.from_, call_id=one.call_id, cseq=2)
        assert (again.call_id, again.from_.tag, again.cseq.number) == (one.call_id, one.from_.tag, 2)


def test_a_fork_says_what_a_request_of_its_own_would_say() -> None:
    caller = NameAddr(Uri("sip", "192.0.2.9", "2001"), 'Wren "W"')
    ours = Uri("sip", "192.0.2.9", port=5060)
    more = [("allow", "INVITE, ACK"), ("Alert-Info", "<http://192.0.2.9>;info=sales")]
    fork = Fork("INVITE", from_=caller, contact=ours, max_forwards=69, headers=more)
    for phone, routes in (("sip:2002@192.0.2.2:5070;transport=tcp?x=y", ()), ("sips:2003@b", ("<sip:edge;lr>",))):
        target, to = Uri.parse(phone), Uri("sip", "192.0.2.9", "2002")
        sent = fork.request(target, to, routes=routes)
        assert parse(sent.to_bytes()).from_ == sent.from_
        assert (sent.to, sent.cseq.number, sent.cseq.method) == (NameAddr(to), 1, "INVITE")
        tag, call_id = sent.from_.tag, sent.call_id
        alone = new_request(
            "INVITE",
            target,
            from_=caller.with_param("tag", tag),
            to=NameAddr(to),
            contact=ours,
            call_id=call_id,
            routes=routes,
            max_forwards=69,
            headers=more,
        )
        assert sent.to_bytes() == alone.to_bytes()
        again = fork.request(target, to, routes=routes)
        assert again.call_id != call_id
        assert again.from_.tag != tag
