"""Header fields and their values (RFC 3261 §7.3, §20)."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.sip.errors import SipSyntaxError
from ringdove.sip.grammar import delta_seconds, parse_params, quote, split_list, unquote
from ringdove.sip.headers import COMPACT, CSeq, Headers, NameAddr, Via, canonical
from ringdove.sip.uri import Uri


def test_names_are_case_blind_and_have_compact_forms() -> None:
    assert canonical("call-ID") == canonical("i") == canonical("I") == "Call-ID"
    assert canonical("cseq") == "CSeq"
    assert canonical("x-my-field") == "X-My-Field"
    assert {canonical(short) for short in COMPACT} == set(COMPACT.values())


def test_a_name_cannot_smuggle_in_another_field() -> None:
    with pytest.raises(SipSyntaxError):
        Headers().add("X\r\nContact", "sip:mallory@evil")


def test_fields_of_one_name_keep_their_order_and_lists_come_apart() -> None:
    headers = Headers([("v", "a, b"), ("To", "x"), ("Via", "c")])
    assert headers.get("Via") == "a, b"
    assert headers.get_all("Via") == ["a, b", "c"]
    assert headers.values("Via") == ["a", "b", "c"]
    assert list(headers) == [("Via", "a, b"), ("Via", "c"), ("To", "x")]
    assert "To" in headers
    assert len(headers) == 3


def test_setting_replaces_all_in_the_place_of_the_first() -> None:
    headers = Headers([("P", "1"), ("Q", "2"), ("P", "3"), ("W", "4")])
    headers.set("p", "9")
    assert list(headers) == [("P", "9"), ("Q", "2"), ("W", "4")]
    headers.set_all("Q", ["5", "6"])
    headers.set("Z", "7")
    assert list(headers) == [("P", "9"), ("Q", "5"), ("Q", "6"), ("W", "4"), ("Z", "7")]
    headers.prepend("N", "0")
    headers.remove("Q")
    assert [name for name, _ in headers] == ["N", "P", "W", "Z"]


def test_a_copy_is_independent() -> None:
    headers = Headers([("P", "1")])
    twin = headers.copy()
    twin.add("Q", "2")
    assert len(headers) == 1


def test_commas_in_quotes_and_brackets_do_not_separate() -> None:
    value = '"Bell, A\\", B" <sip:a@b?x=1,2>;tag=1 , <sip:c@d>'
    assert split_list(value) == ['"Bell, A\\", B" <sip:a@b?x=1,2>;tag=1', "<sip:c@d>"]
    assert split_list(" a ,, b ,") == ["a", "b"]
    assert split_list("") == []


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("", ()),
        (";a", (("a", None),)),
        ("a=1", (("a", "1"),)),
        (' ; A = b ;c="d;e"', (("a", "b"), ("c", '"d;e"'))),
        (";received=::1;rport", (("received", "::1"), ("rport", None))),
    ],
)
def test_parameters(text: str, params: object) -> None:
    assert parse_params(text, "X") == params


@pytest.mark.parametrize("text", [";;", ";a;", ";a=", ";=b", ";a b", ";a=b c", ';a="b', ";a=<b>", ";;a"])
def test_bad_parameters_are_refused(text: str) -> None:
    with pytest.raises(SipSyntaxError):
        parse_params(text, "X")


@pytest.mark.parametrize(
    ("text", "name", "uri", "tag"),
    [
        ("sip:a@b;tag=1", "", "sip:a@b", "1"),
        ("<sip:a@b;x=y>;tag=1", "", "sip:a@b;x=y", "1"),
        ("Alice B <sip:a@b>", "Alice B", "sip:a@b", None),
        ('"A \\"B\\" <c>" <sip:a@b>;tag=2', 'A "B" <c>', "sip:a@b", "2"),
        ('"a\x07b"<tel:123>', "ab", "tel:123", None),
    ],
)
def test_addresses(text: str, name: str, uri: str, tag: str | None) -> None:
    address = NameAddr.parse(text)
    assert (address.display_name, str(address.uri), address.tag) == (name, uri, tag)


@pytest.mark.parametrize(
    "text",
    ["", "alice", '"Alice" sip:a@b', '"Alice <sip:a@b>', "<sip:a@b", "A, B <sip:a@b>", "<sip:a@b> x", "sip:a@b?c=d"],
)
def test_text_that_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(SipSyntaxError) as caught:
        NameAddr.parse(text, "From")
    assert caught.value.field == "From"


def test_a_parameter_is_added_or_replaced() -> None:
    address = NameAddr.parse("<sip:a@b>;tag=1;x")
    assert str(address.with_param("tag", "2")) == "<sip:a@b>;x;tag=2"
    via = Via.parse("SIP/2.0/UDP a;rport;branch=z9hG4bK1")
    assert str(via.with_param("rport", "5")) == "SIP/2.0/UDP a;rport=5;branch=z9hG4bK1"
    assert str(via.with_param("received", "1.2.3.4")).endswith(";received=1.2.3.4")


def test_via() -> None:
    via = Via.parse("sip / 2.0 / tcp  [2001:db8::1] : 5070 ; branch = z9hG4bK1")
    assert (via.transport, via.host, via.port, via.branch) == ("TCP", "[2001:db8::1]", 5070, "z9hG4bK1")
    assert Via.parse("SIP/2.0/UDP host").branch == ""


@pytest.mark.parametrize(
    "text", ["", "SIP/2.0/UDP", "SIP/2.0 host", "SIP/2.0/UDP a b", "SIP/2.0/UDP host:0", "SIP/2.0/UDP host;;"]
)
def test_text_that_is_no_via_is_refused(text: str) -> None:
    with pytest.raises(SipSyntaxError) as caught:
        Via.parse(text)
    assert caught.value.field in ("Via", "port")


def test_cseq_is_below_two_to_the_31() -> None:
    assert CSeq.parse(" 0009 \t INVITE ") == (9, "INVITE")
    assert str(CSeq.parse("2147483647 A")) == "2147483647 A"
    for text in ("2147483648 A", "-1 A", "1", "1 A B", "A 1", "", "٣ A"):
        with pytest.raises(SipSyntaxError):
            CSeq.parse(text)


def test_delta_seconds() -> None:
    assert delta_seconds("3600") == 3600
    for text in (None, "", "-1", "1.5", "abc", "4294967296", "٣", "9" * 5000):
        assert delta_seconds(text) is None


@given(st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])))
def test_quoting_is_undone_by_unquoting(text: str) -> None:
    assert unquote(quote(text)) == text
    assert split_list(f"{quote(text)} <sip:a@b>, x") == [f"{quote(text)} <sip:a@b>", "x"]


@given(st.text(alphabet=st.characters(exclude_categories=["C", "Z"])), st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True))
def test_an_address_survives_being_written_and_read(name: str, tag: str) -> None:
    address = NameAddr(Uri("sip", "host", "alice"), name, (("tag", tag),))
    assert NameAddr.parse(str(address)) == address


@given(st.text(max_size=60))
def test_any_text_is_a_value_or_a_syntax_error(text: str) -> None:
    for read in (NameAddr.parse, Via.parse, CSeq.parse, lambda value: parse_params(value, "X")):
        with suppress(SipSyntaxError):
            read(text)
