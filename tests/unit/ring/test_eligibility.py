"""R1: who may ring, over every combination of what can be known of a member."""

from itertools import product

import pytest

from ringdove.ring.eligibility import Skip, Standing, skip_reason

FACTS = ("is_caller", "enabled", "online", "dnd", "busy", "call_waiting")
ANY = (False, True)

TABLE: dict[tuple[object, ...], Skip | None] = {
    # is_caller, enabled, online, dnd, busy, call_waiting; … stands for either
    (True, ..., ..., ..., ..., ...): Skip.CALLER,
    (False, False, ..., ..., ..., ...): Skip.DISABLED,
    (False, True, False, ..., ..., ...): Skip.OFFLINE,
    (False, True, True, True, ..., ...): Skip.DND,
    (False, True, True, False, True, False): Skip.BUSY,
    (False, True, True, False, True, True): None,
    (False, True, True, False, False, ...): None,
}


@pytest.mark.parametrize("facts", list(product(ANY, repeat=len(FACTS))))
def test_R1_truth_table(facts: tuple[bool, ...]) -> None:
    (expected,) = [
        reason
        for pattern, reason in TABLE.items()
        if all(wanted is ... or wanted is fact for wanted, fact in zip(pattern, facts, strict=True))
    ]
    known = dict(zip(FACTS, facts, strict=True))
    bindings = ("phone",) if known.pop("online") else ()
    assert skip_reason(Standing(bindings, **known)) is expected


@pytest.mark.parametrize("bindings", [("a",), ("a", "b"), ("a", "b", "c")])
def test_R1_any_number_of_phones_is_online(bindings: tuple[str, ...]) -> None:
    assert skip_reason(Standing(bindings)) is None


def test_R1_nothing_known_is_offline() -> None:
    assert skip_reason(Standing()) is Skip.OFFLINE


def test_R1_the_story_has_a_word_for_each_reason() -> None:
    words = {"disabled", "offline", "dnd", "busy", "caller", "too_many_legs"}
    assert {str(reason) for reason in Skip} == words
