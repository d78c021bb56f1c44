"""What is read in a quicker way, or was read before, means what reading it with all care says."""

from collections.abc import Callable
from ipaddress import ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringdove.sip import digest, headers
from ringdove.sip.errors import SipSyntaxError
from ringdove.sip.grammar import parse_any_params, parse_params
from ringdove.sip.headers import NameAddr
from ringdove.sip.memo import LONGEST, remembered
from ringdove.sip.uri import Uri, read_any, spelled

PIECES = st.sampled_from(
    [
        *(
            "sip:",
            "sips:",
            "SIP:",
            "tel:",
            "a",
            "Wren",
            "%41",
            "@",
            ":",
            ":5060",
            ":0",
            ":65536",
            ":99999",
            "2001",
            "x.y",
        ),
        *(
            "127.0.0.1",
            "[::1]",
            ";",
            ";lr",
            ";LR",
            ";transport=udp",
            "=",
            ";tag=1",
            ";tag=",
            ";a=b=c",
            ";q=0.5",
            "?",
            "&",
        ),
        *("<", ">", '"', "\\", " ", "\t", "\u2028", "é", ",", ".", "-", "_", "~", "*", '"a" ', "/"),
    ]
)
TEXTS = st.lists(PIECES, max_size=9).map("".join)


def outcome(read: Callable[..., object], *args: object) -> object:
    """What it gives, or where and why it refuses."""
    try:
        return read(*args)
    except SipSyntaxError as error:
        return error.field, error.reason


@given(TEXTS.map("sip:".__add__) | TEXTS)
@example("sip:2001@127.0.0.1:5060;transport=udp")
@example("sip:a@b;x")
def test_a_usual_uri_is_read_like_any(text: str) -> None:
    assert outcome(Uri.parse, text) == outcome(read_any, text) == outcome(Uri.parse, text)


@given(TEXTS.map(";".__add__) | TEXTS)
@example(";branch=z9hG4bK1;rport")
def test_usual_parameters_are_read_like_any(text: str) -> None:
    assert outcome(parse_params, text, "x") == outcome(parse_any_params, text, "x")


CREDENTIALS = st.lists(
    st.sampled_from(
        [
            *(
                'username="2001"',
                "qop=auth",
                "nc=00000001",
                'uri="sip:a@b;x=y"',
                'a="b,c"',
                'A="\\""',
                "a=b",
                'a=""',
                "a=",
            ),
            *('a="\x01"', "a=\x01", "a=<b>", 'a = "b"', ", ", ",", ",,", " ", "\t", '"', "\\", "=", "é", "\u2028", ";"),
        ]
    ),
    max_size=9,
).map("".join)


@given(CREDENTIALS)
@example('username="2001", realm="ringdove", qop=auth, nc=00000001')
@example('a="b", A="c"')
def test_usual_credentials_are_read_like_any(text: str) -> None:
    usual = outcome(digest._read_params, f"Digest {text}", "x")
    if text.strip():
        assert usual == outcome(digest.read_any_params, text.strip(), "x")


@given(TEXTS.map(lambda text: f"<{text}>;tag=1") | TEXTS.map(lambda text: f"{text}>;tag=1") | TEXTS)
@example('"a" <sip:a@b>;tag=1')
@example('"a>;tag=1" <sip:a@b>')
@example("<sip:a@b>;x=1;tag=2")
def test_an_address_apart_from_its_tag_is_read_like_one_with_it(text: str) -> None:
    def carefully(text: str) -> NameAddr:
        try:
            return headers.read_address(text)
        except SipSyntaxError as error:
            raise SipSyntaxError("To", error.reason) from None

    assert outcome(NameAddr.parse, text, "To") == outcome(carefully, text) == outcome(NameAddr.parse, text, "To")


@given(st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){2,4}\.?", fullmatch=True) | TEXTS | st.ip_addresses().map(str))
def test_an_address_is_spelled_in_one_way(host: str) -> None:
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        assert spelled(host) == host.strip("[]").lower()
    else:
        assert spelled(host) == str(getattr(address, "ipv4_mapped", None) or address)


def test_what_is_remembered_is_bounded_in_length_and_what_fails_is_tried_again() -> None:
    read: list[str] = []

    @remembered
    def look(text: str) -> int:
        read.append(text)
        return len(text)

    long = "x" * (LONGEST + 1)
    assert [look(text) for text in ("a", long, "a", long)] == [1, LONGEST + 1, 1, LONGEST + 1]
    assert read == ["a", long, long]
    for _ in range(2):
        with pytest.raises(SipSyntaxError):
            Uri.parse("sip:")


def test_what_is_remembered_is_bounded_in_number() -> None:
    read: list[str] = []

    def look(text: str) -> int:
        read.append(text)
        return len(text)

    recall = remembered(look, 2)
    assert [recall(text) for text in ("a", "b", "a", "c", "c", "a")] == [1] * 6
    assert read == ["a", "b", "c", "a"]
