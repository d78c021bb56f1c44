"""The rules of a single object."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ringdove.model import rules
from ringdove.model.destination import Destination, broken_rules
from ringdove.model.extension import Extension
from ringdove.model.password import generate_password, weakness
from ringdove.model.reference import DestinationKind, ObjectKind, Ref
from ringdove.model.ring_group import RingGroup
from ringdove.ring.plan import Strategy

WEAK = """12345678 abcdefgh ABCDEFGH aaaaaaa1 password1 Passw0rd P@ssw0rd anna2024 Anna!2024 annalee1 leeanna99
qwerty123 Changeme1 1000-1000"""
ID_KINDS = sorted(set(DestinationKind) - {"end_call", "external_num", "play_greeting"})


@given(st.text())
def test_a_number_is_1_to_7_digits(text: str) -> None:
    adapter: TypeAdapter[str] = TypeAdapter(rules.Number)
    if re.fullmatch("[0-9]{1,7}", text, re.ASCII):
        assert adapter.validate_python(text) == text
    else:
        with pytest.raises(ValidationError):
            adapter.validate_python(text)


@pytest.mark.parametrize(
    "bad", ["a\r\nTo: b", "a\x00", "a\x85b", "\ud800", "a\u2028b", "a\u202eb", "a\u200bb", "\ufeffa", "a\u00adb"]
)
def test_names_cannot_carry_control_characters(bad: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(rules.GroupName).validate_python(bad)


@pytest.mark.parametrize("name", ["\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", "\U0001f468\u200d\U0001f527"])
def test_people_are_named_in_persian_and_emoji_too(name: str) -> None:
    assert TypeAdapter(rules.PersonName).validate_python(name) == name


@pytest.mark.parametrize("bad", ["a\u200d.wav", "a\u202egnp.wav", "a\n.wav", "../secret.wav", "a/b", "a\\b", "..", "."])
def test_audio_is_named_and_not_a_path(bad: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(rules.AudioName).validate_python(bad)


def faults(kind: DestinationKind, prefix: str | None, value: str | None) -> dict[str, str]:
    return {part: error.type for part, error in broken_rules(kind, prefix, value)}


def test_end_call_needs_nothing() -> None:
    assert faults(DestinationKind.END_CALL, None, None) == {}


@pytest.mark.parametrize("kind", ID_KINDS)
def test_destinations_with_an_object_need_its_id(kind: DestinationKind) -> None:
    assert faults(kind, None, "12") == {}
    assert faults(kind, None, None) == {"value": "required"}
    assert faults(kind, None, "twelve") == {"value": "pattern"}
    assert faults(kind, None, "0") == {"value": "pattern"}
    assert faults(kind, None, "012") == {"value": "pattern"}
    assert faults(kind, None, "9" * 30) == {"value": "range"}


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [(None, "required"), ("", "range"), ("6", "range"), ("-1", "range"), ("00", "range"), ("0", None), ("5", None)],
)
def test_a_greeting_is_played_0_to_5_times(prefix: str | None, expected: str | None) -> None:
    found = faults(DestinationKind.PLAY_GREETING, prefix, "bye.wav")
    assert found == ({"prefix": expected} if expected else {})


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [(None, "required"), ("", None), ("0", None), ("1234567", None), ("12345678", "length"), ("ab", "pattern")],
)
def test_an_external_number_has_a_dial_out_prefix_that_may_be_empty(prefix: str | None, expected: str | None) -> None:
    found = faults(DestinationKind.EXTERNAL_NUM, prefix, "+4930123456")
    assert found == ({"prefix": expected} if expected else {})


def test_a_destination_tells_what_it_points_at() -> None:
    assert Destination(kind=DestinationKind.EXTENSION, value="7").ref == Ref(ObjectKind.EXTENSION, 7)
    assert Destination(kind=DestinationKind.EXT_VM, value="7").ref == Ref(ObjectKind.EXTENSION, 7)
    assert Destination(kind=DestinationKind.RING_GROUP, value="7").ref == Ref(ObjectKind.RING_GROUP, 7)
    assert Destination(kind=DestinationKind.END_CALL).ref is None


def test_an_incomplete_destination_cannot_be_made() -> None:
    with pytest.raises(ValidationError):
        Destination(kind=DestinationKind.EXTENSION)


def test_parts_that_do_not_apply_to_a_destination_are_left_out() -> None:
    trimmed = Destination.trimmed(DestinationKind.EXTENSION, "9", "7")
    assert (trimmed.prefix, trimmed.value) == (None, "7")
    assert Destination.trimmed(DestinationKind.END_CALL, "9", "7") == Destination(kind=DestinationKind.END_CALL)


@pytest.mark.parametrize("strategy", Strategy)
def test_only_custom_does_without_ring_timeout(strategy: Strategy) -> None:
    def make() -> RingGroup:
        return RingGroup(
            number="6300", name="x", ring_strategy=strategy, fail_dest=Destination(kind=DestinationKind.END_CALL)
        )

    if strategy is Strategy.CUSTOM:
        assert make().ring_timeout is None
    else:
        with pytest.raises(ValidationError):
            make()


def test_an_extension_needs_nothing_but_its_number() -> None:
    extension = Extension(number="1000")
    assert extension.name == extension.caller_id == extension.reg_name == "1000"
    assert extension.concurrent_registrations == 3
    assert (extension.enabled, extension.enb_call_waiting, extension.ring_timeout) == (True, True, 30)
    assert weakness(extension.reg_password, "1000") is None
    assert extension.reg_password not in repr(extension)


def test_the_shown_name_follows_from_first_and_last_name() -> None:
    assert Extension(number="1000", first_name="Ann", last_name="Lee").name == "Ann Lee"
    assert Extension(number="1000", last_name="Lee").name == "Lee"
    assert Extension(number="1000", first_name="Ann", caller_id_name="Desk").name == "Desk"


def test_two_generated_passwords_differ() -> None:
    assert len({generate_password() for _ in range(100)}) == 100


@pytest.mark.parametrize("password", WEAK.split())
def test_weak_passwords_are_told_from_strong_ones(password: str) -> None:
    assert weakness(password, "1000", "Anna", "Lee", "AnnaLee", "LeeAnna")


@pytest.mark.parametrize("password", ["kT7-mQ2x", "correct-horse-battery", "x9z!Ab12cd", "Anna_likes_2_sing"])
def test_strong_passwords_pass(password: str) -> None:
    assert weakness(password, "1000", "Anna", "Lee", "1") is None


def test_an_extension_with_a_weak_password_cannot_be_made() -> None:
    with pytest.raises(ValidationError, match="weak_password"):
        Extension(number="1000", reg_password="secret123")
