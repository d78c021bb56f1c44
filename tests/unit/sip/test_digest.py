"""Digest authentication (RFC 7616, RFC 8760)."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.sip.digest import Algorithm, Credentials, Realm, Verdict, authorize
from ringdove.sip.errors import SipSyntaxError
from ringdove.sip.message import Request

REGISTER = Request("REGISTER", "sip:pbx.example")
NOW = 1000.0
HOST = "192.0.2.1"


def _answer(realm: Realm, password: str = "secret", now: float = NOW, **more: Any) -> Credentials:
    return _read(realm, authorize(realm.challenges(HOST, now), "1000", password, "REGISTER", "sip:pbx.example", **more))


def _read(realm: Realm, value: str) -> Credentials:
    credentials = realm.credentials([value])
    assert credentials is not None
    return credentials


def test_the_examples_of_rfc_7616() -> None:
    """§3.9.1, both algorithms."""
    expected = {
        Algorithm.MD5: "8ca523f5e9506fed4657c9700eebdbec",
        Algorithm.SHA256: "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    }
    for algorithm, response in expected.items():
        credentials = Credentials(
            username="Mufasa",
            realm="http-auth@example.org",
            nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            uri="/dir/index.html",
            response="",
            algorithm=algorithm,
            cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            nonce_count="00000001",
        )
        assert credentials.expected("Circle of Life", "GET") == response


def test_both_algorithms_are_offered_md5_first() -> None:
    first, second = Realm("pbx").challenges(HOST, NOW)
    assert "algorithm=MD5" in first
    assert "algorithm=SHA-256" in second
    assert all('qop="auth"' in challenge and "stale" not in challenge for challenge in (first, second))
    assert all("stale=true" in challenge for challenge in Realm("pbx").challenges(HOST, NOW, stale=True))


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_who_knows_the_password_gets_in(algorithm: Algorithm) -> None:
    realm = Realm("pbx")
    credentials = _answer(realm, algorithms=[algorithm])
    assert credentials.algorithm is algorithm
    assert realm.verify(credentials, "secret", REGISTER, HOST, NOW) is Verdict.GRANTED


def test_who_does_not_is_denied() -> None:
    realm = Realm("pbx")
    assert realm.verify(_answer(realm, "guess"), "secret", REGISTER, HOST, NOW) is Verdict.DENIED


def test_credentials_are_good_for_one_method_and_one_resource() -> None:
    realm = Realm("pbx")
    for request in (Request("INVITE", "sip:pbx.example"), Request("REGISTER", "sip:other.example")):
        assert realm.verify(_answer(realm), "secret", request, HOST, NOW) is Verdict.DENIED
    same = Request("REGISTER", "sip:PBX.example:5060;transport=tcp")
    assert realm.verify(_answer(realm), "secret", same, HOST, NOW) is Verdict.GRANTED


def test_an_IPv6_resource_is_the_same_however_it_is_written() -> None:
    realm = Realm("pbx")
    value = authorize(realm.challenges(HOST, NOW), "1000", "secret", "REGISTER", "sip:[2001:DB8:0::10]")
    same = Request("REGISTER", "sip:[2001:db8::10]")
    assert realm.verify(_read(realm, value), "secret", same, HOST, NOW) is Verdict.GRANTED


def test_a_nonce_count_works_once_and_only_rises() -> None:
    realm = Realm("pbx")
    challenges = realm.challenges(HOST, NOW)

    def verdict(count: int) -> Verdict:
        value = authorize(challenges, "1000", "secret", "REGISTER", "sip:pbx.example", nonce_count=count)
        return realm.verify(_read(realm, value), "secret", REGISTER, HOST, NOW)

    granted, stale = Verdict.GRANTED, Verdict.STALE
    assert [verdict(count) for count in (1, 1, 2, 5, 4, 0x10)] == [granted, stale, granted, granted, stale, granted]


def test_a_wrong_password_does_not_use_a_nonce_up() -> None:
    realm = Realm("pbx")
    challenges = realm.challenges(HOST, NOW)
    for password, expected in (("guess", Verdict.DENIED), ("secret", Verdict.GRANTED)):
        value = authorize(challenges, "1000", password, "REGISTER", "sip:pbx.example")
        assert realm.verify(_read(realm, value), "secret", REGISTER, HOST, NOW) is expected


def test_a_nonce_is_good_for_the_host_that_it_was_given_to() -> None:
    realm = Realm("pbx")
    credentials = _answer(realm)
    assert realm.verify(credentials, "secret", REGISTER, "192.0.2.2", NOW) is Verdict.STALE
    assert realm.verify(credentials, "secret", REGISTER, HOST, NOW) is Verdict.GRANTED


def test_an_old_a_future_and_a_foreign_nonce_are_stale() -> None:
    realm = Realm("pbx", lifetime=300)
    for at, asked in product((NOW - 300.1, NOW + 1), ("secret", "guess")):
        assert realm.verify(_answer(realm, asked, at), "secret", REGISTER, HOST, NOW) is Verdict.STALE
    assert realm.verify(_answer(realm, now=NOW - 300), "secret", REGISTER, HOST, NOW) is Verdict.GRANTED
    restarted = Realm("pbx")
    assert restarted.verify(_answer(realm), "secret", REGISTER, HOST, NOW) is Verdict.STALE
    good = _answer(realm)
    assert realm.is_usable(good, HOST, NOW)
    for nonce in ("", "x", "ü", "AAAA", "=" * 44, "A" * 44):
        assert not realm.is_usable(good._replace(nonce=nonce), HOST, NOW)


def test_a_shared_key_makes_a_realm_go_on() -> None:
    first, second = Realm("pbx", key=b"k" * 32), Realm("pbx", key=b"k" * 32)
    assert second.verify(_answer(first), "secret", REGISTER, HOST, NOW) is Verdict.GRANTED


def test_nonces_differ_though_made_at_once() -> None:
    realm = Realm("pbx")
    assert realm.challenges(HOST, NOW) != realm.challenges(HOST, NOW)


def test_memory_is_bounded_and_what_is_forgotten_cannot_be_replayed() -> None:
    realm = Realm("pbx", max_nonces=10)
    used = [_answer(realm, now=NOW + i) for i in range(30)]
    for credentials in used:
        assert realm.verify(credentials, "secret", REGISTER, HOST, NOW + 30) is Verdict.GRANTED
    assert len(realm._counts) == 10
    for credentials in used:
        assert realm.verify(credentials, "secret", REGISTER, HOST, NOW + 30) is Verdict.STALE


def test_nonces_are_forgotten_when_they_are_too_old_anyway() -> None:
    realm = Realm("pbx", lifetime=10)
    for i in range(0, 1000, 5):
        assert realm.verify(_answer(realm, now=NOW + i), "secret", REGISTER, HOST, NOW + i) is Verdict.GRANTED
    assert len(realm._counts) <= 3


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic YTpi",
        "NoOneKnowsThisScheme opaque-data=here",
        "Digest",
        'Digest username="a"',
        "{good}, algorithm=MD5",
        "{good}, x",
        '{good}, x="',
        "{good}, x=a b",
        '{good}, x="\x00"',
    ],
)
def test_what_cannot_be_read_is_a_syntax_error_and_counts_as_none(value: str) -> None:
    realm = Realm("pbx")
    good = authorize(realm.challenges(HOST, NOW), "1000", "secret", "REGISTER", "sip:pbx.example")
    assert Credentials.parse(good).username == "1000"
    value = value.format(good=good)
    with pytest.raises(SipSyntaxError):
        Credentials.parse(value)
    assert realm.credentials([value]) is None
    assert realm.credentials([value, good]) is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("qop=auth", "qop=auth-int"),
        ("algorithm=MD5", "algorithm=SHA-512-256"),
        ("nc=00000001", "nc=1"),
        ("cnonce=", "c="),
    ],
)
def test_what_was_not_offered_is_refused(old: str, new: str) -> None:
    good = authorize(Realm("pbx").challenges(HOST, NOW), "1000", "secret", "REGISTER", "sip:pbx.example")
    assert old in good
    with pytest.raises(SipSyntaxError):
        Credentials.parse(good.replace(old, new))


def test_credentials_for_another_realm_are_passed_over() -> None:
    assert Realm("other").credentials([authorize(Realm("pbx").challenges(HOST, NOW), "a", "b", "X", "sip:x")]) is None


def test_a_client_takes_the_first_challenge_that_it_can_answer() -> None:
    challenges = [
        'Digest realm="r", nonce="n", algorithm=SHA-512-256, qop="auth"',
        'Digest realm="r", nonce="m", qop="auth-int,auth"',
    ]
    value = authorize([*challenges, "Basic x"], "a", "b", "REGISTER", "sip:x")
    assert Credentials.parse(value).nonce == "m"
    assert Credentials.parse(value).algorithm is Algorithm.MD5
    with pytest.raises(SipSyntaxError):
        authorize(challenges[:1], "a", "b", "REGISTER", "sip:x")


def test_a_client_gives_opaque_back() -> None:
    value = authorize(['Digest realm="r", nonce="n", qop="auth", opaque="a\\"b"'], "a", "b", "REGISTER", "sip:x")
    assert value.endswith(', opaque="a\\"b"')


printable = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["C"]), min_size=1, max_size=20
)


@given(printable, printable, printable)
def test_any_name_and_password_can_be_used(username: str, password: str, name: str) -> None:
    realm = Realm(name)
    value = authorize(realm.challenges(HOST, NOW), username, password, "REGISTER", "sip:pbx.example")
    credentials = _read(realm, value)
    assert credentials.username == username
    assert realm.verify(credentials, password + "x", REGISTER, HOST, NOW) is Verdict.DENIED
    assert realm.verify(credentials, password, REGISTER, HOST, NOW) is Verdict.GRANTED


@given(st.text(max_size=80) | st.text(alphabet='Digest realm="nonce,\\= ', max_size=80).map("Digest ".__add__))
def test_any_text_is_credentials_or_a_syntax_error(value: str) -> None:
    try:
        Credentials.parse(value)
    except SipSyntaxError:
        return
