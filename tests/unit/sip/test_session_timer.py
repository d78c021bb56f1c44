"""Session timers (RFC 4028) from both sides."""

import pytest

from ringdove.sip.headers import Headers
from ringdove.sip.message import Request, Response
from ringdove.sip.session_timer import Due, Policy, SessionTimer


def request(*fields: tuple[str, str]) -> Request:
    return Request("INVITE", "sip:x@192.0.2.1", Headers(list(fields)))


def ok(*fields: tuple[str, str]) -> Response:
    return Response(200, None, Headers(list(fields)))


TIMER = ("Supported", "100rel, timer")


class TestAsUac:
    def test_the_first_offer_asks_for_1800_and_leaves_the_refresher_open(self) -> None:
        assert SessionTimer().offer() == [("Supported", "timer"), ("Session-Expires", "1800")]

    def test_a_raised_minimum_is_told(self) -> None:
        assert ("Min-SE", "120") in SessionTimer(Policy(600, 120)).offer()

    def test_where_we_refresh_it_is_due_at_half_time_and_expires_at_the_end(self) -> None:
        timer = SessionTimer()
        timer.answered(ok(("Session-Expires", "600;refresher=uac")), 1000.0)
        assert (timer.we_refresh, timer.interval) == (True, 600)
        assert timer.deadline == 1300.0
        assert timer.due(1299.9) is None
        assert timer.due(1300.0) is Due.REFRESH
        assert timer.due(1300.0) is None
        assert timer.deadline == 1600.0
        assert timer.due(1600.0) is Due.EXPIRED
        assert timer.deadline is None

    @pytest.mark.parametrize(("interval", "expires"), [(600, 1568.0), (90, 1060.0)])
    def test_where_the_peer_refreshes_we_give_up_a_little_before_the_end(self, interval: int, expires: float) -> None:
        timer = SessionTimer()
        timer.answered(ok(("Session-Expires", f"{interval};refresher=uas")), 1000.0)
        assert not timer.we_refresh
        assert timer.deadline == expires
        assert timer.due(expires) is Due.EXPIRED

    def test_an_interval_that_no_peer_may_choose_is_taken_for_the_minimum(self) -> None:
        timer = SessionTimer()
        timer.answered(ok(("Session-Expires", "0;refresher=uas")), 1000.0)
        assert timer.interval == 90
        assert timer.due(1059.0) is None

    def test_a_2xx_without_Session_Expires_turns_it_off(self) -> None:
        timer = SessionTimer()
        timer.answered(ok(("Session-Expires", "600;refresher=uac")), 0.0)
        timer.answered(ok(), 100.0)
        assert timer.deadline is None
        assert timer.interval is None

    @pytest.mark.parametrize("role", ["uac", "uas"])
    def test_a_refresh_keeps_interval_and_refresher(self, role: str) -> None:
        timer = SessionTimer()
        timer.answered(ok(("Session-Expires", f"600;refresher={role}")), 0.0)
        assert ("Session-Expires", f"600;refresher={role}") in timer.offer()

    def test_a_refresh_that_is_answered_starts_the_time_anew(self) -> None:
        timer = SessionTimer()
        timer.answered(ok(("Session-Expires", "600;refresher=uac")), 0.0)
        timer.due(300.0)
        timer.answered(ok(("Session-Expires", "600;refresher=uac")), 300.5)
        assert timer.deadline == 600.5
        assert timer.expires_at == 900.5

    def test_422_is_tried_again_with_what_it_asks_for(self) -> None:
        timer = SessionTimer(Policy(session_expires=100))
        assert timer.rejected(Response(422, None, Headers([("Min-SE", "300")])))
        assert timer.offer() == [("Supported", "timer"), ("Session-Expires", "300"), ("Min-SE", "300")]

    @pytest.mark.parametrize("min_se", [[], [("Min-SE", "1800")], [("Min-SE", "90")], [("Min-SE", "soon")]])
    def test_422_that_asks_for_nothing_new_is_not_tried_again(self, min_se: list[tuple[str, str]]) -> None:
        assert not SessionTimer().rejected(Response(422, None, Headers(min_se)))

    @pytest.mark.parametrize(
        ("fields", "method"),
        [
            ([], "INVITE"),
            ([("Allow", "INVITE, ACK, BYE")], "INVITE"),
            ([("Allow", "INVITE, ACK, BYE, UPDATE")], "UPDATE"),
            ([("Allow", "INVITE"), ("Allow", "UPDATE")], "UPDATE"),
        ],
    )
    def test_refreshes_are_UPDATEs_where_the_peer_allows_them(self, fields: list[tuple[str, str]], method: str) -> None:
        timer = SessionTimer()
        timer.answered(ok(("Session-Expires", "600;refresher=uac"), *fields), 0.0)
        assert timer.method == method


class TestAsUas:
    def test_too_short_an_interval_gets_422_with_our_minimum(self) -> None:
        rejection = SessionTimer().check(request(TIMER, ("Session-Expires", "89")))
        assert rejection is not None
        assert (rejection.status, rejection.headers) == (422, (("Min-SE", "90"),))

    @pytest.mark.parametrize(
        "fields",
        [
            [],
            [TIMER],
            [TIMER, ("Session-Expires", "90")],
            [("Session-Expires", "30")],
        ],
        ids=["no timer", "no interval", "just enough", "a peer that could not understand 422"],
    )
    def test_everything_else_passes(self, fields: list[tuple[str, str]]) -> None:
        assert SessionTimer().check(request(*fields)) is None

    @pytest.mark.parametrize(
        ("fields", "interval", "refresher"),
        [
            ([TIMER, ("Session-Expires", "600")], 600, "uac"),
            ([TIMER, ("x", "600")], 600, "uac"),
            ([TIMER, ("Session-Expires", "600;refresher=uac")], 600, "uac"),
            ([TIMER, ("Session-Expires", "600;refresher=UAS")], 600, "uas"),
            ([TIMER, ("Session-Expires", "7200")], 1800, "uac"),
            ([TIMER, ("Session-Expires", "7200"), ("Min-SE", "3600")], 3600, "uac"),
            ([TIMER], 1800, "uac"),
            ([], 1800, "uas"),
            ([("Session-Expires", "600;refresher=uac")], 600, "uas"),
            ([("Session-Expires", "30")], 90, "uas"),
            ([TIMER, ("Session-Expires", "600;refresher=nobody")], 600, "uac"),
        ],
    )
    def test_table_2(self, fields: list[tuple[str, str]], interval: int, refresher: str) -> None:
        timer = SessionTimer()
        answer = dict(timer.accept(request(*fields), 0.0))
        assert answer["Session-Expires"] == f"{interval};refresher={refresher}"
        assert answer.get("Require") == ("timer" if refresher == "uac" else None)
        assert timer.we_refresh == (refresher == "uas")
        assert timer.interval == interval

    def test_roles_follow_the_latest_request(self) -> None:
        timer = SessionTimer()
        timer.accept(request(TIMER, ("Session-Expires", "600;refresher=uac"), ("Allow", "UPDATE")), 0.0)
        assert not timer.we_refresh
        # Our own refresh, asked to keep the task where it is: now the peer is the UAS.
        assert ("Session-Expires", "600;refresher=uas") in timer.offer()
        timer.answered(ok(("Session-Expires", "600;refresher=uas")), 50.0)
        assert not timer.we_refresh
        assert timer.deadline == 50.0 + 600 - 32
        assert timer.method == "UPDATE"
