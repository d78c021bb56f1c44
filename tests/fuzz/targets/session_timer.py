"""Session timers: no peer makes them too short, too frequent, or anything but a rule for this session."""

from collections.abc import Sequence
from typing import TypeVar

from ringdove.sip.headers import Headers
from ringdove.sip.message import Message, Request, Response
from ringdove.sip.session_timer import ABSOLUTE_MINIMUM, Due, Policy, SessionTimer
from ringdove.sip.validator import check_request

from ..choices import Choices

M = TypeVar("M", bound=Message)

FIELDS = ("Session-Expires", "Min-SE", "Supported", "Allow", "Require")
SEEDS: Sequence[bytes] = (
    b"\x00\x00\x00\x1090;refresher=uac\x04\xff\xff\x03\x01",
    b"\x01\x02\x031800\x02\x05timer\x04\x02\x00\x00\x020\x05\x00\x01\x00\x0a;refresher",
    b"\x03\x00\x00\x001800;refresher=uas;x=\x01\x0490\x00\x02\x05timer\x04\x10\x00",
)
WORDS: Sequence[bytes] = (
    b"90",
    b"1800",
    b"999999999",
    b"0",
    b";refresher=uac",
    b";refresher=UAS",
    b"timer",
    b"UPDATE",
    b",",
)
BASE = (
    *(("Via", "SIP/2.0/UDP a;branch=z9hG4bK1"), ("From", "<sip:a@b>;tag=1"), ("To", "<sip:c@d>")),
    *(("Call-ID", "1"), ("CSeq", "1 UPDATE"), ("Contact", "<sip:a@b>")),
)


def check(data: bytes) -> None:
    """A session of requests, answers and waiting, out of steps."""
    choices = Choices(data)
    timer, now, asked = SessionTimer(Policy()), 0.0, 0
    while choices and asked < 100:
        asked += 1
        match choices.number() % 5:
            case 0:
                timer.answered(_with_fields(Response(200), choices), now)
            case 1:
                request = _with_fields(Request("UPDATE", "sip:d"), choices)
                if check_request(request) is None and timer.check(request) is None:
                    _valid(timer.accept(request, now))
            case 2:
                timer.rejected(_with_fields(Response(422), choices))
                _valid(timer.offer())
            case 3:
                _valid(timer.offer())
            case _:
                now += choices.number(2)
                _wait(timer, now)
        assert timer.interval is None or timer.interval >= ABSOLUTE_MINIMUM
        assert timer.method in ("INVITE", "UPDATE")
    _wait(timer, now + 2.0**31)
    assert timer.deadline is None


def _wait(timer: SessionTimer, now: float) -> None:
    """What is due comes once each: a refresh, then the end."""
    due = [timer.due(now), timer.due(now), timer.due(now)]
    assert due.count(Due.REFRESH) <= 1
    assert due.count(Due.EXPIRED) <= 1
    assert due[2] is None


def _with_fields(message: M, choices: Choices) -> M:
    """Up to three fields that matter here; what a parser would not let through is left out."""
    fields = list(BASE)
    for _ in range(choices.number() % 4):
        name, value = choices.pick(FIELDS), choices.text()
        if "\r" not in value and "\n" not in value:
            fields.append((name, value.strip(" \t")))
    message.headers = Headers(fields)
    return message


def _valid(fields: list[tuple[str, str]]) -> None:
    """What we say about timers would pass with us."""
    refused = check_request(Request("UPDATE", "sip:d", Headers([*BASE, *fields])))
    assert refused is None, refused
