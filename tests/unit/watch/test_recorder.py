"""What is kept of the SIP messages of calls, and that no flood moves its limits."""

from itertools import count

import pytest

from ringdove.events.bus import Bus
from ringdove.events.types import CallBegan, CallOver, LegBegan
from ringdove.model.ladder import Ladder
from ringdove.model.story import Party, Story
from ringdove.net.passage import Direction, Passage
from ringdove.sip.headers import Headers
from ringdove.sip.hop import Hop
from ringdove.sip.message import Message, Request
from ringdove.watch.recorder import LONGEST_WAITING, OCTETS_PER_CALL, OVERHEAD, WAITING, Recorder

ALICE, BOB = Party(number="2001"), Party(number="2002")
PHONE = Hop("udp", "192.0.2.7", 5060, "192.0.2.1", 5060)


def request(method: str, call_id: str, cseq: int = 1, padding: int = 0) -> Request:
    fields = [("Call-ID", call_id), ("CSeq", f"{cseq} {method}"), ("X-Padding", "x" * padding)]
    return Request(method, "sip:6300@192.0.2.1", Headers.of_canonical(fields))


class Wire:
    """Shows messages to a recorder, one each tenth of a second, and tells it of calls."""

    def __init__(self, calls: int) -> None:
        self.bus = Bus()
        self.recorder = Recorder(self.bus, calls)
        self._now = count(1)

    def came(self, message: Message) -> None:
        self._pass(Direction.IN, message)

    def went(self, message: Message) -> None:
        self._pass(Direction.OUT, message)

    def call(self, call_id: str, *, began: float = 0.0) -> None:
        """The call whose caller's Call-ID is "c-" and its id has begun."""
        self.bus.publish(CallBegan(call_id, f"c-{call_id}", ALICE, began))

    def over(self, call_id: str) -> None:
        self.bus.publish(CallOver(Story(id=call_id, started_at=0, caller=ALICE, dialled="6300")))

    def ladder(self, call_id: str) -> Ladder:
        ladder = self.recorder.ladder(call_id)
        assert ladder is not None
        return ladder

    def _pass(self, direction: Direction, message: Message) -> None:
        self.recorder(Passage(direction, PHONE, message, next(self._now) / 10, None))


@pytest.fixture
def wire() -> Wire:
    return Wire(calls=3)


def test_the_messages_of_every_leg_are_told_in_order(wire: Wire) -> None:
    invite = request("INVITE", "c-1", 2)
    wire.came(request("INVITE", "c-1", 1))
    wire.went(request("INVITE", "c-1", 1).reply(401))
    wire.came(request("ACK", "c-1", 1))
    wire.came(invite)
    wire.call("1", began=0.4)
    wire.bus.publish(LegBegan("1", "leg1", "m-1", BOB))
    wire.went(request("INVITE", "m-1"))
    wire.came(request("INVITE", "m-1").reply(180))
    ladder = wire.ladder("1")
    assert [(leg.leg, leg.party.number, leg.sip_call_id) for leg in ladder.legs] == [
        ("caller", "2001", "c-1"),
        ("leg1", "2002", "m-1"),
    ]
    told = [(m.time, m.direction, m.leg, m.method, m.start_line.split(" ")[0]) for m in ladder.messages]
    assert told == [
        (-0.3, "in", "caller", "INVITE", "INVITE"),
        (-0.2, "out", "caller", "INVITE", "SIP/2.0"),
        (-0.1, "in", "caller", "ACK", "ACK"),
        (0.0, "in", "caller", "INVITE", "INVITE"),
        (0.1, "out", "leg1", "INVITE", "INVITE"),
        (0.2, "in", "leg1", "INVITE", "SIP/2.0"),
    ]
    first, second = ladder.messages[:2]
    assert (first.source, first.destination) == ("udp:192.0.2.7:5060", "udp:192.0.2.1:5060")
    assert (second.source, second.destination) == (first.destination, first.source)


def test_what_is_sent_again_is_told_as_such(wire: Wire) -> None:
    wire.call("1")
    for message in (request("BYE", "c-1"), request("BYE", "c-1"), request("BYE", "c-1", 2)):
        wire.went(message)
    wire.came(request("BYE", "c-1"))
    assert [message.repeated for message in wire.ladder("1").messages] == [False, True, False, False]


def test_nothing_is_kept_of_who_is_no_call(wire: Wire) -> None:
    for method in ("REGISTER", "OPTIONS", "INVITE", "BYE", "FOO"):
        wire.came(request(method, "stranger"))
    assert (len(wire.recorder), wire.recorder.octets) == (0, 0)
    assert wire.recorder.ladder("stranger") is None


def test_a_flood_of_invites_takes_no_more_than_the_buffer(wire: Wire) -> None:
    wire.came(request("INVITE", "c-1"))
    for number in range(WAITING):
        wire.came(request("INVITE", f"flood{number}", padding=LONGEST_WAITING // 2))
    assert len(wire.recorder._waiting) == WAITING
    wire.call("1")
    assert wire.ladder("1").messages == []  # lost in the flood, which is all that it could do


def test_what_is_too_long_does_not_wait(wire: Wire) -> None:
    wire.came(request("INVITE", "c-1", padding=LONGEST_WAITING))
    wire.call("1")
    assert wire.ladder("1").messages == []


def test_calls_that_are_over_go_first_and_their_late_messages_come_to_nothing(wire: Wire) -> None:
    for number in "123":
        wire.call(number)
        wire.came(request("BYE", f"c-{number}"))
    wire.over("2")
    wire.went(request("BYE", "c-2").reply(200))
    assert len(wire.ladder("2").messages) == 2
    before = wire.recorder.octets
    wire.call("4")
    assert wire.recorder.ladder("2") is None
    wire.came(request("BYE", "c-2"))
    assert wire.recorder.octets < before
    wire.call("5")
    assert wire.recorder.ladder("1") is None  # nobody is over: the oldest goes
    assert [call for call in "12345" if wire.recorder.ladder(call)] == ["3", "4", "5"]


def test_one_call_never_takes_more_than_its_share(wire: Wire) -> None:
    wire.call("1")
    for number in range(100):
        wire.came(request("INFO", "c-1", number, padding=1000))
    ladder = wire.ladder("1")
    share = 3 * OCTETS_PER_CALL // 2
    assert wire.recorder.octets <= share < wire.recorder.octets + 1000 + OVERHEAD + 200
    assert len(ladder.messages) + ladder.left_out == 100


def test_all_calls_together_never_take_more_than_they_may(wire: Wire) -> None:
    for number in range(50):
        wire.call(f"{number}")
        for cseq in range(100):
            wire.came(request("INFO", f"c-{number}", cseq, padding=1000))
            assert wire.recorder.octets <= 3 * OCTETS_PER_CALL
    kept = [f"{number}" for number in range(50) if wire.recorder.ladder(f"{number}")]
    assert kept[-1] == "49"
    assert wire.recorder.octets == sum(
        len(message.text) + OVERHEAD for call in kept for message in wire.ladder(call).messages
    )
    assert len(wire.recorder._legs) == len(kept)


def test_a_call_id_that_comes_back_belongs_to_the_later_call(wire: Wire) -> None:
    wire.call("1")
    wire.bus.publish(CallBegan("2", "c-1", ALICE, 0.0))
    wire.came(request("BYE", "c-1"))
    assert (len(wire.ladder("1").messages), len(wire.ladder("2").messages)) == (0, 1)
    wire.call("3")
    wire.call("4")
    assert wire.recorder.ladder("1") is None
    wire.came(request("BYE", "c-1"))
    assert len(wire.ladder("2").messages) == 2


def test_secrets_are_not_told(wire: Wire) -> None:
    wire.call("1")
    message = request("BYE", "c-1")
    message.headers.add("Authorization", 'Digest username="2001", response="R3SPONSE"')
    wire.came(message)
    (told,) = wire.ladder("1").messages
    assert "R3SPONSE" not in told.text
    assert 'username="2001"' in told.text
