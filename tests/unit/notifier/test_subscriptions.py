"""Subscriptions one by one: when a phone is told, what, and when it is told no more (RFC 6665 §4.2)."""

import pytest

from ringdove.notifier.package import Topic
from ringdove.notifier.subscriptions import LOST, Action, Ending, Notify, Over, Read, Subscriptions
from ringdove.sip.dialog import DialogId

BOX, OTHER = Topic("message-summary", 1), Topic("message-summary", 2)
OWNER = 7


def phone(number: int) -> DialogId:
    return DialogId(str(number), "ours", "theirs")


ALICE, BOB = phone(1), phone(2)


class Desk:
    """Subscriptions, and a clock."""

    def __init__(self, **limits: int) -> None:
        self.all = Subscriptions(**limits)
        self.now = 1000.0

    def begin(self, who: DialogId, seconds: int = 3600, *, topic: Topic = BOX, owner: int = OWNER) -> list[Action]:
        return self.all.begin(who, owner, topic, seconds, self.now)

    def active(self, who: DialogId = ALICE, state: str = "none") -> None:
        """A subscription whose phone knows this."""
        self.begin(who)
        self.learn(state)
        assert self.answer(who) == []

    def learn(self, state: str, topic: Topic = BOX) -> list[Action]:
        return self.all.learn(topic, state, self.now)

    def answer(self, who: DialogId = ALICE, status: int = 200) -> list[Action]:
        return self.all.answered(who, status, self.now)

    def end(self, why: Ending, who: DialogId = ALICE) -> list[Action]:
        return self.all.end(who, why, self.now)

    def tick(self, seconds: float) -> list[Action]:
        self.now += seconds
        return self.all.tick(self.now)


def notify(state: str | None, standing: str, who: DialogId = ALICE, topic: Topic = BOX) -> Notify:
    return Notify(who, topic, state, standing)


TIMEOUT = "terminated;reason=timeout"


def test_a_new_subscription_is_told_how_it_is_now_with_the_seconds_that_are_left() -> None:
    desk = Desk()
    assert desk.begin(ALICE, 600) == [Read(BOX)]
    desk.now += 2
    assert desk.learn("none") == [notify("none", "active;expires=598")]
    assert desk.answer() == []


def test_a_change_is_told_to_all_who_subscribed_to_it_and_to_no_others() -> None:
    desk = Desk()
    desk.active(ALICE)
    desk.active(BOB)
    desk.begin(phone(3), topic=OTHER)
    assert desk.learn("one") == [notify("one", "active;expires=3600", who) for who in (ALICE, BOB)]


def test_what_has_not_changed_is_not_told_again() -> None:
    desk = Desk()
    desk.active()
    assert desk.learn("none") == []


def test_one_NOTIFY_at_a_time_and_of_what_changed_meanwhile_the_last() -> None:
    desk = Desk()
    desk.active()
    assert desk.learn("one") == [notify("one", "active;expires=3600")]
    assert desk.learn("two") == desk.learn("three") == []
    assert desk.answer() == [notify("three", "active;expires=3600")]
    assert desk.answer() == []


def test_what_changed_there_and_back_while_a_NOTIFY_was_under_way_is_told_once_more() -> None:
    desk = Desk()
    desk.active()
    desk.learn("one")
    desk.learn("two")
    desk.learn("one")
    assert desk.answer() == [notify("one", "active;expires=3600")]


def test_a_refresh_is_told_again_what_is_known_and_lasts_anew() -> None:
    desk = Desk()
    desk.active()
    desk.now += 3000
    assert desk.all.refresh(ALICE, 600, desk.now) == [Read(BOX)]
    assert desk.learn("none") == [notify("none", "active;expires=600")]
    desk.answer()
    assert desk.tick(599) == []
    assert desk.tick(1) == [notify("none", TIMEOUT)]


def test_an_end_that_the_phone_wants_tells_it_once_more_and_is_over_with_its_answer() -> None:
    desk = Desk()
    desk.active()
    assert desk.all.refresh(ALICE, 0, desk.now) == [Read(BOX)]
    assert not desk.all.is_live(ALICE)
    assert desk.learn("one") == [notify("one", TIMEOUT)]
    assert desk.answer() == [Over(ALICE)]
    assert len(desk.all) == 0


def test_a_question_is_answered_once() -> None:
    desk = Desk()
    assert desk.begin(ALICE, 0) == [Read(BOX)]
    assert desk.learn("one") == [notify("one", TIMEOUT)]
    assert desk.learn("two") == []
    assert desk.answer() == [Over(ALICE)]


def test_an_end_waits_for_the_NOTIFY_that_is_under_way() -> None:
    desk = Desk()
    desk.active()
    desk.learn("one")
    assert desk.end(Ending.DEACTIVATED) == []
    assert desk.learn("two") == []
    assert desk.answer() == [notify("two", "terminated;reason=deactivated")]
    assert desk.answer() == [Over(ALICE)]


def test_an_end_by_the_server_waits_for_no_state() -> None:
    desk = Desk()
    desk.begin(ALICE)
    assert desk.end(Ending.DEACTIVATED) == [notify(None, "terminated;reason=deactivated")]


def test_a_phone_that_wanted_the_end_itself_is_not_asked_to_begin_anew() -> None:
    desk = Desk()
    desk.begin(ALICE, 0)
    assert desk.end(Ending.DEACTIVATED) == [notify(None, TIMEOUT)]
    assert desk.end(Ending.DEACTIVATED) == []


@pytest.mark.parametrize("status", sorted(LOST))
def test_who_has_no_such_subscription_any_more_is_told_nothing_more(status: int) -> None:
    desk = Desk()
    desk.active()
    desk.learn("one")
    desk.learn("two")
    assert desk.answer(status=status) == [Over(ALICE, lost=None if status == 408 else BOX)]
    assert desk.learn("three") == []


@pytest.mark.parametrize("status", [302, 400, 401, 403, 486, 500, 503, 603])
def test_a_NOTIFY_that_only_failed_this_time_is_made_up_for_by_the_next(status: int) -> None:
    desk = Desk()
    desk.active()
    desk.learn("one")
    assert desk.answer(status=status) == []
    assert desk.learn("one") == [notify("one", "active;expires=3600")]


@pytest.mark.parametrize("status", [200, 481, 500])
def test_a_last_NOTIFY_is_the_last_whatever_is_said_to_it(status: int) -> None:
    desk = Desk()
    desk.active()
    desk.tick(3600)
    assert desk.answer(status=status) == [Over(ALICE)]


def test_an_answer_after_the_end_means_nothing() -> None:
    desk = Desk()
    desk.active()
    assert desk.answer() == []
    assert desk.answer(BOB) == []


def test_of_too_many_of_one_extension_the_one_refreshed_longest_ago_makes_room() -> None:
    desk = Desk(per_owner=2)
    desk.active(ALICE)
    desk.active(BOB)
    desk.all.refresh(ALICE, 600, desk.now)
    assert desk.begin(phone(4), topic=OTHER, owner=8) == [Read(OTHER)]
    third = desk.begin(phone(3))
    assert third == [notify("none", "terminated;reason=probation;retry-after=3600", BOB), Read(BOX)]
    assert not desk.all.is_live(BOB)


def test_there_is_a_limit_for_all() -> None:
    desk = Desk(in_all=2)
    desk.active(ALICE)
    assert not desk.all.is_full(OWNER)
    desk.active(BOB)
    assert desk.all.is_full(OWNER)


@pytest.mark.parametrize("seconds", [0, 3600])
def test_who_begins_one_after_the_other_and_answers_nothing_is_full_alone(seconds: int) -> None:
    desk = Desk(per_owner=2)
    for number in range(6):
        assert not desk.all.is_full(OWNER)
        desk.begin(phone(number), seconds)
        desk.learn("none")
    assert desk.all.is_full(OWNER)
    assert not desk.all.is_full(OWNER + 1)
    for number in range(6):
        desk.answer(phone(number))
        desk.answer(phone(number))
    assert not desk.all.is_full(OWNER)


def test_with_its_extension_all_of_its_subscriptions_go() -> None:
    desk = Desk()
    desk.active(ALICE)
    desk.active(BOB)
    desk.begin(phone(3), owner=8)
    gone = desk.all.end_all_of(OWNER, desk.now)
    assert gone == [notify("none", "terminated;reason=noresource", who) for who in (ALICE, BOB)]
    assert desk.all.is_live(phone(3))
