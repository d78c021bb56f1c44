"""Keys told by INFO are read as phones write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.calls.keys import BadKey, Doubles, key_of

RELAY, PLAIN = "application/dtmf-relay", "application/dtmf"


@pytest.mark.parametrize(
    ("kind", "body", "key"),
    [
        (RELAY, b"Signal=5\r\nDuration=160\r\n", "5"),
        (RELAY, b"Signal=5", "5"),
        (RELAY, b"Signal= 5\nDuration= 160", "5"),
        (RELAY, b"Duration=100\r\nsignal = #", "#"),
        (RELAY, b"Signal=*\r\nDuration=soon", "*"),
        (RELAY, b"Signal=d", "D"),
        (RELAY, b"Signal=10", "*"),
        (RELAY, b"Signal=11", "#"),
        (RELAY, b"Signal=15", "D"),
        (RELAY, b"Signal=16", None),
        (PLAIN, b"5", "5"),
        (PLAIN, b"#\r\n", "#"),
        (PLAIN, b"11", "#"),
        (PLAIN, b"!", None),
        ("application/media_control+xml", b"Signal=5", None),
        ("", b"", None),
    ],
)
def test_a_key_is_read(kind: str, body: bytes, key: str | None) -> None:
    assert key_of(kind, body) == key


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (RELAY, b""),
        (RELAY, b"5"),
        (RELAY, b"Signal="),
        (RELAY, b"Signal=17"),
        (RELAY, b"Signal=55"),
        (RELAY, b"Signal=E"),
        (RELAY, "Signal=\u0665".encode()),
        (PLAIN, b""),
        (PLAIN, b"Signal=5"),
        (PLAIN, b"\xff"),
    ],
)
def test_what_is_no_key_is_said(kind: str, body: bytes) -> None:
    with pytest.raises(BadKey):
        key_of(kind, body)


@given(st.sampled_from([RELAY, PLAIN]), st.binary(max_size=40))
def test_whatever_comes_is_a_key_none_or_bad(kind: str, body: bytes) -> None:
    try:
        key = key_of(kind, body)
    except BadKey:
        return
    assert key is None or key in "0123456789*#ABCD"


def pressed(*told: tuple[str, bool, float]) -> str:
    """The keys that count, of those told: key, whether by INFO, when."""
    doubles = Doubles()
    return "".join(key for key, by_info, at in told if not doubles.is_double(key, at, by_info=by_info))


@pytest.mark.parametrize(
    ("told", "counts"),
    [
        ([("1", False, 0), ("1", False, 0.2), ("1", False, 0.4)], "111"),
        ([("1", True, 0), ("1", True, 0.2)], "11"),
        ([("1", True, 0), ("1", False, 0.2)], "1"),
        ([("1", False, 0), ("1", True, 0.1)], "1"),
        ([("1", True, 0), ("1", False, 0.2), ("1", True, 0.4), ("1", False, 0.6)], "11"),
        ([("1", True, 0), ("1", False, 0.2), ("2", True, 0.4), ("2", False, 0.6)], "12"),
        ([("1", True, 0), ("2", False, 0.1)], "12"),
        ([("1", True, 0), ("1", False, 1.5)], "11"),
    ],
)
def test_a_key_that_is_told_both_ways_counts_once(told: list[tuple[str, bool, float]], counts: str) -> None:
    assert pressed(*told) == counts
