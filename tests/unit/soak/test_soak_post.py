"""The account of messages: each is there exactly once in each mailbox that it is for."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from soak.post import Box, Found, Post, boxes_of, wrongs
from soak.world import VmGroup

from ringdove.model.story import Hop, HopOutcome, Party, Recorded, Story

OWN, SHARED = Box("ext_id", 7), Box("group_id", 1)
GROUPS = (VmGroup(1, "6400", True, frozenset({7, 8})), VmGroup(2, "6401", False, frozenset({7, 8})))
LEFT = Hop(
    kind="ext_vm",
    id="7",
    entered_at=0.0,
    outcome=HopOutcome.MESSAGE_LEFT,
    message=Recorded(began_at=3.0, seconds=4.0),
)
STORY = Story(id="1", started_at=1e9, caller=Party(number="4001"), dialled="4007", hops=[LEFT], ended_at=9.0)
FOUND = Found(OWN, "1", "4001", 4.0)


def told(there: Iterable[Found], post: Post | None = None, hop: dict[str, Any] | None = None) -> list[str]:
    story = replace(STORY, hops=[replace(LEFT, **(hop or {}))])
    return [f"{call}: {what}" for call, what in wrongs([story], GROUPS, there, post or Post())]


def test_a_message_that_is_there_once_is_no_news() -> None:
    assert told([FOUND]) == []
    assert told([replace(FOUND, box=SHARED)], hop={"kind": "group_vm", "id": "1"}) == []
    assert told([FOUND, replace(FOUND, box=Box("ext_id", 8))], hop={"kind": "group_vm", "id": "2"}) == []
    assert told([], hop={"outcome": HopOutcome.NO_MESSAGE, "message": None}) == []


def test_a_message_that_was_deleted_was_there() -> None:
    assert told([], Post(gone=[FOUND])) == []
    assert told([], Post(unsure=[FOUND])) == []
    assert told([FOUND], Post(unsure=[FOUND])) == []


@pytest.mark.parametrize(
    ("there", "hop", "complaint"),
    [
        ([], {}, "is there 0 times"),
        ([FOUND, FOUND], {}, "is there 2 times"),
        (
            [FOUND, replace(FOUND, box=SHARED)],
            {},
            "1 messages in Box(kind='group_id', id=1) that it has not left there",
        ),
        ([FOUND], {"kind": "group_vm", "id": "2"}, "the message for Box(kind='ext_id', id=8) is there 0 times"),
        ([FOUND], {"outcome": HopOutcome.NO_MESSAGE, "message": None}, "that it has not left there"),
        ([FOUND], {"message": None}, "a message is told of: None"),
        ([replace(FOUND, caller="4002")], {}, "said to be from 4002"),
        ([replace(FOUND, seconds=3.0)], {}, "4.0 s in the record, 3.0 s"),
    ],
)
def test_what_does_not_fit_is_told(there: list[Found], hop: dict[str, Any], complaint: str) -> None:
    assert any(complaint in line for line in told(there, hop=hop)), told(there, hop=hop)


def test_a_message_that_was_deleted_and_is_there_is_told() -> None:
    assert any("is there 2 times" in line for line in told([FOUND], Post(gone=[FOUND])))


def test_a_lamp_tells_of_the_own_mailbox_and_of_those_that_are_shared() -> None:
    assert boxes_of(7, GROUPS) == [OWN, SHARED]
    assert boxes_of(9, GROUPS) == [Box("ext_id", 9)]
