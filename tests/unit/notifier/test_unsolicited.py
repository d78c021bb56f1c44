"""Phones that did not ask: who is told, who is not told again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringdove.notifier.package import Topic
from ringdove.notifier.unsolicited import Name, Tell, Unsolicited

BOX = Topic("message-summary", 1)
DESK, CELLAR = Name(7, "desk"), Name(7, "cellar")


def test_one_NOTIFY_at_a_time_and_of_what_changed_meanwhile_the_last() -> None:
    unsolicited = Unsolicited()
    assert unsolicited.tell(DESK, "r1", BOX, "one") == [Tell(DESK, BOX, "one")]
    assert unsolicited.tell(DESK, "r1", BOX, "two") == unsolicited.tell(DESK, "r1", BOX, "three") == []
    assert unsolicited.tell(CELLAR, "r2", BOX, "three") == [Tell(CELLAR, BOX, "three")]
    assert unsolicited.answered(DESK, 200) == [Tell(DESK, BOX, "three")]
    assert unsolicited.answered(DESK, 200) == []
    assert unsolicited.tell(DESK, "r1", BOX, "three") == [Tell(DESK, BOX, "three")]


@pytest.mark.parametrize("status", [400, 403, 404, 405, 481, 489, 501, 603])
def test_who_declines_is_left_alone_until_it_registers_anew(status: int) -> None:
    unsolicited = Unsolicited()
    unsolicited.tell(DESK, "r1", BOX, "one")
    unsolicited.tell(DESK, "r1", BOX, "two")
    assert unsolicited.answered(DESK, status) == []
    assert unsolicited.tell(DESK, "r1", BOX, "three") == []
    assert unsolicited.declined == 1
    assert unsolicited.tell(DESK, "r2", BOX, "three") == [Tell(DESK, BOX, "three")]
    assert unsolicited.declined == 0


@pytest.mark.parametrize("status", [200, 302, 401, 407, 408, 480, 486, 491, 500, 503])
def test_what_says_nothing_about_the_next_time_changes_nothing(status: int) -> None:
    unsolicited = Unsolicited()
    unsolicited.tell(DESK, "r1", BOX, "one")
    unsolicited.answered(DESK, status)
    assert unsolicited.tell(DESK, "r1", BOX, "two") == [Tell(DESK, BOX, "two")]
    assert unsolicited.declined == 0


def test_what_it_said_before_it_was_started_anew_says_nothing_about_the_next_time() -> None:
    unsolicited = Unsolicited()
    unsolicited.tell(DESK, "r1", BOX, "one")
    assert unsolicited.tell(DESK, "r2", BOX, "two") == []
    assert unsolicited.answered(DESK, 481) == [Tell(DESK, BOX, "two")]
    assert unsolicited.declined == 0


def test_who_declined_and_is_gone_is_forgotten() -> None:
    unsolicited = Unsolicited()
    for name in (DESK, CELLAR, Name(8, "desk")):
        unsolicited.tell(name, "r1", BOX, "one")
        unsolicited.answered(name, 489)
    unsolicited.keep(7, ["cellar"])
    assert unsolicited.declined == 2
    assert unsolicited.tell(DESK, "r1", BOX, "two") == [Tell(DESK, BOX, "two")]
    assert unsolicited.tell(CELLAR, "r1", BOX, "two") == []
    unsolicited.keep(7, [])
    assert unsolicited.declined == 1


def test_an_answer_that_nobody_waits_for_means_nothing() -> None:
    assert Unsolicited().answered(DESK, 489) == []


steps = st.one_of(
    st.tuples(st.just("tell"), st.sampled_from([DESK, CELLAR]), st.integers(0, 5)),
    st.tuples(st.just("answer"), st.sampled_from([DESK, CELLAR]), st.sampled_from([200, 200, 408, 503, 489])),
    st.tuples(st.just("anew"), st.sampled_from([DESK, CELLAR]), st.none()),
)


@given(st.lists(steps, max_size=60))
@settings(max_examples=200)
def test_whatever_happens_the_last_state_is_told_last_and_nobody_is_told_what_it_declined(
    happened: list[tuple[str, Name, int | None]],
) -> None:
    unsolicited = Unsolicited()
    registration = dict.fromkeys((DESK, CELLAR), 0)
    under_way: dict[Name, int] = {}
    """With which registration each is being told."""
    wanted: dict[Name, tuple[int, int]] = {}
    """What each is to know, and as what it was registered then."""
    told: dict[Name, object] = {}
    declined: dict[Name, int] = {}

    def see(actions: list[Tell]) -> None:
        for tell in actions:
            assert tell.name not in under_way, "two at a time"
            _, asked_as = wanted[tell.name]
            assert declined.get(tell.name) != asked_as, "it has said that it does not want that"
            under_way[tell.name] = asked_as
            told[tell.name] = tell.state

    def answer(name: Name, status: int) -> None:
        as_what = under_way.pop(name)
        if status == 489:
            declined[name] = as_what
        see(unsolicited.answered(name, status))

    for what, name, value in happened:
        if what == "anew":
            registration[name] += 1
        elif what == "tell" and value is not None:
            wanted[name] = value, registration[name]
            see(unsolicited.tell(name, registration[name], BOX, value))
        elif name in under_way and value is not None:
            answer(name, value)
    while under_way:
        answer(next(iter(under_way)), 200)
    for name, (state, asked_as) in wanted.items():
        assert told[name] == state or declined.get(name) == asked_as
