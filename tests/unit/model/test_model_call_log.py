"""In whose logs a call stands, and how."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.model.call_log import Direction, Line, LogGroup, LogResult, LogRow, lines
from ringdove.model.reference import DestinationKind, ObjectKind
from ringdove.model.ring_group import counts_missed_calls
from ringdove.model.story import Attempt, Disposition, Hop, HopOutcome, LegResult, LegStory, Party, Story
from ringdove.ring.eligibility import Skip
from ringdove.ring.plan import Strategy
from ringdove.store.calls import participants

ALICE = Party(id=1, number="1001", name="Alice")
BOB, CAROL, DORA = (Party(id=i, number=f"100{i}", name=f"P{i}") for i in (2, 3, 4))


def rang(who: Party, result: LegResult = LegResult.NO_ANSWER) -> Attempt:
    return Attempt(member=who, legs=[LegStory(contact="sip:x", invited_at=0.0, result=result)], result=result)


def skipped(who: Party, why: Skip = Skip.OFFLINE) -> Attempt:
    return Attempt(member=who, skipped=why)


def group(*attempts: Attempt, id_: int = 8, kind: str = "ring_group", switch: bool | None = None) -> Hop:
    hop = Hop(kind=kind, id=str(id_), number=f"63{id_:02}", name=f"G{id_}", entered_at=0.0, enb_miss_call=switch)
    return replace(hop, attempts=list(attempts), outcome=HopOutcome.UNANSWERED)


def alone(attempt: Attempt) -> Hop:
    who = attempt.member
    return Hop(kind="extension", id=str(who.id), number=who.number, name=who.name, entered_at=0.0, attempts=[attempt])


def over(*hops: Hop, **fields: Any) -> Story:
    plain: dict[str, Any] = {"id": "a", "started_at": 1000.0, "caller": ALICE, "dialled": hops[0].number}
    plain |= {"ended_at": 30.0, "disposition": Disposition.NO_ANSWER, "hops": list(hops)}
    return Story(**plain | fields)


def taken(by: Party, *hops: Hop, **fields: object) -> Story:
    return over(*hops, answered_by=by, answered_at=10.0, disposition=Disposition.ANSWERED, **fields)


def incoming(story: Story) -> dict[int, str]:
    return {who: str(line.result) for who, line in lines(story).items() if line.direction is Direction.IN}


# The rules, one by one


def test_who_took_the_call_answered_and_whoever_else_rang_did_not_miss_it() -> None:
    story = taken(BOB, group(rang(BOB), rang(CAROL), skipped(DORA)))
    assert lines(story) == {
        1: Line(Direction.OUT, LogResult.ANSWERED),
        2: Line(Direction.IN, LogResult.ANSWERED),
        3: Line(Direction.IN, LogResult.ANSWERED_ELSEWHERE),
    }


@pytest.mark.parametrize("result", [r for r in LegResult if r is not LegResult.NO_PORT])
def test_a_member_whose_phone_was_called_missed_a_call_that_nobody_took(result: LegResult) -> None:
    assert incoming(over(group(rang(BOB, result)))) == {2: "missed"}


@pytest.mark.parametrize("why", list(Skip))
def test_a_group_call_is_not_in_the_log_of_who_was_skipped_but_a_call_to_one_person_is(why: Skip) -> None:
    assert incoming(over(group(skipped(BOB, why), rang(CAROL)))) == {3: "missed"}
    assert incoming(over(alone(skipped(BOB, why)))) == {2: "missed"}


def test_a_phone_that_we_had_no_port_for_was_not_called() -> None:
    assert incoming(over(group(rang(BOB, LegResult.NO_PORT)))) == {}


def test_what_voicemail_took_was_missed() -> None:
    story = over(alone(rang(BOB)), answered_at=20.0, disposition=Disposition.VOICEMAIL)
    assert lines(story) == {
        1: Line(Direction.OUT, LogResult.VOICEMAIL),
        2: Line(Direction.IN, LogResult.MISSED),
    }


@pytest.mark.parametrize(
    ("disposition", "result"),
    [
        (Disposition.NO_ANSWER, "no_answer"),
        (Disposition.BUSY, "busy"),
        (Disposition.FAILED, "failed"),
        (Disposition.VOICEMAIL, "voicemail"),
        (Disposition.ABANDONED, "cancelled"),
        (Disposition.ANSWERED, "answered"),  # by the server itself
    ],
)
def test_a_call_that_went_out_ended_as_it_is_counted(disposition: Disposition, result: str) -> None:
    assert lines(over(group(), disposition=disposition))[1] == (Direction.OUT, result)


def test_who_calls_a_group_of_ones_own_or_oneself_has_called() -> None:
    assert lines(over(group(skipped(ALICE, Skip.CALLER)))) == {1: (Direction.OUT, "no_answer")}
    assert lines(over(alone(skipped(ALICE, Skip.CALLER)))) == {1: (Direction.OUT, "no_answer")}


def test_a_caller_from_outside_has_no_log() -> None:
    assert lines(over(alone(rang(BOB)), caller=Party(number="0301234"))) == {2: (Direction.IN, "missed")}


def test_a_call_that_rings_is_in_no_log_and_one_that_was_taken_stands() -> None:
    assert lines(over(group(rang(BOB)), ended_at=None, disposition=None)) == {}
    story = taken(BOB, group(rang(BOB), rang(CAROL)))
    assert lines(story.before_its_end()) == lines(story)


@pytest.mark.parametrize("kind", ["ring_group", "queue"])
@pytest.mark.parametrize(
    ("switch", "missed"), [(None, {2, 3}), (False, {2}), (True, {2, 3, 4})], ids=["none", "off", "on"]
)
def test_the_switch_of_a_group_speaks_for_everybody_in_its_failover(
    kind: str, switch: bool | None, missed: set[int]
) -> None:
    there = group(rang(CAROL), skipped(DORA), id_=9, kind=kind)
    assert incoming(over(group(rang(BOB), switch=switch), there)) == dict.fromkeys(missed, "missed")
    story = taken(CAROL, group(rang(BOB), switch=switch), there)
    assert incoming(story) == {2: "answered_elsewhere", 3: "answered"}


def test_the_switch_is_there_for_what_the_page_says_and_nothing_else() -> None:
    applies = {
        (strategy, kind) for strategy in Strategy for kind in DestinationKind if counts_missed_calls(strategy, kind)
    }
    assert applies == {
        (strategy, kind)
        for strategy in (Strategy.RING_ALL, Strategy.MEMORY_HUNT, Strategy.CUSTOM)
        for kind in (DestinationKind.EXTENSION, DestinationKind.RING_GROUP, DestinationKind.QUEUE)
    }


# Rows


def row(story: Story, who: Party) -> LogRow:
    assert who.id is not None
    return LogRow.of(story, who.id, lines(story)[who.id])


def test_the_row_of_who_took_it_and_of_who_did_not() -> None:
    story = taken(BOB, group(rang(BOB), rang(CAROL)), ended_at=70.0004)
    assert row(story, BOB) == LogRow(
        call_id="a",
        time=1000.0,
        direction=Direction.IN,
        result=LogResult.ANSWERED,
        with_=ALICE,
        dialled="6308",
        ring_group=LogGroup(id=8, number="6308", name="G8"),
        duration=70.0,
        talk_duration=60.0,
    )
    elsewhere = row(story, CAROL)
    assert (elsewhere.duration, elsewhere.talk_duration) == (10.0, None), "how long others talked is their business"


def test_the_row_of_the_caller_names_who_took_it_or_what_was_dialled() -> None:
    story = taken(BOB, group(rang(BOB)))
    assert (row(story, ALICE).with_, row(story, ALICE).talk_duration) == (BOB, 20.0)
    assert row(over(alone(rang(BOB))), ALICE).with_ == BOB
    assert row(over(group(rang(BOB))), ALICE).with_ == Party(number="6308", name="G8")
    assert row(replace(over(group()), hops=[], dialled="999"), ALICE).with_ == Party(number="999")


def test_the_group_is_the_last_one_on_the_way_to_this_extension() -> None:
    ways = group(rang(BOB), switch=True), group(rang(CAROL), id_=9, switch=True), alone(rang(DORA))
    story = over(*ways)

    def named(who: Party) -> int | None:
        group = row(story, who).ring_group
        return group.id if group else None

    assert [named(who) for who in (BOB, CAROL, DORA, ALICE)] == [8, 9, 9, 9]
    assert row(over(alone(rang(BOB))), BOB).ring_group is None


def test_where_the_switch_hides_the_failover_the_group_is_the_one_that_was_missed() -> None:
    story = over(group(rang(BOB), switch=False), group(rang(BOB), id_=9))
    assert row(story, BOB).ring_group == LogGroup(id=8, number="6308", name="G8")


def test_a_place_that_was_never_entered_names_no_group() -> None:
    loop = Hop(kind="ring_group", id="8", entered_at=9.0, outcome=HopOutcome.LOOP)
    story = over(group(rang(BOB)), loop, disposition=Disposition.FAILED)
    assert row(story, ALICE).ring_group == LogGroup(id=8, number="6308", name="G8")


# Laws, for whatever may have happened

_PEOPLE = [ALICE, BOB, CAROL, DORA, Party(number="0301234")]
_ATTEMPTS = st.builds(
    lambda who, result, skip: rang(who, result) if skip is None else skipped(who, skip),
    st.sampled_from(_PEOPLE[:4]),
    st.sampled_from(LegResult),
    st.none() | st.sampled_from(Skip),
)
_HOPS = st.one_of(
    st.builds(alone, _ATTEMPTS),
    st.builds(
        lambda attempts, id_, kind, switch: group(*attempts, id_=id_, kind=kind, switch=switch),
        st.lists(_ATTEMPTS, max_size=4, unique_by=lambda attempt: attempt.member.id),
        st.integers(7, 9),
        st.sampled_from(["ring_group", "queue", "ivr", "ext_vm"]),
        st.none() | st.booleans(),
    ),
)


@st.composite
def _stories(draw: st.DrawFn) -> Story:
    caller = draw(st.sampled_from([ALICE, _PEOPLE[4]]))
    story = over(*draw(st.lists(_HOPS, min_size=1, max_size=4)), caller=caller)
    members = [attempt.member for attempt in story.hops[-1].attempts if attempt.member is not caller]
    answers = draw(st.booleans())
    if members and answers:
        by = draw(st.sampled_from(members))
        return replace(story, answered_by=by, answered_at=10.0, disposition=Disposition.ANSWERED)
    return replace(story, disposition=draw(st.sampled_from([d for d in Disposition if d is not Disposition.ANSWERED])))


@given(_stories())
def test_nobody_is_told_what_did_not_happen(story: Story) -> None:
    told = lines(story)
    assert set(told) <= {ref.id for ref in participants(story) if ref.kind is ObjectKind.EXTENSION}
    out = {who for who, line in told.items() if line.direction is Direction.OUT}
    assert out == ({story.caller.id} if story.caller.id is not None else set())
    results = set(incoming(story).values())
    assert results <= ({"answered", "answered_elsewhere"} if story.answered_by else {"missed"})
    answered = {who for who, result in incoming(story).items() if result == "answered"}
    assert answered == ({story.answered_by.id} if story.answered_by else set())
    for who, line in told.items():
        shown = LogRow.of(story, who, line)
        assert shown.talk_duration is None or line.result is LogResult.ANSWERED
        assert 0 <= shown.duration <= 30.0
    if story.answered_by:
        assert lines(story.before_its_end()) == told


@given(_stories())
def test_a_switch_only_ever_adds_or_hides_missed_calls_of_those_behind_it(story: Story) -> None:
    def all_set(switch: bool | None) -> set[tuple[int, Line]]:
        hops = [replace(hop, enb_miss_call=switch) for hop in story.hops]
        return set(lines(replace(story, hops=hops)).items())

    off, ordinary, on = all_set(False), all_set(None), all_set(True)
    assert off <= ordinary <= on
    if story.answered_by:
        assert off == on
    first = set(lines(replace(story, hops=story.hops[:1])).items())
    if not story.answered_by:
        assert first <= off, "no switch hides a call from those it was for in the first place"
