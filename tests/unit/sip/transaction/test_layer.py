"""Matching, CANCEL, merged requests, caps and timing in the transaction layer."""

import pytest

from ringdove.sip.hop import Hop
from ringdove.sip.message import Request, Response
from ringdove.sip.transaction import (
    Action,
    Cancelled,
    Caps,
    ClientKey,
    DeliverRequest,
    Send,
    ServerKey,
    Timers,
    TransactionLayer,
)
from unit.sip.transaction.transaction_cases import BRANCH, TCP, UDP, Drive, describe, request, response


def words(actions: list[Action]) -> list[str]:
    return [describe(a) for a in actions]


def delivered(actions: list[Action]) -> ServerKey:
    (action,) = actions
    assert isinstance(action, DeliverRequest)
    return action.key


def sent(actions: list[Action]) -> Response:
    (action,) = actions
    assert isinstance(action, Send)
    assert isinstance(action.message, Response)
    return action.message


class TestClientMatching:
    """§17.1.3, §18.1.2."""

    def test_by_branch_method_and_sent_by(self) -> None:
        layer = TransactionLayer()
        invite = request()
        key, _ = layer.request(invite, UDP, 0.0)
        assert key == ClientKey(BRANCH, "INVITE")
        for stranger in (
            request(branch="z9hG4bKother"),
            request("BYE"),
            request(sent_by="192.0.2.9:5060"),
            request(sent_by="192.0.2.1:5070"),
        ):
            assert layer.receive_response(response(180, stranger), 0.1) == []
        assert words(layer.receive_response(response(180, invite), 0.1)) == ["up 180"]

    def test_a_response_that_nobody_waits_for_is_dropped(self) -> None:
        assert TransactionLayer().receive_response(response(200), 0.0) == []


class TestServerMatching:
    """§17.2.3."""

    def test_same_branch_and_sent_by_is_a_retransmission(self) -> None:
        layer = TransactionLayer()
        delivered(layer.receive(request("OPTIONS"), UDP, 0.0))
        assert layer.receive(request("OPTIONS"), UDP, 0.1) == []
        assert len(layer) == 1

    @pytest.mark.parametrize(
        "other",
        [
            request("OPTIONS", branch="z9hG4bKother", call_id="x"),
            request("OPTIONS", sent_by="192.0.2.9", call_id="x"),
            request("MESSAGE"),
        ],
        ids=["branch", "sent-by", "method"],
    )
    def test_another_branch_sent_by_or_method_is_another_transaction(self, other: Request) -> None:
        layer = TransactionLayer()
        layer.receive(request("OPTIONS"), UDP, 0.0)
        delivered(layer.receive(other, UDP, 0.1))

    @pytest.mark.parametrize("branch", ["", "1", "z9hG4bK"], ids=["none", "no cookie", "nothing after the cookie"])
    def test_without_a_magic_cookie_the_fields_of_RFC_2543_decide(self, branch: str) -> None:
        layer = TransactionLayer()
        key = delivered(layer.receive(request(branch=branch), UDP, 0.0))
        again = request(branch=branch, via_params=";received=192.0.2.2")
        assert words(layer.receive(again, UDP, 0.05)) == ["send 100"]
        assert words(layer.respond(key, response(486), 0.1)) == ["send 486"]
        assert layer.receive(request("ACK", branch=branch, to_tag="callee"), UDP, 0.2) == []
        drive = Drive(layer)
        drive.run(100)
        assert drive.log == [(5.2, "ended")]  # timer I: the ACK found its INVITE
        delivered(layer.receive(request(branch=branch, cseq=2), UDP, 200.0))

    def test_CANCEL_finds_its_INVITE_without_a_magic_cookie(self) -> None:
        layer = TransactionLayer()
        layer.receive(request(branch=""), UDP, 0.0)
        assert words(layer.receive(request("CANCEL", branch=""), UDP, 0.1)) == ["send 200", "up CANCEL"]

    def test_the_ACK_to_a_2xx_is_found_by_the_dialog_whatever_its_branch(self) -> None:
        layer = TransactionLayer()
        key = delivered(layer.receive(request(), UDP, 0.0))
        layer.respond(key, response(200), 0.1)
        for stranger in (
            request("ACK", branch="z9hG4bKa", to_tag="other"),
            request("ACK", branch="z9hG4bKa", to_tag="callee", cseq=2),
            request("ACK", branch="z9hG4bKa", to_tag="callee", from_tag="other"),
        ):
            assert layer.receive(stranger, UDP, 0.2) == []
        ack = request("ACK", branch="z9hG4bKa", to_tag="callee")
        assert words(layer.receive(ack, UDP, 0.2)) == ["up ACK"]
        assert layer.receive(ack, UDP, 0.3) == []

    def test_the_ACK_to_a_2xx_with_the_branch_of_the_INVITE_is_taken_too(self) -> None:
        layer = TransactionLayer()
        layer.respond(delivered(layer.receive(request(), UDP, 0.0)), response(200), 0.1)
        assert words(layer.receive(request("ACK", to_tag="callee"), UDP, 0.2)) == ["up ACK"]

    def test_an_ACK_to_nothing_is_dropped(self) -> None:
        assert TransactionLayer().receive(request("ACK"), UDP, 0.0) == []


class TestCancelServer:
    """§9.2."""

    def test_it_is_answered_here_and_goes_up_for_the_INVITE(self) -> None:
        layer = TransactionLayer()
        key = delivered(layer.receive(request(), UDP, 0.0))
        layer.respond(key, response(180), 0.1)
        send, cancelled = layer.receive(request("CANCEL", fields=[("Reason", "SIP;cause=200")]), UDP, 0.2)
        assert isinstance(cancelled, Cancelled)
        assert cancelled.key == key
        assert cancelled.request is not None
        assert cancelled.request.headers.get("Reason") == "SIP;cause=200"
        assert sent([send]).to.tag == "callee"  # the tag of the INVITE's responses
        assert words(layer.receive(request("CANCEL"), UDP, 0.3)) == ["send 200"]

    def test_after_the_final_response_it_is_answered_and_has_no_effect(self) -> None:
        layer = TransactionLayer()
        layer.respond(delivered(layer.receive(request(), UDP, 0.0)), response(200), 0.1)
        assert words(layer.receive(request("CANCEL"), UDP, 0.2)) == ["send 200"]

    def test_from_another_address_it_cancels_nothing_and_leaves_nothing(self) -> None:
        layer = TransactionLayer()
        layer.receive(request(), UDP, 0.0)
        stranger = layer.receive(request("CANCEL"), UDP._replace(remote_host="192.0.2.99"), 0.1)
        assert words(stranger) == ["send 481"]
        assert len(layer) == 1
        moved = UDP._replace(remote_port=5099)  # as behind a NAT
        assert words(layer.receive(request("CANCEL"), moved, 0.2)) == ["send 200", "up CANCEL"]

    def test_without_an_INVITE_it_gets_481(self) -> None:
        layer = TransactionLayer()
        answer = sent(layer.receive(request("CANCEL"), UDP, 0.0))
        assert answer.status == 481
        assert answer.to.tag


class TestCancelClient:
    """§9.1, the part that the layer has in it."""

    def test_the_CANCEL_is_repeated_and_its_own_fate_stays_here(self) -> None:
        layer = TransactionLayer()
        drive = Drive(layer)
        key, _ = layer.request(request(), UDP, 0.0)
        layer.receive_response(response(180), 0.1)
        drive.note(layer.cancel(key, [("Reason", "x")], 1.0), 1.0)
        drive.run(2.0)
        assert drive.log == [(1.0, "send CANCEL"), (1.5, "send CANCEL")]
        assert layer.receive_response(response(200, request("CANCEL")), 2.0) == []
        assert words(layer.receive_response(response(487), 2.0)) == ["send ACK", "up 487"]
        drive.run(100)
        assert drive.times("send CANCEL") == [1.0, 1.5]
        assert len(layer) == 0

    def test_an_unanswered_CANCEL_ends_the_INVITE_once(self) -> None:
        layer = TransactionLayer()
        drive = Drive(layer)
        key, _ = layer.request(request(), UDP, 0.0)
        layer.receive_response(response(180), 0.1)
        layer.cancel(key, [], 1.0)
        drive.run(1000)
        assert [entry for entry in drive.log if "send" not in entry[1]] == [(33.0, "failed TIMEOUT"), (33.0, "ended")]
        assert len(layer) == 0

    def test_nothing_but_an_INVITE_can_be_cancelled(self) -> None:
        layer = TransactionLayer()
        key, _ = layer.request(request("OPTIONS"), UDP, 0.0)
        assert layer.cancel(key, [], 0.1) == []
        assert layer.cancel(ClientKey("z9hG4bKgone", "INVITE"), [], 0.1) == []


class TestMergedRequests:
    """§8.2.2.2."""

    def test_a_copy_over_another_path_gets_482_and_costs_nothing(self) -> None:
        layer = TransactionLayer()
        layer.receive(request(), UDP, 0.0)
        answer = sent(layer.receive(request(branch="z9hG4bKother"), UDP, 0.1))
        assert answer.status == 482
        assert len(layer) == 1
        assert layer.receive(request("ACK", branch="z9hG4bKother", to_tag=answer.to.tag or ""), UDP, 0.2) == []

    @pytest.mark.parametrize(
        "other",
        [
            request(branch="z9hG4bKother", cseq=2),
            request(branch="z9hG4bKother", from_tag="other"),
            request(branch="z9hG4bKother", call_id="other"),
            request(branch="z9hG4bKother", to_tag="callee"),
        ],
        ids=["cseq", "from tag", "call-id", "within a dialog"],
    )
    def test_another_request_is_none(self, other: Request) -> None:
        layer = TransactionLayer()
        layer.receive(request(), UDP, 0.0)
        delivered(layer.receive(other, UDP, 0.1))

    def test_when_the_first_is_over_a_copy_is_a_new_request(self) -> None:
        layer = TransactionLayer()
        layer.respond(delivered(layer.receive(request("OPTIONS"), UDP, 0.0)), response(200, request("OPTIONS")), 0.0)
        Drive(layer).run(100)
        delivered(layer.receive(request("OPTIONS", branch="z9hG4bKother"), UDP, 100.0))


class TestCaps:
    """A flood costs little."""

    def flood(self, layer: TransactionLayer, count: int, source: Hop) -> list[str]:
        return [
            words(
                layer.receive(request(branch=f"z9hG4bK{source.remote_host}{n}", call_id=f"{source}{n}"), source, 0.0)
            )[0]
            for n in range(count)
        ]

    def test_one_source_fills_its_share_and_no_more(self) -> None:
        layer = TransactionLayer(caps=Caps(total=10, per_source=3))
        assert self.flood(layer, 5, UDP) == ["up INVITE"] * 3 + ["send 503"] * 2
        assert self.flood(layer, 3, UDP._replace(remote_host="192.0.2.3")) == ["up INVITE"] * 3
        assert len(layer) == 6

    def test_all_sources_fill_the_total_and_no_more_and_the_answer_says_when_to_come_back(self) -> None:
        layer = TransactionLayer(caps=Caps(total=4, per_source=3))
        for n in range(3):
            self.flood(layer, 2, UDP._replace(remote_host=f"192.0.2.{n}"))
        assert len(layer) == 4
        assert sent(layer.receive(request(branch="z9hG4bKx", call_id="x"), UDP, 0.0)).headers.get("Retry-After")

    def test_a_REGISTER_belongs_to_no_dialog_whatever_tag_it_repeats(self) -> None:
        layer = TransactionLayer(caps=Caps(per_source=1))
        delivered(layer.receive(request("REGISTER", to_tag="old"), UDP, 0.0))
        other = request("REGISTER", to_tag="old", branch="z9hG4bKx", call_id="x")
        assert words(layer.receive(other, UDP, 0.0)) == ["send 503"]

    def test_a_request_within_a_dialog_always_finds_room(self) -> None:
        layer = TransactionLayer(caps=Caps(total=1, per_source=1))
        self.flood(layer, 2, UDP)
        delivered(layer.receive(request("BYE", to_tag="callee"), UDP, 0.0))

    def test_room_comes_back_when_transactions_end(self) -> None:
        layer = TransactionLayer(caps=Caps(total=2, per_source=1))
        key = delivered(layer.receive(request(), UDP, 0.0))
        layer.respond(key, response(401), 0.0)
        layer.receive(request("ACK", to_tag="callee"), UDP, 0.0)
        layer.tick(Timers().i(reliable=False))
        assert len(layer) == 0
        assert layer.deadline is None
        assert self.flood(layer, 1, UDP) == ["up INVITE"]


def test_a_transport_failure_ends_all_and_only_what_waits_for_that_far_end() -> None:
    layer = TransactionLayer()
    elsewhere = UDP._replace(remote_port=5070)
    for n, hop in enumerate((UDP, UDP, elsewhere, TCP)):
        layer.request(request("OPTIONS", branch=f"z9hG4bK{n}"), hop, 0.0)
    assert words(layer.transport_failed(UDP.remote, 0.1)) == ["failed TRANSPORT", "ended"] * 2
    assert len(layer) == 2
    assert layer.transport_failed(UDP.remote, 0.2) == []


def test_a_stream_that_is_gone_concerns_the_INVITEs_that_came_over_it() -> None:
    layer = TransactionLayer()
    far = TCP._replace(remote_port=40000)
    named = far._replace(remote_port=5060)
    first, second = (request(branch=f"z9hG4bK{n}", call_id=f"c{n}") for n in range(2))
    delivered(layer.receive(first, far, 0.0))
    key = delivered(layer.receive(second, far, 0.0))
    layer.receive(request("OPTIONS", branch="z9hG4bKo"), far, 0.0)
    layer.receive(request(branch="z9hG4bKx", call_id="cx"), far._replace(remote_port=40001), 0.0)
    layer.respond(key, response(200, second), 0.0)
    assert words(layer.transport_failed(far.remote, 0.1)) == ["send 100", "send 200"]  # by the port in the Via
    assert layer.transport_failed(far.remote, 0.2) == []
    assert words(layer.transport_failed(named.remote, 0.3)) == ["sender gone", "no ACK", "ended"]


def test_a_datagram_that_is_refused_changes_nothing_for_who_sent_an_INVITE() -> None:
    layer = TransactionLayer()
    key = delivered(layer.receive(request(), UDP, 0.0))
    layer.respond(key, response(180), 0.0)
    assert layer.transport_failed(UDP.remote, 0.1) == []


def test_an_ACK_that_belongs_to_no_accepted_INVITE_is_merely_sent() -> None:
    layer = TransactionLayer()
    assert words(layer.acknowledge(request("ACK", to_tag="callee"), UDP)) == ["send ACK"]


def test_answering_what_is_over_does_nothing() -> None:
    layer = TransactionLayer()
    key = delivered(layer.receive(request("OPTIONS"), TCP, 0.0))
    layer.respond(key, response(200, request("OPTIONS")), 0.0)
    Drive(layer).run(1.0)
    assert layer.respond(key, response(404, request("OPTIONS")), 1.0) == []
