"""The INVITE server transaction, state by state (RFC 3261 §17.2.1 and §13.3.1.4, RFC 6026 figure 7)."""

import pytest

from ringdove.sip.hop import Hop
from ringdove.sip.transaction import Send, Timers
from ringdove.sip.transaction.invite_server import InviteServer, State
from ringdove.sip.transaction.keys import server_key
from ringdove.sip.transaction.schedule import Schedule
from unit.sip.transaction.transaction_cases import TCP, UDP, Drive, describe, request, response

INVITE = request()
ACK = request("ACK", to_tag="callee")
CANCEL = request("CANCEL")


def started(source: Hop = UDP) -> tuple[InviteServer, Drive]:
    machine = InviteServer(server_key(INVITE), INVITE, source, Timers(), Schedule())
    drive = Drive(machine)
    drive.note(machine.start(0.0), 0.0)
    return machine, drive


def test_100_goes_out_by_itself_after_200_ms() -> None:
    _, drive = started()
    drive.run(1000)
    assert drive.log == [(0.0, "up INVITE"), (0.2, "send 100")]


def test_an_early_retransmission_gets_its_100_at_once_and_no_second_one() -> None:
    machine, drive = started()
    drive.note(machine.receive(0.1), 0.1)
    drive.run(1000)
    assert drive.times("send 100") == [0.1]


@pytest.mark.parametrize("status", [180, 200, 486])
def test_no_100_where_something_else_was_said_before(status: int) -> None:
    machine, drive = started()
    drive.note(machine.respond(response(status), 0.1), 0.1)
    drive.run(1000)
    assert drive.times("send 100") == []


def test_a_retransmitted_INVITE_gets_the_latest_provisional() -> None:
    machine, _ = started()
    machine.respond(response(180), 0.1)
    machine.respond(response(183), 0.2)
    assert [describe(a) for a in machine.receive(0.5)] == ["send 183"]


def test_timer_G_repeats_a_failure_up_to_T2_until_timer_H_gives_up() -> None:
    machine, drive = started()
    drive.note(machine.respond(response(486), 0.0), 0.0)
    drive.run(100)
    assert drive.times("send 486") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert drive.log[-1] == (32.0, "ended")
    assert machine.deadline is None


def test_a_reliable_transport_sends_a_failure_once() -> None:
    machine, drive = started(TCP)
    drive.note(machine.respond(response(486), 0.0), 0.0)
    drive.run(100)
    assert drive.log == [(0.0, "up INVITE"), (0.0, "send 486"), (32.0, "ended")]


@pytest.mark.parametrize(("source", "linger"), [(UDP, 5.0), (TCP, 0.0)])
def test_the_ACK_to_a_failure_is_absorbed_here_and_timer_I_ends_it(source: Hop, linger: float) -> None:
    machine, drive = started(source)
    machine.respond(response(486), 0.0)
    assert [describe(a) for a in machine.receive(0.1)] == ["send 486"]
    assert machine.acknowledge(ACK, 0.2) == []
    assert machine.state is State.CONFIRMED
    assert machine.acknowledge(ACK, 0.2) == []
    assert machine.receive(0.2) == []
    drive.run(100)
    assert drive.log[1:] == [(0.2 + linger, "ended")]


@pytest.mark.parametrize("source", [UDP, TCP])
def test_a_2xx_is_repeated_on_every_transport_and_missing_ACKs_are_reported_after_64_T1(source: Hop) -> None:
    machine, drive = started(source)
    drive.note(machine.respond(response(200), 0.0), 0.0)
    drive.run(100)
    assert drive.times("send 200") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert drive.log[-2:] == [(32.0, "no ACK"), (32.0, "ended")]


def test_the_ACK_ends_the_repetition_and_goes_up_once() -> None:
    machine, drive = started()
    machine.respond(response(200), 0.0)
    drive.note(machine.acknowledge(ACK, 0.7), 0.7)
    drive.note(machine.acknowledge(ACK, 0.8), 0.8)
    drive.run(100)
    assert drive.log[1:] == [(0.7, "up ACK"), (32.0, "ended")]


@pytest.mark.parametrize("acknowledged", [False, True])
def test_Accepted_absorbs_retransmitted_INVITEs(acknowledged: bool) -> None:
    machine, _ = started()
    machine.respond(response(200), 0.0)
    if acknowledged:
        machine.acknowledge(ACK, 0.1)
    assert machine.receive(0.5) == []


@pytest.mark.parametrize("first", [200, 486])
def test_only_the_first_final_response_goes_out(first: int) -> None:
    machine, _ = started()
    machine.respond(response(first), 0.1)
    for late in (180, 200, 487):
        assert machine.respond(response(late), 0.2) == []


def test_CANCEL_goes_up_only_before_the_final_response() -> None:
    machine, _ = started()
    assert [describe(a) for a in machine.cancel(CANCEL)] == ["up CANCEL"]
    machine.respond(response(487), 0.1)
    assert machine.cancel(CANCEL) == []


@pytest.mark.parametrize("said", [None, 180])
def test_who_cannot_be_reached_any_more_before_the_answer_has_cancelled(said: int | None) -> None:
    machine, _ = started(TCP)
    if said is not None:
        machine.respond(response(said), 0.1)
    assert [describe(a) for a in machine.transport_failed()] == ["sender gone"]
    machine.respond(response(487), 0.2)
    assert machine.transport_failed() == []


def test_an_ACK_that_cannot_come_any_more_is_not_waited_for() -> None:
    machine, _ = started(TCP)
    machine.respond(response(200), 0.1)
    assert [describe(a) for a in machine.transport_failed()] == ["no ACK", "ended"]
    assert machine.deadline is None


def test_after_the_ACK_the_connection_does_not_matter() -> None:
    machine, _ = started(TCP)
    machine.respond(response(200), 0.1)
    machine.acknowledge(ACK, 0.2)
    assert machine.transport_failed() == []


@pytest.mark.parametrize(("said", "again"), [(None, "send 100"), (180, "send 180"), (200, "send 200")])
def test_18_2_2_a_connection_that_is_gone_is_replaced_by_the_port_in_the_Via(said: int | None, again: str) -> None:
    machine, drive = started(TCP._replace(remote_host="192.0.2.1", remote_port=40000))
    if said is not None:
        machine.respond(response(said), 0.1)
    (send,) = machine.transport_failed()
    assert isinstance(send, Send)
    assert describe(send) == again
    assert (send.hop.remote, send.otherwise) == (("tcp", "192.0.2.1", 5060), None)
    assert machine.far_end == send.hop.remote
    drive.run(1.0)
    assert {action for _, action in drive.log[1:]} == ({"send 200"} if said == 200 else set())
    assert describe(machine.transport_failed()[0]) == ("no ACK" if said == 200 else "sender gone")
