"""The INVITE client transaction, state by state (RFC 3261 §17.1.1, RFC 6026 figure 5)."""

import pytest

from ringdove.sip.hop import Hop
from ringdove.sip.message import Request
from ringdove.sip.transaction import ClientKey, DeliverResponse, Failed, Failure, Send, Timers
from ringdove.sip.transaction.actions import StartCancel
from ringdove.sip.transaction.invite_client import MAX_ANSWERS, InviteClient, State
from ringdove.sip.transaction.keys import dialog_transaction
from ringdove.sip.transaction.schedule import Schedule
from unit.sip.transaction.transaction_cases import BRANCH, TCP, UDP, Drive, describe, request, response


def started(hop: Hop = UDP, invite: Request | None = None) -> tuple[InviteClient, Drive]:
    machine = InviteClient(ClientKey(BRANCH, "INVITE"), invite or request(), hop, Timers(), Schedule())
    drive = Drive(machine)
    drive.note(machine.start(0.0), 0.0)
    return machine, drive


def test_timer_A_doubles_without_bound_and_timer_B_ends_it_after_64_T1() -> None:
    machine, drive = started()
    drive.run(100)
    assert drive.times("send INVITE") == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert drive.log[-2:] == [(32.0, "failed TIMEOUT"), (32.0, "ended")]
    assert machine.is_over
    assert machine.deadline is None


def test_a_reliable_transport_sends_the_INVITE_once() -> None:
    _, drive = started(TCP)
    drive.run(100)
    assert drive.log == [(0.0, "send INVITE"), (32.0, "failed TIMEOUT"), (32.0, "ended")]


def test_a_provisional_response_stops_both_timers_for_good() -> None:
    machine, drive = started()
    drive.note(machine.receive(response(100), 0.1), 0.1)
    drive.run(10_000)
    assert drive.log == [(0.0, "send INVITE"), (0.1, "up 100")]
    assert machine.state is State.PROCEEDING


@pytest.mark.parametrize("before", [[], [100], [180, 183]])
@pytest.mark.parametrize("status", [302, 404, 486, 503, 603])
def test_a_failure_is_acknowledged_here_and_handed_up_once(before: list[int], status: int) -> None:
    machine, _ = started()
    for provisional in before:
        machine.receive(response(provisional), 1.0)
    assert [describe(a) for a in machine.receive(response(status), 2.0)] == ["send ACK", f"up {status}"]
    assert machine.state is State.COMPLETED
    assert [describe(a) for a in machine.receive(response(status), 3.0)] == ["send ACK"]
    assert machine.receive(response(180), 3.0) == []
    assert machine.receive(response(200), 3.0) == []


@pytest.mark.parametrize(("hop", "linger"), [(UDP, 32.0), (TCP, 0.0)])
def test_timer_D_ends_Completed(hop: Hop, linger: float) -> None:
    machine, drive = started(hop)
    machine.receive(response(486), 1.0)
    drive.run(100)
    assert drive.times("ended") == [1.0 + linger]


def test_every_2xx_goes_up_while_Accepted_until_timer_M() -> None:
    machine, drive = started()
    drive.note(machine.receive(response(200, tag="one"), 1.0), 1.0)
    drive.note(machine.receive(response(200, tag="one"), 1.5), 1.5)
    drive.note(machine.receive(response(200, tag="two"), 2.0), 2.0)
    drive.note(machine.receive(response(180), 2.0), 2.0)
    drive.note(machine.receive(response(486), 2.0), 2.0)
    drive.run(100)
    assert drive.times("up 200") == [1.0, 1.5, 2.0]
    assert drive.log[-1] == (33.0, "ended")
    assert len(drive.log) == 5


def test_an_acknowledged_2xx_is_acknowledged_again_by_itself_and_others_go_up() -> None:
    machine, _ = started()
    machine.receive(response(200, tag="one"), 1.0)
    ack = request("ACK", branch="z9hG4bKack", to_tag="one")
    machine.acknowledged(dialog_transaction(ack), Send(ack, ack.to_bytes(), UDP))
    (again,) = machine.receive(response(200, tag="one"), 1.5)
    assert isinstance(again, Send)
    assert again.data == ack.to_bytes()
    (other,) = machine.receive(response(200, tag="two"), 1.6)
    assert isinstance(other, DeliverResponse)


def test_a_flood_of_2xx_with_ever_new_tags_is_cut_off() -> None:
    machine, _ = started()
    up = [a for n in range(100) for a in machine.receive(response(200, tag=f"t{n}"), 1.0)]
    assert len(up) == len(machine.answers) == MAX_ANSWERS


def test_the_ACK_to_a_failure_copies_what_17_1_1_3_says() -> None:
    invite = request(fields=[("Route", "<sip:p1;lr>"), ("Route", "<sip:p2;lr>"), ("Proxy-Authorization", "Digest x")])
    machine, _ = started(invite=invite)
    send = machine.receive(response(407, invite, tag="far"), 1.0)[0]
    assert isinstance(send, Send)
    assert send.hop is UDP
    ack = send.message
    assert isinstance(ack, Request)
    assert (ack.method, ack.uri) == ("ACK", invite.uri)
    assert [str(v) for v in ack.vias] == [str(invite.via)]
    assert ack.to.tag == "far"
    assert str(ack.cseq) == "1 ACK"
    assert ack.headers.get("From") == invite.headers.get("From")
    assert ack.call_id == invite.call_id
    assert ack.headers.get_all("Route") == invite.headers.get_all("Route")
    assert ack.headers.get("Proxy-Authorization") == "Digest x"


@pytest.mark.parametrize("status", [None, 180])
def test_a_transport_failure_ends_a_waiting_INVITE_at_once(status: int | None) -> None:
    machine, _ = started()
    if status:
        machine.receive(response(status), 0.1)
    failed, _ = machine.transport_failed()
    assert failed == Failed(machine.key, Failure.TRANSPORT)
    assert failed.failure.status == 503
    assert machine.is_over


@pytest.mark.parametrize("status", [200, 486])
def test_a_transport_failure_after_the_final_response_says_nothing(status: int) -> None:
    machine, _ = started()
    machine.receive(response(status), 0.1)
    assert machine.transport_failed() == []
    assert not machine.is_over


class TestCancel:
    """§9.1."""

    REASON = ("Reason", 'SIP;cause=200;text="Call completed elsewhere"')

    def test_it_waits_for_the_first_provisional_and_carries_its_fields(self) -> None:
        machine, drive = started(invite=(invite := request(fields=[("Route", "<sip:p1;lr>"), ("Subject", "x")])))
        assert machine.cancel([self.REASON], 0.2) == []
        drive.run(4.0)
        assert drive.times("send INVITE") == [0, 0.5, 1.5, 3.5]
        deliver, start = machine.receive(response(100), 4.0)
        assert isinstance(deliver, DeliverResponse)
        assert isinstance(start, StartCancel)
        cancel = start.request
        assert (cancel.method, cancel.uri, str(cancel.cseq)) == ("CANCEL", invite.uri, "1 CANCEL")
        assert [str(v) for v in cancel.vias] == [str(invite.via)]
        for name in ("From", "To", "Call-ID", "Route"):
            assert cancel.headers.get(name) == invite.headers.get(name)
        assert cancel.headers.get("Reason") == self.REASON[1]
        assert "Subject" not in cancel.headers

    def test_it_goes_out_at_once_after_a_provisional_and_only_once(self) -> None:
        machine, _ = started()
        machine.receive(response(180), 1.0)
        assert len(machine.cancel([], 2.0)) == 1
        assert machine.cancel([], 2.1) == []
        assert [describe(a) for a in machine.receive(response(180), 2.2)] == ["up 180"]

    @pytest.mark.parametrize("status", [200, 486])
    def test_none_goes_out_when_the_final_response_comes_first(self, status: int) -> None:
        machine, drive = started()
        machine.cancel([], 0.2)
        drive.note(machine.receive(response(status), 0.3), 0.3)
        assert f"up {status}" in [what for _, what in drive.log]
        assert machine.cancel([], 0.4) == []

    def test_without_a_final_response_the_transaction_ends_64_T1_after_the_CANCEL(self) -> None:
        machine, drive = started()
        machine.receive(response(180), 1.0)
        machine.cancel([], 2.0)
        drive.run(100)
        assert drive.log[1:] == [(34.0, "failed TIMEOUT"), (34.0, "ended")]

    def test_487_after_CANCEL_is_an_ordinary_final_response(self) -> None:
        machine, drive = started()
        machine.receive(response(180), 1.0)
        machine.cancel([], 2.0)
        drive.note(machine.receive(response(487), 2.1), 2.1)
        drive.run(100)
        assert drive.log[1:] == [(2.1, "send ACK"), (2.1, "up 487"), (34.1, "ended")]

    def test_a_200_that_crosses_the_CANCEL_goes_up(self) -> None:
        machine, _ = started()
        machine.receive(response(180), 1.0)
        machine.cancel([], 2.0)
        assert [describe(a) for a in machine.receive(response(200), 2.1)] == ["up 200"]
