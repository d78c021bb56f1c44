"""What a SUBSCRIBE asks for, and what it gets (RFC 6665 §3.1, §4.2.1.1)."""

import pytest

from ringdove.notifier.request import accepts, granted
from ringdove.sip.event import Event
from ringdove.sip.headers import Headers
from ringdove.sip.message import Request
from ringdove.sip.validator import Rejection

SUMMARY = "application/simple-message-summary"


def subscribe(*fields: tuple[str, str]) -> Request:
    return Request("SUBSCRIBE", "sip:2001@pbx", Headers(fields))


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [(None, 3600), ("soon", 3600), ("-1", 3600), ("0", 0), ("60", 60), ("3600", 3600), ("7200", 7200), ("86400", 7200)],
)
def test_a_subscription_lasts_as_long_as_asked_for_within_limits(asked: str | None, seconds: int) -> None:
    assert granted(subscribe(*([("Expires", asked)] if asked is not None else []))) == seconds


@pytest.mark.parametrize("asked", ["1", "59"])
def test_what_is_too_short_is_refused_with_the_least_that_there_is(asked: str) -> None:
    assert granted(subscribe(("Expires", asked))) == Rejection(423, "Interval Too Brief", (("Min-Expires", "60"),))


@pytest.mark.parametrize(
    ("fields", "fine"),
    [
        ([], True),
        ([("Accept", SUMMARY)], True),
        ([("Accept", "text/plain, Application/Simple-Message-Summary;q=0.5")], True),
        ([("Accept", "text/plain"), ("Accept", SUMMARY)], True),
        ([("Accept", "application/*")], True),
        ([("Accept", "*/*")], True),
        ([("Accept", "")], True),
        ([("Accept", "text/plain")], False),
        ([("Accept", "text/*, application/pidf+xml")], False),
    ],
)
def test_a_phone_says_what_it_can_read(fields: list[tuple[str, str]], fine: bool) -> None:
    assert accepts(subscribe(*fields), SUMMARY) is fine


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ([], Event("")),
        ([("Event", "message-summary")], Event("message-summary")),
        ([("o", "Message-Summary ; id=7")], Event("message-summary", "7")),
        ([("Event", "dialog;sla;id=x")], Event("dialog", "x")),
        ([("Event", 'message-summary;id="')], Event("")),
    ],
)
def test_an_event_is_read_however_it_is_written(fields: list[tuple[str, str]], event: Event) -> None:
    assert Event.of(subscribe(*fields)) == event


def test_an_event_is_written_with_the_id_of_its_phone() -> None:
    assert str(Event("message-summary")) == "message-summary"
    assert str(Event("message-summary", "7")) == "message-summary;id=7"
