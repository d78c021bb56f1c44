"""What a person reads off a drawing."""

import pytest
from rich.console import Console, RenderableType

from ringdove.model.call_row import CallRow
from ringdove.model.ladder import Ladder, LadderLeg, LadderMessage
from ringdove.model.simulation import Onward, SimulatedWindow, Simulation, SkippedMember
from ringdove.model.story import (
    Attempt,
    Disposition,
    EndedBy,
    Heard,
    HeardKind,
    Hop,
    HopOutcome,
    LegResult,
    LegStory,
    Party,
    Recorded,
    Story,
    Window,
)
from ringdove.ring.eligibility import Skip
from ringdove.terminal.ladder import RawMessages
from ringdove.terminal.lists import SimulationChart, call_table
from ringdove.terminal.plain import Plain
from ringdove.terminal.timeline import Timeline

ALICE, BOB, CAROL = (
    Party(id=i, number=n, name=name) for i, n, name in ((1, "2001", "Alice"), (2, "2002", "Bob"), (3, "2003", "Carol"))
)


def drawn(what: RenderableType, width: int = 100) -> list[str]:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115 - recorded, not written
    with console.file:
        console.print(what)
    return [line.rstrip() for line in console.export_text().splitlines()]


def a_story() -> Story:
    hop = Hop(
        kind="ring_group",
        id="1",
        number="6300",
        name="Support",
        strategy="memory_hunt",
        entered_at=0.5,
        ringing_from=0.5,
        left_at=30.0,
        outcome=HopOutcome.ANSWERED,
        attempts=[
            Attempt(
                member=ALICE,
                windows=[Window(start=0, stop=20)],
                legs=[
                    LegStory(
                        contact="a",
                        invited_at=0.5,
                        ringing_at=0.7,
                        ended_at=10.5,
                        result=LegResult.ANSWERED_ELSEWHERE,
                    )
                ],
            ),
            Attempt(
                member=BOB,
                windows=[Window(start=5, stop=20)],
                legs=[LegStory(contact="b", invited_at=5.5, ringing_at=5.5, ended_at=10.5, result=LegResult.ANSWERED)],
            ),
            Attempt(member=CAROL, skipped=Skip.DND),
        ],
    )
    return Story(
        id="1.1",
        started_at=0,
        caller=Party(number="2010", name="Dora"),
        dialled="6300",
        hops=[hop],
        answered_at=10.5,
        answered_by=BOB,
        ended_at=30.0,
        ended_by=EndedBy.CALLER,
        disposition=Disposition.ANSWERED,
    )


def row(lines: list[str], start: str) -> str:
    return next(line for line in lines if line.startswith(start))


def test_a_bar_begins_and_ends_where_the_member_rang() -> None:
    lines = drawn(Timeline(a_story()))
    alice, bob = row(lines, "2001 Alice"), row(lines, "2002 Bob")
    assert alice.endswith("answered elsewhere 10.0 s")
    assert bob.endswith("answered 5.0 s")
    first, last = alice.index("▒"), alice.rindex("█")
    assert abs(bob.index("█") - (first + last + 1) / 2) <= 1, "Bob joined half way"
    assert bob.rindex("█") == last


def test_who_was_skipped_is_told_with_the_reason() -> None:
    assert row(drawn(Timeline(a_story())), "2003 Carol").endswith("skipped: dnd")


def test_the_headline_says_how_the_call_ended() -> None:
    headline = drawn(Timeline(a_story()), width=120)[0]
    assert "2010 Dora dialled 6300  ANSWERED by 2002 Bob after 10.5 s, talked 19.5 s" in headline


def test_what_nobody_answered_the_server_did() -> None:
    story = a_story()
    story.answered_by = None
    headline = drawn(Timeline(story), width=120)[0]
    assert "ANSWERED by the server after 10.5 s, talked 19.5 s" in headline
    story.disposition = story.ended_at = None
    assert "running, answered by the server after 10.5 s" in drawn(Timeline(story, now=12.0), width=120)[0]


def test_a_running_call_is_drawn_up_to_now() -> None:
    story = a_story()
    story.disposition = story.answered_at = story.answered_by = story.ended_at = None
    hop = story.hops[0]
    hop.outcome, hop.left_at = "", None
    for attempt in hop.attempts[:2]:
        attempt.legs[0].ended_at, attempt.legs[0].result = None, ""
    lines = drawn(Timeline(story, now=8.0))
    assert "running" in lines[0]
    assert row(lines, "2001 Alice").endswith("ringing")
    assert "█" in row(lines, "2002 Bob")


def heard(party: Party, kind: HeardKind, name: str, began_at: float, ended_at: float | None) -> Heard:
    return Heard(party=party, kind=kind, name=name, began_at=began_at, ended_at=ended_at)


def a_story_with_sounds() -> Story:
    """Dora heard a prompt for 5 s and music for 5 s, later Bob was on hold for 10 s."""
    dora = Party(number="2010", name="Dora")
    story = a_story()
    story.heard = [
        heard(dora, HeardKind.JOIN_PROMPT, "demo.wav", 0, 5),
        heard(dora, HeardKind.WELCOME_PROMPT, "SoftBreeze", 5, 10),
        heard(BOB, HeardKind.MOH, "SoftBreeze", 15, 20),
    ]
    return story


def test_what_was_played_is_drawn_from_when_to_when_for_each_listener() -> None:
    lines = drawn(Timeline(a_story_with_sounds()))
    dora, prompt, music, bob, hold = lines[-5:]
    assert dora.startswith("♪ 2010 Dora")
    assert bob.startswith("♪ 2002 Bob")
    assert prompt.endswith("demo.wav 5.0 s")
    assert music.endswith("SoftBreeze 5.0 s")
    assert hold.startswith("  on hold")
    assert prompt.rindex("━") + 1 == music.index("━"), "the music begins where the prompt ends"
    assert prompt.count("━") == pytest.approx(music.count("━"), abs=1)
    assert hold.index("━") - prompt.index("━") == pytest.approx(3 * prompt.count("━"), abs=2)


def test_what_is_heard_now_is_drawn_up_to_now() -> None:
    story = a_story()
    story.heard = [heard(ALICE, HeardKind.WELCOME_PROMPT, "SoftBreeze", 2, None)]
    assert row(drawn(Timeline(story, now=8.0)), "  welcome prompt").endswith("SoftBreeze 6.0 s")


def test_hold_without_music_and_the_tone_have_names_too() -> None:
    story = a_story()
    story.heard = [heard(ALICE, HeardKind.RINGBACK, "", 2, 3), heard(ALICE, HeardKind.MOH, "", 5, 7)]
    lines = drawn(Timeline(story))
    assert row(lines, "  ringback").endswith("tone 1.0 s")
    assert row(lines, "  on hold").endswith("no music 2.0 s")


def test_a_long_name_leaves_room_for_how_long_it_was_heard() -> None:
    story = a_story()
    story.heard = [heard(ALICE, HeardKind.WELCOME_PROMPT, "An Evening With Three Cellos.mp3", 2, 3)]
    assert row(drawn(Timeline(story), width=80), "  welcome prompt").endswith("An Evening With Three… 1.0 s")


def test_ringing_that_began_after_a_prompt_says_so() -> None:
    story = a_story()
    assert "rang from" not in "\n".join(drawn(Timeline(story)))
    story.hops[0].ringing_from = 4.0
    assert "at 0.5 s, rang from 4.0 s" in row(drawn(Timeline(story)), "→ ring_group")


def a_story_with_a_message() -> Story:
    """Alice rang for 10 s; Dora heard the system's greeting for 5 s, and left a message of 10 s."""
    story = a_story()
    story.answered_at = story.answered_by = None
    story.final_status, story.disposition, story.ended_at = 200, Disposition.VOICEMAIL, 26.0
    group = story.hops[0]
    group.attempts, group.outcome, group.left_at = group.attempts[:1], HopOutcome.UNANSWERED, 10.5
    mailbox = Hop(kind="ext_vm", id="1", number="2001", name="Alice", entered_at=10.5, left_at=26.0)
    mailbox.outcome, mailbox.message = HopOutcome.MESSAGE_LEFT, Recorded(began_at=15.9, seconds=10.0)
    story.hops.append(mailbox)
    story.heard = [heard(Party(number="2010", name="Dora"), HeardKind.GREETING, "follow_system", 10.5, 15.5)]
    return story


def test_a_message_is_drawn_after_the_greeting_for_as_long_as_it_is() -> None:
    lines = drawn(Timeline(a_story_with_a_message(), dated=False))
    assert lines[0] == "2010 Dora dialled 6300  VOICEMAIL, message of 10.0 s"
    assert row(lines, "→ ext_vm 2001 Alice").endswith("at 10.5 s  message left")
    greeting, message = lines[-2:]
    assert greeting.startswith("  greeting")
    assert greeting.endswith("the system's 5.0 s")
    assert message.startswith("✉ message")
    assert message.endswith("recorded 10.0 s")
    assert message.count("━") == pytest.approx(2 * greeting.count("━"), abs=2)
    assert greeting.rindex("━") < message.index("━") <= greeting.rindex("━") + 2


def test_a_caller_who_leaves_no_message_is_seen() -> None:
    story = a_story_with_a_message()
    story.hops[1].outcome, story.hops[1].message = HopOutcome.MAILBOX_FULL, None
    lines = drawn(Timeline(story, dated=False))
    assert lines[0] == "2010 Dora dialled 6300  VOICEMAIL, no message"
    assert row(lines, "→ ext_vm 2001 Alice").endswith("mailbox full")
    assert "✉" not in "\n".join(lines)


def test_a_narrow_terminal_still_gets_every_row() -> None:
    lines = drawn(Timeline(a_story()), width=60)
    assert {line[:4] for line in lines} >= {"2001", "2002", "2003"}


def test_the_list_counts_all_calls() -> None:
    lines = drawn(call_table([CallRow.of(a_story())], 12), width=140)
    assert any("ring_group 6300" in line and "ANSWERED" in line for line in lines)
    assert "1 of 12 calls" in "\n".join(lines)


def test_the_list_tells_a_message_from_none() -> None:
    story = a_story_with_a_message()
    (left,) = [line for line in drawn(call_table([CallRow.of(story)], 1), width=140) if "ext_vm" in line]
    assert "ring_group 6300 → ext_vm 2001" in left
    assert left.endswith("VOICEMAIL, message of 10.0 s")
    story.hops[1].message = None
    assert any(line.endswith("VOICEMAIL, no message") for line in drawn(call_table([CallRow.of(story)], 1), width=140))


def test_the_id_of_a_call_can_be_copied_from_a_narrow_terminal() -> None:
    row = CallRow.of(a_story()).model_copy(update={"id": "1795746258.958513492"})
    assert any(" 1795746258.958513492 " in line for line in drawn(call_table([row], 1), width=80))


def test_what_phones_wrote_gives_a_terminal_no_orders() -> None:
    row = CallRow.of(a_story()).model_copy(update={"dialled": "\x1b[2J"})
    text = "\n".join(drawn(Plain(call_table([row], 1))))
    assert "[2J" in text
    assert "\x1b" not in text


def test_a_simulation_says_when_and_why_not() -> None:
    simulation = Simulation(
        windows=[SimulatedWindow(member=ALICE, start=0, stop=20), SimulatedWindow(member=BOB, start=20, stop=40)],
        skipped=[SkippedMember(member=CAROL, reason="offline")],
        onward=Onward(kind="group_vm", number="6400", name="Support voicemail"),
    )
    lines = drawn(SimulationChart("6300", "Support", simulation))
    assert row(lines, "2002 Bob").endswith("20 to 40.0 s")
    assert row(lines, "2003 Carol").endswith("skipped: offline")
    assert lines[-1] == "If nobody answers: → group_vm 6400 Support voicemail"


def test_a_simulation_without_windows_says_that_nobody_would_ring() -> None:
    assert drawn(SimulationChart("6300", "Support", Simulation()))[-2:] == [
        "Nobody would ring.",
        "The call goes on: → end_call",
    ]


def test_messages_of_phones_give_a_terminal_no_orders() -> None:
    said = LadderMessage(
        time=1.0,
        direction="in",
        leg="caller",
        source="udp:192.0.2.1:5060",
        destination="udp:192.0.2.9:5060",
        start_line="BYE sip:a SIP/2.0",
        method="BYE",
        text="BYE sip:a SIP/2.0\r\nSubject: \x1b]0;x\x07\r\n\r\n",
    )
    caller = LadderLeg(leg="caller", sip_call_id="1", party=Party(number="1001"))
    assert "Subject: �]0;x�" in drawn(RawMessages(Ladder(id="1", legs=[caller], messages=[said])))
