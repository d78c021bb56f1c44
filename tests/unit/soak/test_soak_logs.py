"""The account of the logs of extensions."""

from dataclasses import replace

import pytest
from soak.logs import Entry, entries, wrongs

from ringdove.model.call_log import LogRow
from ringdove.model.story import Attempt, Disposition, Hop, LegResult, LegStory, Party, Story

ALICE, BOB, CAROL = (Party(id=id_, number=f"200{id_}") for id_ in (1, 2, 3))
RANG = LegStory(contact="sip:b@127.0.0.1", invited_at=0.0, result=LegResult.NO_ANSWER)
GROUP = Hop(
    kind="ring_group",
    id="8",
    number="6308",
    entered_at=0.0,
    attempts=[Attempt(member=BOB, legs=[RANG]), Attempt(member=CAROL)],
)
STORY = Story(
    id="1",
    started_at=1e9,
    caller=ALICE,
    dialled="6308",
    hops=[GROUP],
    ended_at=9.0,
    disposition=Disposition.NO_ANSWER,
)


def row(direction: str, result: str, with_: Party, **changes: object) -> LogRow:
    fields = {
        "call_id": "1",
        "time": 1e9,
        "dialled": "6308",
        "ring_group": None,
        "duration": 9.0,
        "talk_duration": None,
    }
    return LogRow.model_validate(fields | {"direction": direction, "result": result, "with": with_} | changes)


RIGHT = {
    1: [row("out", "no_answer", Party(number="6308"))],
    2: [row("in", "missed", ALICE)],
    3: [],
}


def told(logs: dict[int, list[LogRow]]) -> list[str]:
    return [what for _, what in wrongs([STORY], RIGHT | logs)]


def test_logs_that_fit_are_no_news() -> None:
    assert told({}) == []


@pytest.mark.parametrize(
    ("logs", "complaint"),
    [
        ({2: []}, "it is 0 times in the log of 2"),
        ({2: RIGHT[2] * 2}, "it is 2 times in the log of 2"),
        ({2: [row("in", "answered_elsewhere", ALICE)]}, "says in, answered_elsewhere"),
        ({2: [row("in", "missed", CAROL)]}, "with 2003, it was 2001"),
        ({2: [row("in", "missed", ALICE, dialled="1")]}, "that 1 was dialled"),
        ({3: [row("in", "missed", ALICE)]}, "in the log of 3, whom it does not concern"),
    ],
)
def test_what_does_not_fit_is_told(logs: dict[int, list[LogRow]], complaint: str) -> None:
    assert any(complaint in what for what in told(logs)), told(logs)


def test_the_switch_of_a_group_speaks_for_those_it_fails_over_to() -> None:
    behind = Hop(kind="extension", entered_at=5.0, attempts=[Attempt(member=CAROL)])
    for switch, there in ((None, True), (True, True), (False, False)):
        story = replace(STORY, hops=[replace(GROUP, enb_miss_call=switch), behind])
        assert (3 in entries(story)) is there
    taken = replace(story, answered_by=CAROL, disposition=Disposition.ANSWERED)
    assert entries(taken) == {
        1: Entry("out", "answered"),
        2: Entry("in", "answered_elsewhere"),
        3: Entry("in", "answered"),
    }
