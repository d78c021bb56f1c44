"""Who is let in, and what all others are told at the door."""

import pytest

from ringdove.guard.guard import Guard
from ringdove.registrar import Authenticator
from ringdove.registrar.doorman import ALLOW, Doorman
from ringdove.sip.digest import Realm, authorize
from ringdove.sip.headers import Headers
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request
from ringdove.sip.transaction.keys import stateless_tag
from ringdove.store import Store

HERE = Hop("udp", "192.0.2.7", 5060, "192.0.2.1", 5060)
ELSEWHERE = Hop("udp", "192.0.2.8", 5060, "192.0.2.1", 5060)


class House:
    """A doorman, and whether calls are taken; its store is asked nothing."""

    def __init__(self) -> None:
        self.is_ready = True
        store: Store = None  # type: ignore[assignment]
        guard = Guard()
        self.doorman = Doorman(
            guard, Authenticator(store, Realm("ringdove"), guard), lambda: self.is_ready, events=["message-summary"]
        )

    def status(self, request: Request, source: Hop = HERE) -> int | None:
        answer = self.doorman.answer(request, source)
        assert answer is None or answer.to.tag == stateless_tag(request)
        return None if answer is None else answer.status

    def proof(self, request: Request, password: str) -> str:
        answer = self.doorman.answer(request, HERE)
        assert answer is not None
        challenges = answer.headers.get_all("WWW-Authenticate")
        return authorize(challenges, "1000", password, request.method, request.uri)


def request(method: str, *, to: str = "<sip:1000@pbx>", proof: str = "", event: str = "message-summary") -> Request:
    fields = [("Via", "SIP/2.0/UDP a;branch=z9hG4bKa"), ("From", "<sip:a@pbx>;tag=a"), ("To", to)]
    fields += [("Call-ID", "1"), ("CSeq", f"1 {method}"), *([("Authorization", proof)] if proof else [])]
    if method == "SUBSCRIBE" and event:
        fields.append(("Event", event))
    return Request(method, "sip:1000@pbx", Headers(fields))


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "SUBSCRIBE"])
def test_what_costs_something_wants_a_password_and_any_that_can_be_right_is_let_in(method: str) -> None:
    house = House()
    assert house.status(request(method)) == 401
    proven = request(method, proof=house.proof(request(method), "whatever"))
    assert house.status(proven) is None
    assert house.status(proven, ELSEWHERE) == 401


def test_OPTIONS_is_answered_with_whether_calls_are_taken() -> None:
    house = House()
    assert house.status(request("OPTIONS")) == 200
    house.is_ready = False
    assert house.status(request("OPTIONS")) == 503


def test_where_no_calls_are_taken_a_caller_is_told_when_to_come_back_and_not_asked_for_a_password() -> None:
    house = House()
    house.is_ready = False
    for method in ("INVITE", "SUBSCRIBE"):
        answer = house.doorman.answer(request(method), HERE)
        assert answer is not None
        assert (answer.status, answer.headers.get("Retry-After")) == (503, "30")
    assert house.status(request("REGISTER")) == 401


@pytest.mark.parametrize(("method", "status"), [("NOTIFY", 405), ("MESSAGE", 405), ("REFER", 405), ("WHATEVER", 501)])
def test_what_is_not_served_is_said_to_be_so(method: str, status: int) -> None:
    answer = House().doorman.answer(request(method), HERE)
    assert answer is not None
    assert (answer.status, answer.headers.get("Allow")) == (status, ALLOW)


@pytest.mark.parametrize("event", ["", "presence", "dialog;id=1", "message-summary-2"])
def test_what_cannot_be_subscribed_to_is_told_before_a_password_is_asked_for(event: str) -> None:
    answer = House().doorman.answer(request("SUBSCRIBE", event=event), HERE)
    assert answer is not None
    assert (answer.status, answer.headers.get("Allow-Events")) == (489, "message-summary")


def test_a_REGISTER_that_no_password_makes_good_is_refused() -> None:
    assert House().status(request("REGISTER", to="<isbn:2983792873>")) == 400
