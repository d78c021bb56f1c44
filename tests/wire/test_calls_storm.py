"""Phones and callers that do anything at any time: whatever crosses, the rules that always hold do (R4, R10).

Every choice comes from the seed in the test's name; only the timing of the sockets varies.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from random import Random

import pytest
import pytest_asyncio

from ringdove.net.endpoint import Timers
from ringdove.sip.dialog import Dialog
from ringdove.sip.message import Request, Response
from support.house import House
from support.phones import Line, Phone, until
from support.scene import Scene, open_house
from support.sounds import upload_prompts

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUNDS = 8
LOSS = 0.05


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=[False, True], ids=["early", "answered"])
async def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    timers = Timers(t1=0.02, t2=0.08, t4=0.1)
    async with open_house(tmp_path_factory.mktemp("storm"), timers=timers, answer_first=request.param) as house:
        await upload_prompts(house, {"join.wav": [(500, 0.2)], "welcome.wav": [(900, 0.3)]})
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene(house) as scene:
        yield scene


class Member:
    """A phone with moods. `open` are the tags of the calls that it took and that nobody has ended yet."""

    def __init__(self, phone: Phone, dice: Random) -> None:
        self.phone = phone
        self.open: set[str] = set()
        self._dice = dice
        self._tags = 0
        self._seen: set[tuple[str, str | None]] = set()
        self._steps: set[asyncio.Task[None]] = set()
        phone.lose(lambda m: isinstance(m, Request) and m.method != "INVITE" and dice.random() < LOSS, 1000)

    async def live(self) -> None:
        """React to everything, until cancelled."""
        try:
            while True:
                message = await self.phone.expect(lambda m: isinstance(m, Request), within=60)
                step = asyncio.get_running_loop().create_task(self._react(message))
                self._steps.add(step)
                step.add_done_callback(self._steps.discard)
        finally:
            for step in self._steps:
                step.cancel()

    async def _react(self, request: Request) -> None:
        name = (request.method, request.via.branch)
        if request.method == "INVITE" and name in self._seen:
            return  # our response is late, it will come
        self._seen.add(name)
        match request.method:
            case "INVITE" if request.to.tag is None:
                await self._ring(request)
            case "INVITE":
                await self._pause()
                status = self._dice.choice((200, 200, 488, 491))
                self.phone.reply(request, status, sdp=self.phone.sdp(version=9) if status == 200 else "", tag="x")
            case "CANCEL":
                self.phone.reply(request, self._dice.choice((200, 200, 481)))
            case "BYE":
                self.open.discard(request.to.tag or "")
                self.phone.reply(request, self._dice.choice((200, 200, 481)))
            case "ACK":
                pass
            case _:
                self.phone.reply(request, 200)

    async def _ring(self, invite: Request) -> None:
        mood = self._dice.choice(("answer", "answer", "twice", "fork", "refuse", "decline", "hold out", "leave", "bad"))
        for status in self._dice.sample((100, 180, 183, 180), self._dice.randint(0, 3)):
            await self._pause()
            self.phone.reply(invite, status)
        await self._pause()
        match mood:
            case "answer":
                self._answer(invite)
            case "twice":
                tag = self._answer(invite)
                await self._pause()
                self.phone.reply(invite, 200, sdp=self.phone.sdp(), tag=tag)
            case "fork":
                self._answer(invite)
                self._answer(invite)
            case "refuse":
                self.phone.reply(invite, self._dice.choice((486, 480, 500, 302, 422)))
            case "decline":
                self.phone.reply(invite, self._dice.choice((603, 600, 607)))
            case "bad":
                self._answer(invite, sdp=self._dice.choice(("nonsense", self.phone.sdp(formats="96"), "")))
            case "hold out":
                await self.phone.expect("CANCEL", within=60)
                self.phone.reply(invite, 487)
            case "leave":
                tag = self._answer(invite)
                await self._pause()
                line = Line(self.phone, Dialog.as_uas(invite, tag, self.phone.uri), invite)
                self.open.discard(tag)
                line.request("BYE")

    def _answer(self, invite: Request, sdp: str | None = None) -> str:
        self._tags += 1
        tag = f"t{self._tags}"
        self.open.add(tag)
        usual = self.phone.sdp(formats=self._dice.choice(("0 101", "0 101", "9 101", "8 0 101")))
        self.phone.reply(invite, 200, sdp=usual if sdp is None else sdp, tag=tag)
        return tag

    async def _pause(self) -> None:
        await asyncio.sleep(self._dice.choice((0, 0, 0.005, 0.03)))


class Caller:
    """Somebody who calls, and may change its mind."""

    def __init__(self, phone: Phone, dice: Random) -> None:
        self.phone = phone
        self._dice = dice

    async def call(self, number: str) -> Response:
        """One call from INVITE to its end; returns the final response to the INVITE."""
        offer = self.phone.sdp(formats=self._dice.choice(("0 101", "9 0 101", "9 101", "8 0 9")))
        call = await self.phone.dial(number, offer)
        mood = self._dice.choice(("wait", "wait", "wait", "cancel", "bye"))
        if mood != "wait":
            await asyncio.sleep(self._dice.choice((0, 0.005, 0.02, 0.05)))
        if mood == "cancel":
            self.phone.cancel(call)
        elif mood == "bye":
            with suppress(AssertionError):
                ringing = await self.phone.expect(lambda m: getattr(m, "status", 0) in (180, 183), within=0.05)
                Line(self.phone, Dialog.as_uac(call, ringing), ringing).request("BYE")
        final = await self.phone.final(call, within=15)
        if final.status >= 300:
            self.phone.ack(call, final, self.phone.server)
            return final
        await asyncio.sleep(self._dice.choice((0, 0.01, 0.05, 0.5)))
        line = self.phone.connected(call, final)
        for _ in range(self._dice.randint(0, 2)):
            await self._chat(line)
        line.request("BYE")
        return final

    async def _chat(self, line: Line) -> None:
        await asyncio.sleep(self._dice.choice((0, 0.02)))
        match self._dice.choice(("hold", "resume", "codec", "info", "refresh", "cancelled")):
            case "hold":
                line.request("INVITE", self.phone.sdp(self._dice.choice(("sendonly", "inactive")), version=2))
            case "resume":
                line.request("UPDATE", self.phone.sdp(version=4))
            case "codec":
                line.request("INVITE", self.phone.sdp(formats="9 101", version=2))
            case "info":
                line.request("INFO", body=b"Signal=1", kind="application/dtmf-relay")
            case "refresh":
                line.request("UPDATE")
            case "cancelled":
                self.phone.cancel(line.request("INVITE", self.phone.sdp(formats="9 101", version=3)))


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_whatever_everybody_does_nothing_and_nobody_is_left_behind(scene: Scene, seed: int) -> None:
    dice = Random(seed)
    phones = await scene.phones(7)
    callers = [Caller(phone, dice) for phone in phones[:2]]
    members = [Member(phone, dice) for phone in phones[2:]]
    strategy = dice.choice(("ring_all", "ring_all", "sequentially", "memory_hunt"))
    last = await scene.group(*phones[2:4], ring_timeout=1)
    group = await scene.group(
        *phones[4:],
        ring_strategy=strategy,
        ring_timeout=1,
        join_prompt=dice.choice(("", "join.wav")),
        play_full_join_prompt=dice.choice((0, 1)),
        welcome_prompt=dice.choice(("", "welcome.wav")),
        moh=dice.choice(("", "follow_system")),
        fail_dest="ring_group",
        fail_dest_value=await scene.id_of(last),
    )
    lives = [asyncio.create_task(member.live()) for member in members]
    try:
        finals = await asyncio.gather(*(caller.call(group) for caller in callers))
        await until(lambda: scene.house.node.switchboard.running == 0, "a call goes on", within=10)
        await until(lambda: not any(member.open for member in members), "a phone is still in a call", within=3)
    except AssertionError:
        for member in members:
            print(member.phone.number, member.open, member.phone.story())
        for caller in callers:
            print(caller.phone.number, caller.phone.story())
        raise
    finally:
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
    for caller, final in zip(callers, finals, strict=True):
        given = {
            (received.message.status, received.message.to.tag)
            for received in caller.phone.log
            if isinstance(received.message, Response)
            and received.message.cseq == final.cseq
            and received.message.call_id == final.call_id
            and received.message.is_final
        }
        assert given == {(final.status, final.to.tag)}, "exactly one final response"
        story = await scene.story(caller.phone)
        assert story.final_status == final.status
        taken = story.answered_by is not None
        if not scene.house.node.settings.answer_first:
            assert taken == final.is_success
        winners = [
            attempt.member.number for hop in story.hops for attempt in hop.attempts if attempt.result == "answered"
        ]
        assert len(winners) == (1 if taken else 0), story.to_json(indent=1)
        for hop in story.hops:
            for leg in (leg for attempt in hop.attempts for leg in attempt.legs):
                assert leg.result, "every leg's end is told"
                assert leg.ended_at is not None
