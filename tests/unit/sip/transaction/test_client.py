"""The non-INVITE client transaction, state by state (RFC 3261 §17.1.2)."""

import pytest

from ringdove.sip.hop import Hop
from ringdove.sip.transaction import ClientKey, Timers
from ringdove.sip.transaction.client import Client, State
from ringdove.sip.transaction.schedule import Schedule
from unit.sip.transaction.transaction_cases import BRANCH, TCP, UDP, Drive, describe, request, response

BYE = request("BYE", to_tag="callee")


def started(hop: Hop = UDP) -> tuple[Client, Drive]:
    machine = Client(ClientKey(BRANCH, "BYE"), BYE, hop, Timers(), Schedule())
    drive = Drive(machine)
    drive.note(machine.start(0.0), 0.0)
    return machine, drive


def test_timer_E_doubles_up_to_T2_and_timer_F_ends_it() -> None:
    machine, drive = started()
    drive.run(100)
    assert drive.times("send BYE") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert drive.log[-2:] == [(32.0, "failed TIMEOUT"), (32.0, "ended")]
    assert machine.deadline is None


def test_a_reliable_transport_sends_once() -> None:
    _, drive = started(TCP)
    drive.run(100)
    assert drive.log == [(0.0, "send BYE"), (32.0, "failed TIMEOUT"), (32.0, "ended")]


def test_a_provisional_response_slows_timer_E_to_T2_and_leaves_timer_F() -> None:
    machine, drive = started()
    drive.note(machine.receive(response(100, BYE), 0.1), 0.1)
    drive.run(100)
    assert drive.times("send BYE") == [0, 0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5]
    assert drive.times("failed TIMEOUT") == [32.0]


@pytest.mark.parametrize(("hop", "linger"), [(UDP, 5.0), (TCP, 0.0)])
@pytest.mark.parametrize("status", [200, 404, 481, 503])
def test_the_final_response_goes_up_once_and_timer_K_ends_it(hop: Hop, linger: float, status: int) -> None:
    machine, drive = started(hop)
    drive.note(machine.receive(response(status, BYE), 1.0), 1.0)
    drive.note(machine.receive(response(status, BYE), 1.0), 1.0)
    assert machine.state is State.COMPLETED
    drive.run(100)
    assert drive.log == [(0.0, "send BYE"), (1.0, f"up {status}"), (1.0 + linger, "ended")]


def test_a_transport_failure_counts_only_while_waiting() -> None:
    machine, _ = started()
    assert [describe(a) for a in machine.transport_failed()] == ["failed TRANSPORT", "ended"]
    machine, _ = started()
    machine.receive(response(200, BYE), 1.0)
    assert machine.transport_failed() == []
