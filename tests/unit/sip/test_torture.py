"""The 49 messages of RFC 4475 between parser and validator; tests/wire/test_torture_answers.py has what is answered."""

from pathlib import Path

import pytest

from ringdove.sip.headers import NameAddr
from ringdove.sip.message import Request, Response
from ringdove.sip.parser import parse
from ringdove.sip.sdp import parse as read_description
from ringdove.sip.uri import spelled
from ringdove.sip.validator import Rejection, check_request, check_response

FOLDER = Path(__file__).parents[2] / "torture" / "rfc4475"

# What becomes of each: None where it is handed on, a status for a request that is answered by it, DROP for a request
# that cannot be answered and for a response.
DROP = "drop"
TABLE: dict[str, int | str | None] = {
    # 3.1.1 valid
    "wsinv": None,
    "intmeth": None,
    "esc01": None,
    "escnull": None,
    "esc02": None,
    "lwsdisp": None,
    "longreq": None,
    "dblreq": None,
    "semiuri": None,
    "transports": None,
    "mpart01": None,
    "unreason": None,
    "noreason": None,
    # 3.1.2 invalid
    "badinv01": 400,
    "clerr": 400,
    "ncl": 400,
    "scalar02": 400,
    "scalarlg": DROP,
    "quotbal": 400,
    "ltgtruri": 400,
    "lwsruri": 400,
    "lwsstart": 400,
    "trws": 400,
    "escruri": 400,
    "baddate": 400,
    "regbadct": 400,
    "badaspec": 400,
    "baddn": 400,
    "badvers": 505,
    "mismatch01": 400,
    "mismatch02": 400,
    "bigcode": DROP,
    # 3.2 to 3.4: well-formed, with the answer that the RFC gives where it is not for a layer above
    "badbranch": None,
    "insuf": 400,
    "unkscm": 416,
    "novelsc": 416,
    "unksm2": None,  # a registrar's 400
    "bext01": 420,
    "invut": 415,
    "regaut01": None,  # a registrar's 401
    "multi01": 400,
    "mcl01": 400,
    "bcast": DROP,
    "zeromf": None,  # asks ourselves, so that nothing has to be forwarded
    "cparam01": None,
    "cparam02": None,
    "regescrt": None,
    "sdp01": 406,
    "inv2543": None,
}


def _read(name: str) -> Request | Response:
    return parse((FOLDER / f"{name}.dat").read_bytes())


def _verdict(name: str) -> int | str | None:
    message = _read(name)
    if isinstance(message, Response):
        return DROP if check_response(message) is not None else None
    rejection = check_request(message)
    if rejection is None:
        return None
    return rejection.status if rejection.answerable else DROP


def test_the_table_names_every_message() -> None:
    assert {path.stem for path in FOLDER.glob("*.dat")} == set(TABLE)


def test_the_table_refuses_what_the_readme_of_the_messages_refuses() -> None:
    lines = (FOLDER / "README.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")] for line in lines if ".dat |" in line]
    refused = {row[2].removesuffix(".dat") for row in rows if row[3] == "refuse"}
    assert len(rows) == 49
    assert refused <= {name for name, verdict in TABLE.items() if verdict is not None}
    assert not refused & {row[2].removesuffix(".dat") for row in rows if row[3] == "parse"}


@pytest.mark.parametrize(("name", "verdict"), TABLE.items())
def test_each_message_gets_what_the_rfc_says(name: str, verdict: int | str | None) -> None:
    assert _verdict(name) == verdict


@pytest.mark.parametrize("name", sorted(TABLE))
def test_serialising_again_changes_nothing(name: str) -> None:
    first = _read(name).to_bytes()
    assert parse(first).to_bytes() == first


@pytest.mark.parametrize("name", sorted(name for name, verdict in TABLE.items() if verdict is None))
def test_what_is_handed_on_can_be_read_in_every_part(name: str) -> None:
    message = _read(name)
    parts: list[object] = [
        message.via,
        message.vias,
        message.from_,
        message.to,
        message.cseq,
        message.call_id,
        message.content_type,
    ]
    parts += [message.contacts, message.routes, message.record_routes]
    if isinstance(message, Request):
        parts += [message.target, message.max_forwards]
    assert None not in parts


@pytest.mark.parametrize("name", sorted(name for name, verdict in TABLE.items() if isinstance(verdict, int)))
def test_every_refusal_can_be_sent(name: str) -> None:
    request = _read(name)
    assert isinstance(request, Request)
    rejection = check_request(request)
    assert isinstance(rejection, Rejection)
    answer = parse(rejection.response(request, "here").to_bytes())
    assert isinstance(answer, Response)
    assert answer.status == rejection.status
    assert answer.headers.get_all("Via") == request.headers.get_all("Via")


def test_wsinv_reads_through_all_its_white_space() -> None:
    request = _read("wsinv")
    assert isinstance(request, Request)
    assert request.max_forwards == 68
    assert request.cseq == (9, "INVITE")
    assert request.from_.display_name == 'J Rosenberg \\"'
    assert request.from_.tag == "98asjd8"
    assert request.to.tag == "1918181833n"
    assert [(via.transport, via.host, via.branch) for via in request.vias] == [
        ("UDP", "192.0.2.2", "390skdjuw"),
        ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
        ("UDP", "192.168.255.111", "z9hG4bK30239"),
    ]
    (contact,) = request.contacts
    assert contact.display_name == 'Quoted string ""'
    assert contact.param("q") == "0.33"
    assert contact.param("newparam") == "newvalue"
    assert request.headers.get("NewFangledHeader") is None
    assert request.headers.get("Newfangledheader") == "newfangled value continued newfangled value"


def test_esc01_keeps_an_escaped_at_sign_in_the_user_part() -> None:
    request = _read("esc01")
    assert isinstance(request, Request)
    assert request.target.user == "sips:user@example.com"
    assert request.target.host == "example.net"
    assert request.to.uri.user == "user"


def test_esc02_does_not_unescape_method_and_field_names() -> None:
    request = _read("esc02")
    assert isinstance(request, Request)
    assert request.method == "RE%47IST%45R"
    assert len(request.contacts) == 2


def test_dblreq_ends_where_content_length_says() -> None:
    request = _read("dblreq")
    assert isinstance(request, Request)
    assert request.method == "REGISTER"
    assert request.body == b""


def test_semiuri_has_its_semicolon_in_the_user_part() -> None:
    request = _read("semiuri")
    assert isinstance(request, Request)
    assert request.target.user == "user;par=u@example.net"
    assert request.target.params == ()


def test_cparam_parameters_belong_where_the_brackets_put_them() -> None:
    bare, bracketed = _read("cparam01").contacts[0], _read("cparam02").contacts[0]
    assert bare.params == (("unknownparam", None),)
    assert bracketed.params == ()
    assert bracketed.uri.params == (("unknownparam", None),)


def test_bext01_is_told_which_options_it_asked_for_in_vain() -> None:
    request = _read("bext01")
    assert isinstance(request, Request)
    rejection = check_request(request)
    assert rejection is not None
    assert rejection.headers == (("Unsupported", "nothingSupportsThis, nothingSupportsThisEither"),)


def test_mpart01_keeps_its_binary_body() -> None:
    message = _read("mpart01")
    assert len(message.body) == 553
    assert isinstance(message.contacts[0], NameAddr)


def test_unreason_keeps_its_reason() -> None:
    response = _read("unreason")
    assert isinstance(response, Response)
    assert response.reason.startswith("= 2**3 * 5**2 но сто")


def _ipv6(name: str) -> Request:
    """A message of RFC 5118."""
    message = parse((FOLDER.parent / "rfc5118" / f"{name}.dat").read_bytes())
    assert isinstance(message, Request)
    return message


@pytest.mark.parametrize("path", sorted((FOLDER.parent / "rfc5118").glob("*.dat")), ids=lambda path: path.stem)
def test_rfc_5118_refuses_one_message_and_takes_all_others(path: Path) -> None:
    request = _ipv6(path.stem)
    assert (check_request(request) is None) == (path.stem != "ipv6-bad")
    first = request.to_bytes()
    assert parse(first).to_bytes() == first


@pytest.mark.parametrize(
    ("name", "host", "port"),
    [
        ("ipv6-good", "[2001:db8::10]", None),
        ("port-ambiguous", "[2001:db8::10:5070]", None),
        ("port-unambiguous", "[2001:db8::10]", 5070),
    ],
)
def test_a_port_is_what_stands_behind_the_brackets(name: str, host: str, port: int | None) -> None:
    target = _ipv6(name).target
    assert (target.host, target.port) == (host, port)


def test_received_may_stand_in_brackets_or_not() -> None:
    assert _ipv6("via-received-param-with-delim").via.param("received") == "[2001:db8::9:255]"
    assert _ipv6("via-received-param-no-delim").via.param("received") == "2001:db8::9:255"


def test_both_versions_stand_in_one_list_of_vias() -> None:
    vias = [(via.host, via.port, via.param("received")) for via in _ipv6("mult-ip-in-header").vias]
    assert vias == [
        ("[2001:db8::9:1]", 6050, None),
        ("192.0.2.1", None, None),
        ("[2001:db8::9:255]", None, "192.0.2.200"),
    ]


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("ipv6-in-sdp", ["2001:db8::20", "2001:db8::20"]),
        ("mult-ip-in-sdp", ["192.0.2.1", "2001:db8::1"]),
        ("ipv4-mapped-ipv6", ["192.0.2.2", "192.0.2.2"]),
    ],
)
def test_each_line_of_a_description_has_its_address(name: str, addresses: list[str]) -> None:
    description = read_description(_ipv6(name).body)
    connections = [description.connection_of(media) for media in description.media]
    assert [spelled(connection.address) for connection in connections if connection] == addresses
