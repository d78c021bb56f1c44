"""What messages are counted as: a few numbers, whatever strangers send."""

from prometheus_client.parser import text_string_to_metric_families

from ringdove.net.passage import Direction, Passage
from ringdove.sip.hop import Hop
from ringdove.sip.parser import parse
from ringdove.watch.metrics import Metrics
from ringdove.watch.traffic import Traffic

HOP = Hop("udp", "192.0.2.1", 5060, "192.0.2.2", 5060)


def counted(*messages: str) -> set[tuple[str, str]]:
    """Method and kind of everything that is counted after these have come."""
    metrics = Metrics()
    traffic = Traffic(metrics)
    for text in messages:
        traffic(Passage(Direction.IN, HOP, parse(text.encode()), 0.0, None))
    families = text_string_to_metric_families(metrics.text().decode())
    samples = [sample for family in families for sample in family.samples if sample.name.startswith("ringdove_sip")]
    return {(sample.labels["method"], sample.labels["kind"]) for sample in samples}


def test_requests_and_classes_of_responses_are_told_apart() -> None:
    said = [f"SIP/2.0 {status} Said\r\nCSeq: 1 INVITE\r\n\r\n" for status in (100, 180, 200, 699)]
    assert counted("BYE sip:a SIP/2.0\r\n\r\n", *said) == {
        ("BYE", "request"),
        ("INVITE", "1xx"),
        ("INVITE", "2xx"),
        ("INVITE", "6xx"),
    }


def test_statuses_and_methods_that_nobody_knows_are_one_number_however_many_they_are() -> None:
    made_up = ("000", "099", "700", *range(1000, 99999, 999))
    statuses = [f"SIP/2.0 {status} Made up\r\nCSeq: 1 INVITE\r\n\r\n" for status in made_up]
    methods = [f"MADEUP{n} sip:a SIP/2.0\r\n\r\n" for n in range(10)]
    assert counted(*statuses, *methods, "SIP/2.0 200 OK\r\n\r\n") == {("other", "unreadable"), ("other", "request")}
