"""What the story of a call says, and in which words."""

import json

import pytest

from ringdove.calls.book import Book
from ringdove.calls.member import _STOPPED
from ringdove.model.extension import Extension
from ringdove.model.story import EndedBy, Hop, HopOutcome, LegResult, Story, Window
from ringdove.ring.engine import Outcome, Why
from ringdove.ring.plan import Window as Planned


@pytest.fixture
def book() -> Book:
    return Book("1.1", "6300", clock=lambda: 0.0)


def test_every_outcome_of_the_ring_rules_is_an_outcome_of_a_hop() -> None:
    assert {HopOutcome(outcome) for outcome in Outcome} == set(HopOutcome) - {
        HopOutcome.LOOP, HopOutcome.TOO_FAR, HopOutcome.ENDED,
        HopOutcome.MESSAGE_LEFT, HopOutcome.NO_MESSAGE, HopOutcome.MAILBOX_FULL,
        HopOutcome.ENTERED, HopOutcome.NOT_ENTERED,
    }  # fmt: skip


def test_every_way_to_stop_a_leg_has_its_word() -> None:
    assert set(_STOPPED) == {None, *Why}


def test_the_plan_stands_in_the_story_by_member_as_it_is_when_somebody_looks_and_at_the_end(book: Book) -> None:
    planned = [Planned(1, 0, 5), Planned(2, 5, 10), Planned(1, 10, 15)]
    with book.hop("ring_group", 1) as hop:
        attempts = {i: book.attempt(hop, Extension(id=i, number=f"100{i}")) for i in (1, 2, 3)}
        with book.plan(attempts, lambda: planned):
            (seen,) = book.story.before_its_end().hops
            assert [attempt.windows for attempt in seen.attempts] == [
                [Window(start=0, stop=5), Window(start=10, stop=15)],
                [Window(start=5, stop=10)],
                [],
            ]
            planned = [Planned(2, 3, 8)]
        planned = [Planned(3, 0, 1)]
        (seen,) = book.story.before_its_end().hops
        assert [attempt.windows for attempt in seen.attempts] == [[], [Window(start=3, stop=8)], []]


def test_the_words_of_a_story_are_plain_text_in_JSON(book: Book) -> None:
    with book.hop("extension", 1, outcome=HopOutcome.UNANSWERED) as hop:
        leg = book.leg(book.attempt(hop, Extension(id=1, number="1001")), "sip:1001@192.0.2.1")
        leg.invited()
        leg.ended(LegResult.NO_ANSWER)
        running = json.loads(book.story.to_json())
        assert running["ended_by"] == ""
    book.ended(EndedBy.SERVER, "it was time")
    told = Story.from_json(book.story.to_json())
    assert told == book.story
    assert isinstance(told.hops[0], Hop)
    dumped = json.loads(told.to_json())
    assert (dumped["ended_by"], dumped["hops"][0]["outcome"]) == ("server", "unanswered")
    (attempt,) = dumped["hops"][0]["attempts"]
    assert (attempt["result"], attempt["legs"][0]["result"]) == ("no answer", "no answer")
