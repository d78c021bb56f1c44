"""SIP URIs (RFC 3261 §19.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.sip.errors import SipSyntaxError
from ringdove.sip.uri import Uri, spelled, split_host_port


@pytest.mark.parametrize(
    "text",
    [
        "sip:alice@atlanta.com",
        "sip:alice:secretword@atlanta.com;transport=tcp",
        "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:+1-212-555-1212:1234@gateway.com;user=phone",
        "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
        "sip:alice;day=tuesday@atlanta.com",
        "sip:1000@[2001:db8::1]:5080;transport=udp;lr",
        "tel:+358-555-1234567",
    ],
)
def test_the_forms_of_the_rfc_come_out_as_they_went_in(text: str) -> None:
    assert str(Uri.parse(text)) == text


def test_its_parts() -> None:
    uri = Uri.parse("SIP:alice%20b:pw@Atlanta.COM:5070;Transport=tcp;lr?a=b")
    assert (uri.scheme, uri.user, uri.password, uri.host, uri.port) == ("sip", "alice b", "pw", "atlanta.com", 5070)
    assert uri.transport == "tcp"
    assert uri.is_loose_router
    assert uri.param("lr") == ""
    assert uri.param("maddr") is None
    assert uri.headers == "a=b"
    assert str(uri.without_params("lr")) == "sip:alice%20b:pw@atlanta.com:5070;transport=tcp?a=b"


def test_only_the_last_at_sign_can_end_the_user_part() -> None:
    assert Uri.parse("sip:a?b;c/d@host").user == "a?b;c/d"
    with pytest.raises(SipSyntaxError):
        Uri.parse("sip:a@b@host")


def test_a_hash_key_may_come_as_it_was_dialled() -> None:
    assert Uri.parse("sip:#6001@pbx.example").user == Uri.parse("sip:%236001@pbx.example").user == "#6001"
    assert str(Uri.parse("sip:#6001@pbx.example")) == "sip:%236001@pbx.example"


def test_the_transport_follows_the_scheme_unless_named() -> None:
    assert Uri.parse("sip:a@b").transport == "udp"
    assert Uri.parse("sips:a@b").transport == "tls"
    assert Uri.parse("sip:a@b;transport=WS").transport == "ws"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice@atlanta.com",
        "sip:",
        "sip:@host",
        "sip:alice@",
        "sip:alice@host:0",
        "sip:alice@host:65536",
        "sip:alice@host:x",
        "sip:alice@host:",
        "sip:alice@ho st",
        "sip:ali ce@host",
        "sip:alice@host;",
        "sip:alice@host;;lr",
        "sip:alice@host;a=",
        "sip:alice@-host",
        "sip:alice@[::1",
        "sip:alice@[::1]5060",
        "sip:alice@[nothex]",
        "sip:al%2@host",
        "sip:al%FFice@host",
        "sip:alice@hôst",
        "<sip:alice@host>",
        "tel:12 34",
        "x_y:z",
    ],
)
def test_text_that_is_no_uri_is_refused(text: str) -> None:
    with pytest.raises(SipSyntaxError):
        Uri.parse(text)


def test_a_port_needs_a_number() -> None:
    assert split_host_port("[::1]:5060") == ("[::1]", 5060)
    assert split_host_port("host") == ("host", None)
    with pytest.raises(SipSyntaxError):
        split_host_port("host:٥٠٦٠")


@given(st.text(min_size=1).filter(lambda text: text.encode("utf-8", "replace").decode() == text))
def test_any_user_name_survives_being_written_and_read(user: str) -> None:
    assert Uri.parse(str(Uri("sip", "host", user))).user == user


@given(
    st.text(alphabet=st.characters(max_codepoint=0x17F), max_size=80)
    | st.from_regex(r"sips?:[!-~]{0,60}", fullmatch=True)
)
def test_any_text_is_a_uri_or_a_syntax_error(text: str) -> None:
    try:
        uri = Uri.parse(text)
    except SipSyntaxError:
        return
    assert Uri.parse(str(uri)) == uri


@pytest.mark.parametrize(
    ("host", "spelling"),
    [
        ("[2001:DB8:0:0::0010]", "2001:db8::10"),
        ("2001:db8::10", "2001:db8::10"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::ffff:192.0.2.1]", "192.0.2.1"),
        ("PBX.example.test", "pbx.example.test"),
        ("[2001:db8:::192.0.2.1]", "2001:db8:::192.0.2.1"),
    ],
)
def test_a_host_has_one_spelling(host: str, spelling: str) -> None:
    assert spelled(host) == spelling
