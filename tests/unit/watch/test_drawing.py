"""The ladder as a person sees it."""

from ringdove.model.ladder import Ladder, LadderLeg, LadderMessage
from ringdove.model.story import Party
from ringdove.watch.drawing import NARROWEST, draw

SDP = "\r\n\r\nv=0\r\n"


def leg(name: str, number: str) -> LadderLeg:
    return LadderLeg(leg=name, sip_call_id=f"id-{number}", party=Party(number=number))


def message(
    time: float, way: str, name: str, start: str, method: str = "INVITE", text: str = "", repeated: bool = False
) -> LadderMessage:
    fields = {"time": time, "direction": way, "leg": name, "start_line": start, "method": method, "text": text}
    return LadderMessage.model_validate(fields | {"repeated": repeated, "source": "", "destination": ""})


def a_call(phones: int) -> Ladder:
    """All ring, the last one answers."""
    names = {f"leg{number}": f"{2001 + number}" for number in range(1, phones + 1)}
    last = list(names)[-1]
    return Ladder(
        id="1",
        legs=[leg("caller", "2001"), *(leg(name, number) for name, number in names.items())],
        messages=[
            message(-0.0001, "in", "caller", "INVITE sip:6300@x SIP/2.0", text=SDP),
            message(0.0042, "out", "caller", "SIP/2.0 180 Ringing"),
            *(message(0.005, "out", name, "INVITE sip:a@b SIP/2.0", text=SDP) for name in names),
            *(message(0.02, "in", name, "SIP/2.0 180 Ringing") for name in names),
            message(0.505, "out", "leg1", "INVITE sip:a@b SIP/2.0", text=SDP, repeated=True),
            message(3.25, "in", last, "SIP/2.0 200 OK", text=SDP),
            *(message(3.26, "out", name, "CANCEL sip:a@b SIP/2.0", "CANCEL") for name in names if name != last),
            message(12.0, "in", last, "SIP/2.0 200 OK", "BYE"),
        ],
    )


def test_each_phone_has_a_line_where_there_is_room() -> None:
    assert draw(a_call(2), 80) == [
        "            2001                     Ringdove                     2002    2003",
        "   0.000     │─────── INVITE SDP ──────►│                          │       │",
        "   0.004     │◄───── 180 Ringing ───────│                          │       │",
        "   0.005     │                          │─────── INVITE SDP ──────►│       │",
        "   0.005     │                          │─────── INVITE SDP ───────┼──────►│",
        "   0.020     │                          │◄───── 180 Ringing ───────│       │",
        "   0.020     │                          │◄───── 180 Ringing ───────┼───────│",
        "   0.505     │                          │────── ↻ INVITE SDP ─────►│       │",
        "   3.250     │                          │◄────── 200 OK SDP ───────┼───────│",
        "   3.260     │                          │───────── CANCEL ────────►│       │",
        "  12.000     │                          │◄───── 200 OK (BYE) ──────┼───────│",
        "↻ sent again  SDP: carries a session description",
        "    2001 caller: Call-ID id-2001",
        "    2002 leg1: Call-ID id-2002",
        "    2003 leg2: Call-ID id-2003",
    ]


def test_fifty_phones_share_a_line_and_what_they_say_together_is_said_once() -> None:
    assert draw(a_call(50), 80) == [
        "            2001                 Ringdove              50 phones",
        "   0.000     │───── INVITE SDP ────►│                      │",
        "   0.004     │◄─── 180 Ringing ─────│                      │",
        "   0.005     │                      │───── INVITE SDP ────►│ all 50",
        "   0.020     │                      │◄─── 180 Ringing ─────│ all 50",
        "   0.505     │                      │──── ↻ INVITE SDP ───►│ 2002",
        "   3.250     │                      │◄──── 200 OK SDP ─────│ 2051",
        "   3.260     │                      │─────── CANCEL ──────►│ 2002–2050",
        "  12.000     │                      │◄─── 200 OK (BYE) ────│ 2051",
        "↻ sent again  SDP: carries a session description",
    ]


def test_numbers_that_do_not_fit_are_counted() -> None:
    ladder = a_call(50)
    odd = [one for one in ladder.messages if not one.start_line.startswith("CANCEL") or int(one.leg[3:]) % 2]
    (line,) = (line for line in draw(ladder.model_copy(update={"messages": odd}), 80) if "CANCEL" in line)
    assert line.endswith("│ 2002, 2004 +23")


def test_a_line_is_never_wider_than_the_terminal() -> None:
    for phones in (1, 2, 3, 4, 5, 6, 12, 50):
        for width in (NARROWEST, 80, 100, 120, 200):
            assert max(map(len, draw(a_call(phones), width))) <= width


def test_a_call_that_rang_nobody_and_one_without_messages() -> None:
    alone = Ladder(
        id="1", legs=[leg("caller", "2001")], messages=[message(0.001, "out", "caller", "SIP/2.0 404 Not Found")]
    )
    assert draw(alone, 80)[1].endswith("│◄────── 404 Not Found ────────│")
    assert draw(Ladder(id="1"), 80) == ["No messages."]


def test_what_is_left_out_is_said() -> None:
    assert draw(a_call(1).model_copy(update={"left_out": 3}), 80)[-3] == "3 more messages were not kept."


def test_what_phones_say_gives_a_terminal_no_orders() -> None:
    ladder = a_call(1)
    ladder.messages.append(message(4, "in", "leg1", "SIP/2.0 486 a\x1b[2J\x9b\tb", "\x1b]0;x\x07"))
    assert any("486 a�[2J� b (�]0;x�)" in line for line in draw(ladder, 100))
