"""What the demo says of calls that did not go as described, and what it prints of those that run."""

import asyncio
import re
from dataclasses import replace

import pytest
from rich.console import Console

from ringdove.api.ringgroup_examples import EXAMPLES
from ringdove.demo import check, checks
from ringdove.demo.board import Board
from ringdove.demo.data import PEOPLE
from ringdove.demo.incoming import Answer, IncomingLine, LetRing, Refuse
from ringdove.demo.lamp import Lamp
from ringdove.demo.line import State
from ringdove.demo.phone import Phone
from ringdove.demo.scenes import AFTER_A_DELAY, ALICE, ALL_AT_ONCE, BOB, EMIL, NOBODY_ANSWERS, SCENES
from ringdove.demo.show import conclude
from ringdove.demo.stage import Performance
from ringdove.demo.tables import phones_saw
from ringdove.model.simulation import Simulation
from ringdove.model.story import Disposition, EndedBy, Party, Story
from unit.demo.demo_phones import Phones

PATIENCE = 3.0


@pytest.fixture
async def bob_and_emil(phones: Phones) -> tuple[Phone, Phone]:
    """Bob's phone, and Emil's that takes it for its server."""
    bob = await phones.on(BOB)
    return bob, await phones.on(EMIL, bob)


async def only_bob(bob: Phone, emil: Phone) -> Performance:
    """Bob was rung alone and answered; nothing was heard before they hung up."""
    bob.behave = lambda _: Answer()
    call = emil.dial("6300")
    await asyncio.wait_for(call.settled(), PATIENCE)
    call.hang_up()
    (ring,) = bob.lines
    assert isinstance(ring, IncomingLine)
    await asyncio.wait_for(ring.over(), PATIENCE)
    story = Story(id="1", started_at=0.0, caller=Party(number=EMIL), dialled="6300")
    return Performance(ALL_AT_ONCE, call, [ring], story, {call: [], ring: []})


async def test_every_broken_promise_is_named_with_what_was_seen(bob_and_emil: tuple[Phone, Phone]) -> None:
    played = await only_bob(*bob_and_emil)
    found = prompt, together, music, told, talk, hold, record = list(checks.all_at_once(played))
    assert not any(check.holds for check in found)
    assert prompt.seen.startswith("nothing; first INVITE after 0.0")
    assert together.seen == "1 INVITEs"
    assert music.seen.startswith("nothing, longest gap 0 ms; answered after 0.0")
    assert told.seen == "Alice, Carol: did not ring"
    assert talk.seen == "Emil 0 packets, Bob 0"
    assert hold.seen == "nobody was put on hold"
    assert record.seen == "still running by nobody, ended by nobody"


async def test_a_record_that_names_the_winner_passes(bob_and_emil: tuple[Phone, Phone]) -> None:
    played = await only_bob(*bob_and_emil)
    story = replace(
        played.story, disposition=Disposition.ANSWERED, answered_by=Party(number=BOB), ended_by=EndedBy.CALLER
    )
    *_, record = checks.all_at_once(replace(played, story=story))
    assert record.holds


async def test_ringing_before_the_delay_is_seen(bob_and_emil: tuple[Phone, Phone]) -> None:
    played = replace(await only_bob(*bob_and_emil), scene=AFTER_A_DELAY)
    _, still, *_ = checks.after_a_delay(played, 20.0)
    assert not still.holds
    assert re.fullmatch(r"first INVITE 0\.\d\d s after it", still.seen)


async def test_a_call_that_does_not_go_on_is_seen(bob_and_emil: tuple[Phone, Phone]) -> None:
    played = replace(await only_bob(*bob_and_emil), scene=NOBODY_ANSWERS)
    steps, _, onward, quiet, talk, _ = checks.nobody_answers(played, Simulation())
    assert not steps.holds
    assert not onward.holds
    assert "Frida: did not ring" in onward.seen
    assert not quiet.holds
    assert quiet.seen == "nothing; answered after no time at all"
    assert talk.seen == "they were never connected"


async def test_times_are_whole_in_a_narrow_terminal(bob_and_emil: tuple[Phone, Phone]) -> None:
    bob, emil = bob_and_emil
    played = await only_bob(bob, emil)
    bob.behave = lambda _: LetRing()
    heard = asyncio.Event()
    emil.on_change = lambda line: heard.set() if line.state is State.HEARS_RINGBACK else None
    call = emil.dial("6300")
    await asyncio.wait_for(heard.wait(), PATIENCE)
    call.hang_up()
    cancelled = bob.lines[-1]
    assert isinstance(cancelled, IncomingLine)
    await asyncio.wait_for(cancelled.over(), PATIENCE)
    cancelled.reason = 'SIP;cause=200;text="Call completed elsewhere"'

    out = Console(width=80)
    with out.capture() as drawn:
        out.print(phones_saw(replace(played, rings=[*played.rings, cancelled])))
    _, answered, elsewhere = drawn.get().splitlines()
    assert re.search(r" \d\.\d\d s +200 +\d\.\d\d s +answered; BYE +\d\.\d\d s", answered)
    assert re.search(r" \d\.\d\d s +CANCEL +\d\.\d\d s +SIP;cause=200;text=.*…", elsewhere)


def test_the_exit_status_is_0_only_when_every_check_holds() -> None:
    out = Console(width=100, record=True, quiet=True)
    good, bad = check.Check("the sky is blue", True, "blue"), check.Check("grass is green", False, "brown grass")
    assert conclude([good], 1.0, out) == 0
    assert conclude([good, bad], 1.0, out) == 1


async def test_news_say_who_rings_answers_and_refuses(bob_and_emil: tuple[Phone, Phone]) -> None:
    board = Board(bob_and_emil)
    await only_bob(*bob_and_emil)
    bob, emil = bob_and_emil
    bob.behave = lambda _: Refuse(603)
    await asyncio.wait_for(emil.dial("6300").over(), PATIENCE)
    news = board.news()
    assert news is not None
    for words in (
        "dials 6300 Technical Support",
        "rings: Number 2011 calls",
        "answers",
        "hangs up",
        "declines with 603",
    ):
        assert words in news.plain
    assert board.news() is None


async def test_the_board_draws_every_phone(bob_and_emil: tuple[Phone, Phone]) -> None:
    board = Board(bob_and_emil)
    out = Console(width=100)
    with out.capture() as drawn:
        out.print(board)
    assert f"{BOB} Number {BOB}" in drawn.get()
    assert f"{EMIL} Number {EMIL}" in drawn.get()


async def test_a_lamp_that_is_lit_is_news_and_stands_beside_the_name(bob_and_emil: tuple[Phone, Phone]) -> None:
    board = Board(bob_and_emil)
    bob, _ = bob_and_emil
    out = Console(width=100)
    for lit, beside in ((True, " ✉"), (False, "")):
        bob.lamp = Lamp(0.0, lit, int(lit), 0)
        bob.on_lamp(bob)
        with out.capture() as drawn:
            out.print(board)
        assert f"{BOB} Number {BOB}{beside} " in drawn.get()
    news = board.news()
    assert news is not None
    assert "✉ NOTIFY, Messages-Waiting: yes, 1/0" in news.plain


def test_the_examples_of_the_page_name_people_of_the_sample_data() -> None:
    first, second = EXAMPLES.values()
    assert first["member_list"] == second["member_list"][0]["sub_option"]
    assert [PEOPLE[int(member["value"])][0] for member in first["member_list"]] == [ALICE, BOB, "2003"]


def test_scenes_can_be_told_apart_by_ringtone() -> None:
    assert len({scene.ringtone for scene in SCENES}) == len(SCENES)
