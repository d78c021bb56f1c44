"""The account of calls by both sides: quiet where the books agree, and told where they do not."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from soak.accounts import Accounts, Outage, Stall, compare
from soak.ledger import Attempt, Ledger, Ring, Spoken

from ringdove.demo.line import Ending
from ringdove.model.story import (
    Attempt as Told,
)
from ringdove.model.story import (
    Disposition,
    Hop,
    LegResult,
    LegStory,
    Party,
    Recorded,
    Story,
)

NOON = 1_700_000_000.0
CALLER, CALLEE = Party(number="4001"), Party(number="4002")
ATTEMPT = Attempt(
    phone="4001",
    call_id="a",
    began=NOON,
    answered=NOON + 1,
    ended=NOON + 3,
    ending=Ending.HUNG_UP,
    status=200,
    dialled="6300",
    identified=True,
)
RING = Ring(
    phone="4002",
    call_id="b",
    began=NOON + 0.1,
    answered=NOON + 1,
    ended=NOON + 3,
    ending=Ending.LEFT,
    status=200,
    caller="4001",
    place=("127.0.0.1", 40002),
    acknowledged=True,
)


def story(**changes: object) -> Story:
    """The record of that call."""
    leg = LegStory(
        sip_call_id="b",
        contact="sip:4002@127.0.0.1:40002",
        invited_at=0.1,
        ringing_at=0.1,
        ended_at=1.0,
        status=200,
        result=LegResult.ANSWERED,
    )
    made = Story(
        id="1",
        started_at=NOON,
        sip_call_id="a",
        caller=CALLER,
        dialled="6300",
        hops=[Hop(kind="ring_group", entered_at=0.0, attempts=[Told(member=CALLEE, legs=[leg])])],
        answered_at=1.0,
        answered_by=CALLEE,
        ended_at=3.0,
        final_status=200,
        disposition=Disposition.ANSWERED,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def audited(*stories: Story, ring: Ring = RING, lost: str = "", outages: Sequence[Outage] = ()) -> Accounts:
    return compare(Ledger([ATTEMPT], [ring]), list(stories), Counter(lost), outages)


def test_books_that_agree_are_no_news() -> None:
    accounts = audited(story())
    assert accounts.complaints == []
    assert accounts.outcomes == {"answered": 1}
    assert accounts.dispositions == {Disposition.ANSWERED: 1}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"ended_at": None}, "still open"),
        ({"final_status": 480}, "the caller got 200, the record says 480"),
        ({"disposition": Disposition.ABANDONED}, "for the caller it was ANSWERED"),
        ({"ended_at": 4.5}, "the caller talked for 2.00 s, the record says 3.50 s"),
        ({"answered_by": Party(number="4003")}, "4002 was connected"),
        ({"answered_by": None}, "1 legs were answered, by None"),
        ({"caller": Party(number="4009")}, "it was 4001 who called 6300"),
        ({"sip_call_id": "x"}, "a record of a call that nobody made"),
        ({"sip_call_id": "x"}, "there is no record of it"),
        ({"hops": []}, "no record says so"),
    ],
)
def test_a_record_that_is_wrong_is_told(changes: dict[str, object], complaint: str) -> None:
    assert any(complaint in told for told in audited(story(**changes)).complaints)


@pytest.mark.parametrize(
    ("ring", "complaint"),
    [
        (replace(RING, place=("127.0.0.1", 1)), "it was ('127.0.0.1', 1)"),
        (replace(RING, call_id="x"), "rang, and no phone knows of it"),
        (replace(RING, acknowledged=False, ending=Ending.HUNG_UP), "its phone does not know"),
        (replace(RING, ended=NOON + 9), "the callee talked for 8.00 s"),
        (replace(RING, ending=Ending.REFUSED, status=486), "said 486, the record has 200"),
    ],
)
def test_a_phone_that_saw_something_else_is_told(ring: Ring, complaint: str) -> None:
    assert any(complaint in told for told in audited(story(), ring=ring).complaints)


def test_two_records_of_one_call_are_told() -> None:
    assert any("2 records" in told for told in audited(story(), story(id="2", hops=[])).complaints)


def test_repeats_of_lost_messages_may_take_their_time() -> None:
    late = story(ended_at=4.4)
    assert audited(late, lost="ab").complaints == []
    assert len(audited(late).complaints) == 2


def test_what_the_machine_let_them_wait_is_no_difference() -> None:
    late = story(ended_at=4.4)
    assert compare(Ledger([ATTEMPT], [RING]), [late], Counter(), stalls=[Stall(NOON + 2, 0.5)]).complaints == []
    assert len(compare(Ledger([ATTEMPT], [RING]), [late], Counter(), stalls=[Stall(NOON + 9, 0.5)]).complaints) == 2


def test_what_a_crash_cut_off_only_has_to_be_closed() -> None:
    cut = story(final_status=None, disposition=Disposition.FAILED, answered_at=None, answered_by=None, hops=[])
    away = [Outage(NOON + 2, NOON + 4)]
    accounts = audited(cut, outages=away)
    assert (accounts.complaints, accounts.cut_off) == ([], 1)
    cut.ended_at = None
    assert len(audited(cut, outages=away).complaints) == 1


def test_a_ring_of_a_call_that_was_cut_off_later_is_excused() -> None:
    cut = story(final_status=None, disposition=Disposition.FAILED, answered_at=None, answered_by=None, hops=[])
    turned_down = replace(RING, answered=None, ended=NOON + 0.2, ending=Ending.REFUSED, status=486)
    away = [Outage(NOON + 2.5, NOON + 4)]
    assert audited(cut, ring=turned_down, outages=away).complaints == []
    assert len(audited(cut, ring=replace(turned_down, caller="4009"), outages=away).complaints) == 1


def test_who_never_showed_a_password_has_no_record() -> None:
    turned_away = replace(ATTEMPT, answered=None, status=401, identified=False)
    accounts = compare(Ledger([turned_away], []), [], Counter())
    assert accounts.complaints == []


def test_who_is_disabled_and_gives_up_before_it_is_told_so_has_no_record() -> None:
    gone = replace(ATTEMPT, answered=None, status=487, ending=Ending.GAVE_UP)
    assert len(compare(Ledger([gone]), [], Counter()).complaints) == 1
    assert compare(Ledger([gone], turned_away={"4001": [NOON - 2]}), [], Counter()).complaints == []
    assert (
        len(compare(Ledger([gone], turned_away={"4001": [NOON - 60], "4002": [NOON]}), [], Counter()).complaints) == 1
    )


# Mailboxes

LEFT = Hop(kind="ext_vm", entered_at=0.0, message=Recorded(began_at=1.0, seconds=4.0))


def at_a_mailbox(*takes: float, lost: str = "", **changes: object) -> list[str]:
    """What is told of a call to a mailbox to which the caller has said so much."""
    made = story(answered_at=None, answered_by=None, disposition=Disposition.VOICEMAIL, hops=[LEFT])
    ledger = Ledger([replace(ATTEMPT, ended=NOON + 9)], spoken={"a": Spoken(b"", list(takes))})
    return compare(ledger, [replace(made, **changes)], Counter(lost)).complaints  # type: ignore[arg-type]


def test_a_message_as_long_as_the_caller_spoke_is_no_news() -> None:
    assert at_a_mailbox(4.2) == []
    assert at_a_mailbox(0.5, 4.2) == []
    assert at_a_mailbox(5.4, lost="a") == []


def test_one_that_is_missing_too_short_or_too_long_is_told() -> None:
    assert any("no message, and the caller spoke for 4.20 s" in what for what in at_a_mailbox(4.2, hops=[]))
    assert any("a message of 4.00 s, and the caller said 8.00" in what for what in at_a_mailbox(8.0))
    assert any("the caller said nothing" in what for what in at_a_mailbox())


def test_what_is_too_short_may_be_missing() -> None:
    assert at_a_mailbox(0.5, hops=[]) == []
    assert at_a_mailbox(1.5, hops=[]) == []


def test_who_heard_the_tone_was_at_a_mailbox_and_who_heard_somebody_was_not() -> None:
    assert any(
        "for the caller it was VOICEMAIL" in what for what in at_a_mailbox(4.0, disposition=Disposition.ANSWERED)
    )
    ledger = Ledger([ATTEMPT], [RING], persons={"a"})
    assert compare(ledger, [story()], Counter()).complaints == []
    wrong = compare(ledger, [story(disposition=Disposition.VOICEMAIL)], Counter()).complaints
    assert any("for the caller it was ANSWERED" in what for what in wrong)
