"""What a REGISTER does to the bindings of an extension (RFC 3261 §10.3, RFC 5626, RFC 3327)."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.model.binding import StoredBinding
from ringdove.model.extension import Extension
from ringdove.registrar.bindings import Change, Intervals, Refusal, check, contact_value, listing, own_address, register
from ringdove.sip.dialog import new_request
from ringdove.sip.headers import Headers, NameAddr
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request
from ringdove.sip.uri import Uri

NOW = 1_000_000.0
EXTENSION = Extension(id=7, number="1000", reg_name="desk-1000", concurrent_registrations=2)
SOURCE = Hop("udp", "203.0.113.9", 40000, "192.0.2.1", 5060)
TCP_SOURCE = Hop("tcp", "203.0.113.9", 40000, "192.0.2.1", 5060)

Bindings = dict[str, StoredBinding]


def _request(*contacts: str, cseq: int = 1, call_id: str = "c", to: str = "sip:1000@pbx", **more: str) -> Request:
    fields = {
        "Via": "SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1",
        "To": f"<{to}>",
        "Call-ID": call_id,
        "CSeq": f"{cseq} REGISTER",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    return Request("REGISTER", "sip:pbx", Headers([*fields.items(), *(("Contact", c) for c in contacts)]))


def _granted(
    request: Request, present: Mapping[str, StoredBinding], now: float = NOW, source: Hop = SOURCE
) -> Bindings:
    """The bindings after a REGISTER that must be granted."""
    change = register(request, EXTENSION, present, source, now)
    assert isinstance(change, Change), change
    kept = {key: binding for key, binding in present.items() if key not in change.forgotten}
    return kept | {binding.key: binding for binding in change.saved}


def _refused(request: Request, present: Mapping[str, StoredBinding] | None = None) -> int:
    refusal = register(request, EXTENSION, present or {}, SOURCE, NOW)
    assert isinstance(refusal, Refusal)
    return refusal.status


def _one(request: Request, source: Hop = SOURCE) -> StoredBinding:
    (binding,) = _granted(request, {}, source=source).values()
    return binding


def test_a_contact_becomes_a_binding() -> None:
    binding = _one(_request('"Me" <sip:me@10.0.0.5:5062;ob>;q=0.5', User_Agent="Phone 1"))
    assert (binding.extension_id, binding.key, binding.contact) == (
        7,
        "sip:me@10.0.0.5:5062;ob",
        "sip:me@10.0.0.5:5062;ob",
    )
    assert (binding.call_id, binding.cseq, binding.user_agent, binding.q) == ("c", 1, "Phone 1", 0.5)
    assert (binding.registered_at, binding.expires_at) == (NOW, NOW + 3600)


def test_parameters_belong_to_the_URI_within_the_brackets_only() -> None:
    """RFC 4475 §3.3.12, §3.3.13."""
    assert _one(_request("sip:+19725552222@gw1.example.net;unknownparam")).contact == "sip:+19725552222@gw1.example.net"
    contact = "sip:+19725552222@gw1.example.net;unknownparam"
    assert _one(_request(f"<{contact}>")).contact == contact


def test_header_fields_in_a_contact_are_listed_and_go_into_no_request() -> None:
    """RFC 4475 §3.3.14: whoever registers is not to say how our requests are routed."""
    contact = "sip:user@example.com?Route=%3Csip:sip.example.com%3E"
    binding = _one(_request(f"<{contact}>"))
    assert contact_value(binding, NOW) == f"<{contact}>;expires=3600"
    request = new_request("INVITE", Uri.parse(binding.contact), from_=NameAddr(Uri.parse("sip:pbx@here")))
    assert request.uri == "sip:user@example.com"
    assert "Route" not in request.headers


def test_an_IPv6_contact_is_one_binding_however_it_is_written() -> None:
    """RFC 5954 §4. It is listed as the phone wrote it last: some look for their own words."""
    first = _granted(_request("<sip:me@[2001:db8::5]:5062>"), {})
    (binding,) = _granted(_request("<sip:me@[2001:DB8:0:0::0005]:5062>", cseq=2), first).values()
    assert binding.contact == "sip:me@[2001:db8:0:0::0005]:5062"


def test_what_a_phone_says_of_itself_is_kept_short_and_printable() -> None:
    assert _one(_request("<sip:a@b>", User_Agent="a\0b" * 200)).user_agent == ("ab" * 200)[:255]
    assert _one(_request('<sip:a@b>;reg-id=1;+sip.instance="\0"')).instance_id is None
    assert _refused(_request(f"<sip:{'a' * 768}@b>")) == 400
    assert _refused(_request("<sip:a@b>", Path='"\0" <sip:edge;lr>')) == 400


def test_without_a_contact_nothing_changes() -> None:
    assert register(_request(), EXTENSION, {}, SOURCE, NOW) == Change()


@pytest.mark.parametrize("user", ["1000", "desk-1000"])
def test_the_address_of_record_is_the_number_or_the_registration_name(user: str) -> None:
    assert _one(_request("<sip:a@b>", to=f"sip:{user}@anything"))


def test_nobody_registers_for_somebody_else() -> None:
    assert _refused(_request("<sip:a@b>", to="sip:1001@pbx")) == 403


def test_unknown_schemes_get_400() -> None:
    """RFC 4475 §3.3.4."""
    assert _refused(_request("<name:John_Smith>")) == 400
    assert check(_request("<sip:a@b>", to="isbn:2983792873")) == Refusal(400, "Bad Request (To: not a SIP URI)")
    assert check(_request("<sip:a@b>")) is None


@pytest.mark.parametrize(
    ("contact", "header", "seconds"),
    [
        ("<sip:a@b>", None, 3600),
        ("<sip:a@b>", "120", 120),
        ("<sip:a@b>;expires=90", "120", 90),
        ("<sip:a@b>;expires=100000", None, 7200),
        ("<sip:a@b>;expires=soon", "120", 3600),
        ("<sip:a@b>", "10000000000000000000", 3600),
        ("<sip:a@b>;expires=60", None, 60),
    ],
)
def test_how_long_a_binding_lives(contact: str, header: str | None, seconds: int) -> None:
    request = _request(contact, Expires=header) if header else _request(contact)
    assert _one(request).expires_at == NOW + seconds


def test_too_short_an_interval_gets_423_with_the_shortest_one() -> None:
    refusal = register(_request("<sip:a@b>;expires=59"), EXTENSION, {}, SOURCE, NOW)
    assert refusal == Refusal(423, None, (("Min-Expires", "60"),))
    short = Intervals(default=30, minimum=10, maximum=40)
    change = register(_request("<sip:a@b>;expires=59"), EXTENSION, {}, SOURCE, NOW, intervals=short)
    assert isinstance(change, Change)
    assert change.saved[0].expires_at == NOW + 40


def test_a_refresh_prolongs_and_zero_removes() -> None:
    first = _granted(_request("<sip:a@b>"), {})
    later = _granted(_request("<sip:a@b>", cseq=2), first, NOW + 100)
    assert [binding.expires_at for binding in later.values()] == [NOW + 3700]
    assert _granted(_request("<sip:a@b>;expires=0", cseq=3), later) == {}
    assert _granted(_request("<sip:x@y>;expires=0", cseq=3), later) == later


def test_contacts_are_the_same_however_their_host_is_written() -> None:
    first = _granted(_request("<sip:%61@HOST;Lr>"), {})
    assert len(_granted(_request("<SIP:a@host;lr>", cseq=2), first)) == 1


@pytest.mark.parametrize("contact", ["<sip:a@b>", "<sip:a@b>;expires=60", "*"])
def test_what_comes_late_changes_nothing(contact: str) -> None:
    present = _granted(_request("<sip:a@b>", cseq=5), {})
    for cseq in (4, 5):
        assert _refused(_request(contact, cseq=cseq, Expires="0"), present) == 500


def test_a_phone_that_was_restarted_counts_anew() -> None:
    present = _granted(_request("<sip:a@b>", cseq=5), {})
    (binding,) = _granted(_request("<sip:a@b>", cseq=1, call_id="other"), present).values()
    assert (binding.call_id, binding.cseq) == ("other", 1)


def test_all_contacts_or_none() -> None:
    present = _granted(_request("<sip:a@b>", cseq=5), {})
    assert _refused(_request("<sip:new@b>", "<sip:a@b>", cseq=5), present) == 500
    assert _refused(_request("<sip:new@b>", "<sip:a@b>;expires=5", cseq=6), present) == 423


def test_a_star_removes_all() -> None:
    present = _granted(_request("<sip:a@b>", "<sip:c@d>"), {})
    assert len(present) == 2
    assert _granted(_request("*", cseq=2, Expires="0"), present) == {}


@pytest.mark.parametrize(
    "request_", [_request("*"), _request("*", Expires="60"), _request("*", "<sip:a@b>", Expires="0")]
)
def test_a_star_stands_alone_with_expires_0(request_: Request) -> None:
    assert _refused(request_) == 400


def test_a_device_is_known_by_its_instance_and_flow() -> None:
    """RFC 5626: a new address of the same phone takes the place of the old one."""
    instance = ';+sip.instance="<urn:uuid:1>"'
    first = _granted(_request(f"<sip:a@b:1>;reg-id=1{instance}"), {})
    second = _granted(_request(f"<sip:a@b:2>;reg-id=1{instance}", call_id="d"), first)
    assert [(b.key, b.contact, b.instance_id, b.reg_id) for b in second.values()] == [
        ("<urn:uuid:1>;1", "sip:a@b:2", "<urn:uuid:1>", 1)
    ]
    assert len(_granted(_request(f"<sip:a@b:3>;reg-id=2{instance}"), second)) == 2


def test_reg_id_needs_an_instance() -> None:
    binding = _one(_request("<sip:a@b>;reg-id=1"))
    assert (binding.key, binding.instance_id, binding.reg_id) == ("sip:a@b", None, None)


def test_one_phone_too_many_takes_the_place_of_the_one_refreshed_longest_ago() -> None:
    present = _granted(_request("<sip:a@b>"), {}, NOW)
    present = _granted(_request("<sip:c@d>"), present, NOW + 1)
    present = _granted(_request("<sip:a@b>", cseq=2), present, NOW + 2)
    assert set(_granted(_request("<sip:e@f>"), present, NOW + 3)) == {"sip:a@b", "sip:e@f"}


def test_a_phone_that_does_not_answer_goes_first() -> None:
    present = _granted(_request("<sip:a@b>"), {}, NOW)
    present = _granted(_request("<sip:c@d>"), present, NOW + 1)
    change = register(_request("<sip:e@f>"), EXTENSION, present, SOURCE, NOW + 3, unreachable={"sip:c@d"})
    assert isinstance(change, Change)
    assert change.forgotten == ("sip:c@d",)


def test_a_removal_evicts_nobody_though_the_limit_was_lowered() -> None:
    many = {f"sip:{i}@b": _one(_request(f"<sip:{i}@b>")) for i in range(4)}
    assert len(_granted(_request("<sip:0@b>;expires=0", cseq=2), many)) == 3


def test_more_contacts_at_once_than_allowed_are_refused() -> None:
    assert _refused(_request("<sip:a@b>, <sip:c@d>", "<sip:e@f>")) == 403


def test_behind_nat_the_source_is_called_and_the_contact_is_kept() -> None:
    binding = _one(_request("<sip:me@10.0.0.5:5062>"))
    assert Hop.of_binding(binding) == SOURCE
    assert binding.contact == "sip:me@10.0.0.5:5062"


def test_where_nothing_translates_addresses_the_contact_counts() -> None:
    request = _request("<sip:me@203.0.113.10:5062>", Via="SIP/2.0/UDP 203.0.113.9:40000;branch=z9hG4bK1")
    assert Hop.of_binding(_one(request)).remote == ("udp", "203.0.113.10", 5062)
    for other in ("<sip:me@phone.example:5062>", "<sip:me@203.0.113.10:5062;transport=tcp>"):
        assert Hop.of_binding(_one(_request(other, Via=request.headers.get("Via") or ""))) == SOURCE
    assert Hop.of_binding(_one(request, TCP_SOURCE)) == TCP_SOURCE


def test_a_path_is_kept_and_leads_back_through_the_proxy() -> None:
    binding = _one(
        _request(
            "<sip:me@203.0.113.10>",
            Via="SIP/2.0/UDP 203.0.113.9:40000;branch=z9hG4bK1",
            Path="<sip:edge1;lr>, <sip:edge2;lr>",
        )
    )
    assert binding.path == ("<sip:edge1;lr>", "<sip:edge2;lr>")
    assert Hop.of_binding(binding) == SOURCE


def test_a_stream_phone_has_an_address_of_its_own_only_where_its_contact_shows_it() -> None:
    listens = own_address(_one(_request("<sip:me@203.0.113.9:5070;transport=tcp>"), TCP_SOURCE))
    assert listens == TCP_SOURCE._replace(remote_port=5070)
    assert own_address(_one(_request("<sip:me@10.0.0.5:5070;transport=tcp>"), TCP_SOURCE)) is None
    assert own_address(_one(_request("<sip:me@203.0.113.9:5070>", Path="<sip:edge;lr>"), TCP_SOURCE)) is None


def test_the_200_lists_what_there_is_with_the_time_left() -> None:
    binding = _one(_request('<sip:a@b;ob>;q=0.25;reg-id=1;+sip.instance="<urn:uuid:1>"'))
    assert contact_value(binding, NOW + 600) == '<sip:a@b;ob>;expires=3000;q=0.25;+sip.instance="<urn:uuid:1>";reg-id=1'
    older = binding.model_copy(update={"contact": "sip:c@d", "registered_at": NOW - 1, "q": 1.0, "reg_id": None})
    assert [value.partition(";")[0] for value in listing([binding, older], NOW)] == ["<sip:c@d>", "<sip:a@b"]


contacts = st.sampled_from(
    [f"<sip:{name}@b>{more}" for name in "abcd" for more in ("", ";expires=0", ";expires=60", ";q=2")]
)


@given(st.lists(st.tuples(st.lists(contacts, max_size=3), st.integers(1, 9), st.integers(0, 50)), max_size=12))
def test_never_more_bindings_than_allowed_and_a_grant_holds(
    requests: list[tuple[list[str], int, int]],
) -> None:
    present: Bindings = {}
    now = NOW
    for wanted, cseq, seconds in requests:
        now += seconds
        present = {key: binding for key, binding in present.items() if binding.expires_at > now}
        before = dict(present)
        request = _request(*wanted, cseq=cseq)
        change = register(request, EXTENSION, present, SOURCE, now)
        assert present == before
        if isinstance(change, Refusal):
            continue
        present = {k: b for k, b in present.items() if k not in change.forgotten} | {b.key: b for b in change.saved}
        assert len(present) <= 2
        assert all(binding.expires_at > now for binding in change.saved)
        last = {contact.partition(">")[0]: contact for contact in wanted}
        for address, contact in last.items():
            assert (f"{address[1:]}" in present) == ("expires=0" not in contact)
