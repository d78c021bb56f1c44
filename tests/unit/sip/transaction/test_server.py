"""The non-INVITE server transaction, state by state (RFC 3261 §17.2.2)."""

import pytest

from ringdove.sip.hop import Hop
from ringdove.sip.transaction import Send, Timers
from ringdove.sip.transaction.keys import server_key
from ringdove.sip.transaction.schedule import Schedule
from ringdove.sip.transaction.server import Server, State
from unit.sip.transaction.transaction_cases import TCP, UDP, Drive, describe, request, response

OPTIONS = request("OPTIONS")


def started(source: Hop = UDP) -> tuple[Server, Drive]:
    machine = Server(server_key(OPTIONS), OPTIONS, source, Timers(), Schedule())
    drive = Drive(machine)
    drive.note(machine.start(0.0), 0.0)
    return machine, drive


def test_retransmissions_get_nothing_then_the_latest_response() -> None:
    machine, _ = started()
    assert machine.receive(0.5) == []
    machine.respond(response(100, OPTIONS), 0.6)
    assert [describe(a) for a in machine.receive(0.7)] == ["send 100"]
    machine.respond(response(200, OPTIONS), 0.8)
    assert [describe(a) for a in machine.receive(0.9)] == ["send 200"]
    assert machine.state is State.COMPLETED


@pytest.mark.parametrize(("source", "linger"), [(UDP, 32.0), (TCP, 0.0)])
def test_timer_J_ends_Completed(source: Hop, linger: float) -> None:
    machine, drive = started(source)
    drive.note(machine.respond(response(200, OPTIONS), 1.0), 1.0)
    drive.run(100)
    assert drive.log == [(0.0, "up OPTIONS"), (1.0, "send 200"), (1.0 + linger, "ended")]


def test_only_the_first_final_response_goes_out() -> None:
    machine, _ = started()
    machine.respond(response(200, OPTIONS), 1.0)
    assert machine.respond(response(404, OPTIONS), 1.1) == []
    assert machine.respond(response(100, OPTIONS), 1.1) == []


def test_a_retransmission_is_the_same_octets() -> None:
    machine, _ = started()
    (first,) = machine.respond(response(200, OPTIONS), 1.0)
    (again,) = machine.receive(2.0)
    assert isinstance(first, Send)
    assert isinstance(again, Send)
    assert (again.data, again.hop, again.otherwise) == (first.data, first.hop, first.otherwise)
    assert again.message.to_bytes() == first.data
