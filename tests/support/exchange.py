"""A whole server with SIPp phones and callers around it; what rang when is read from SIPp's logs.

async with Exchange.open(tmp_path) as exchange:
    ann, bob = await exchange.phones(RINGS, answers(after=0.3))
    call = await exchange.call(await exchange.ring_group([ann, bob], ring_timeout=1))
    assert call.status == 200
    assert_rang(call, {ann: [(0, 0.3)], bob: [(0, 0.3)]})
"""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ringdove.events.types import BindingsChanged
from ringdove.model.story import Story

from .house import House, Person
from .peer import bracketed
from .sipp import LIFETIME, Message, Sipp, own_scenario
from .tunnel import tunnel

T = TypeVar("T")

SCENARIOS = Path(__file__).parent.parent / "wire" / "sipp"

PATIENCE = 5.0
"""Seconds within which everything comes that is not a matter of ring times."""

TOLERANCE = 0.15
"""Seconds that a message may be off the plan: the 50 ms of R11, and what a busy test machine adds to both ends."""

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'
"""What a phone is told that lost the race (R5)."""


@dataclass(frozen=True)
class Behaviour:
    """What a phone does when it is called: its scenario, in which `words` are replaced, as (from, to).

    The scenario is one of our files, or one of SIPp's own.
    """

    scenario: str
    after: float = LIFETIME
    words: tuple[str, str] = ("", "")

    def text(self) -> str:
        """The scenario for SIPp."""
        file = SCENARIOS / self.scenario
        return (file.read_text() if file.suffix else own_scenario(self.scenario)).replace(*self.words)


RINGS = Behaviour("rings.xml")
"""Rings until it is cancelled."""


def answers(*, after: float) -> Behaviour:
    """Rings for `after` seconds, then answers."""
    return Behaviour("rings.xml", after)


UAS = Behaviour("uas")
"""Answers at once, as SIPp does by itself."""
BUSY = Behaviour("refuses.xml")
DECLINES = Behaviour("refuses.xml", words=("486 Busy Here", "603 Decline"))


@dataclass(frozen=True, eq=False)
class Phone:
    """A registered phone of a person."""

    person: Person
    sipp: Sipp


@dataclass(frozen=True)
class Rang:
    """One INVITE to a phone and what came of it, from start to stop in Unix seconds.

    `ended` is "cancelled", "answered", the status with which the phone refused, or "" while it rings. `reason` is what
    the CANCEL, or the BYE to an answered call, gives as such.
    """

    invite: Message
    stop: float
    ended: str
    reason: str
    is_over: bool
    """Whether nothing more is to come: the final response is acknowledged, and an answered call hung up."""

    @classmethod
    def read(cls, dialog: Sequence[Message]) -> "Rang":
        """Read the messages of one Call-ID, from its INVITE on."""
        first = {message.what: message for message in reversed(dialog)}
        final = next((m for m in dialog if m.is_final_to_invite), None)
        cancel = first.get("CANCEL")
        end = cancel or final
        answered = "200 INVITE" in first
        hangup = cancel or first.get("BYE")
        return cls(
            invite=dialog[0],
            stop=end.at if end else float("inf"),
            ended="cancelled" if cancel else "answered" if answered else final.what.split()[0] if final else "",
            reason=hangup.get("Reason") if hangup else "",
            is_over="ACK" in first and (not answered or "200 BYE" in first),
        )


@dataclass(frozen=True)
class Call:
    """A call that has ended, seen from the wire, and its record. `status` is the final one that the caller got."""

    caller: Person
    status: int
    dialled_at: float
    """When the INVITE with credentials left the caller, in Unix seconds."""
    ended_at: float
    """When the caller had its final response, in Unix seconds."""
    legs: Mapping[Phone, Sequence[Rang]]
    story: Story

    @property
    def rang_first(self) -> float:
        """When the first phone was called: time 0 of the plan."""
        return min(rang.invite.at for legs in self.legs.values() for rang in legs)


class Exchange:
    """A house, and the SIPp processes around it."""

    def __init__(self, house: House, folder: Path, doors: Mapping[str, tuple[str, int]]) -> None:
        self.house = house
        self.doors = doors
        """Where SIPp reaches the server, by transport."""
        self.folder = folder
        """In which SIPp runs, and looks for what it is to play."""
        self._phones: list[Phone] = []
        self._processes: list[Sipp] = []
        self._numbers = itertools.count(2001)
        self._phone_numbers = itertools.count(1)
        self._group_numbers = itertools.count(6301)

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, **settings: Any) -> AsyncIterator["Exchange"]:
        """Open a house with nobody in it; every process ends with it."""
        async with AsyncExitStack() as stack:
            house = await stack.enter_async_context(House.open(folder / "data", **settings))
            doors = {"udp": house.sip, "tcp": house.sip}
            if house.node.sip_tls is not None:
                doors["tls"] = await stack.enter_async_context(tunnel(house.sip_tls))
            exchange = cls(house, folder, doors)
            try:
                yield exchange
            finally:
                await exchange.clear()

    async def clear(self) -> None:
        """End every SIPp process; the people stay."""
        await asyncio.gather(*(process.close() for process in self._processes))
        self._phones.clear()
        self._processes.clear()

    async def person(self, **fields: Any) -> Person:
        """A new extension."""
        return await self.house.extension(str(next(self._numbers)), **fields)

    async def phones(self, *behaviours: Behaviour, transport: str = "udp") -> list[Phone]:
        """New people, each with one registered phone."""
        people = [await self.person() for _ in behaviours]
        return await together(
            self.phone(person, behaviour, transport) for person, behaviour in zip(people, behaviours, strict=True)
        )

    async def phone(self, person: Person, behaviour: Behaviour, transport: str = "udp") -> Phone:
        """One more phone of this person; returns when it has registered."""
        name = f"phone-{next(self._phone_numbers)}-of-{person.number}"
        scenario = self.folder / f"{name}.xml"
        scenario.write_text(behaviour.text())
        sipp = await self.sipp(
            name,
            *self._registration(person, transport, stay=LIFETIME),
            *("-oocsf", str(scenario), "-recv_timeout", _milliseconds(behaviour.after)),
            transport=transport,
        )
        phone = Phone(person, sipp)
        self._phones.append(phone)
        await self._until_bound(phone)
        return phone

    async def ring_group(self, members: Sequence[Phone], **fields: Any) -> str:
        """Make a ring group of these phones' people, as `House.ring_group` does; returns its number."""
        number = str(next(self._group_numbers))
        await self.house.ring_group(number, [phone.person for phone in members], **fields)
        return number

    async def call(
        self,
        dialled: str,
        *,
        scenario: str = "calls.xml",
        talk: float = 0.1,
        give_up: float = LIFETIME,
        transport: str = "udp",
    ) -> Call:
        """Let a new caller dial a number and see the call through; a phone that complains is a failure.

        The caller does as its scenario says: it hangs up after `talk` seconds, and with `calls.xml` gives up when it
        has rung for `give_up` seconds.
        """
        caller = await self.person()
        host, port = self.doors[transport]
        sipp = await self.sipp(
            f"caller-{caller.number}",
            *("-sf", str(SCENARIOS / scenario), "-m", "1", "-key", "number", caller.number),
            *("-key", "dialled", dialled, "-auth_uri", f"{dialled}@{bracketed(host)}:{port}"),
            *("-au", caller.reg_name, "-ap", caller.reg_password),
            *("-d", _milliseconds(talk), "-recv_timeout", _milliseconds(give_up)),
            transport=transport,
        )
        assert await sipp.ended() == 0, sipp.story()
        legs = await self._legs(caller)
        final = next(m for m in sipp.messages if m.is_final_to_invite)
        return Call(
            caller=caller,
            status=int(final.what.split()[0]),
            dialled_at=next(m.at for m in sipp.messages if m.what == "INVITE" and m.get("Authorization")),
            ended_at=final.at,
            legs=legs,
            story=await self._record(caller),
        )

    async def sipp(self, name: str, *options: str, transport: str = "udp", port: int | None = None) -> Sipp:
        """SIPp with these options, ended with the exchange at the latest."""
        door = self.doors[transport]
        process = await Sipp.start(name, self.folder, door, *options, transport=transport, port=port)
        self._processes.append(process)
        return process

    async def register(self, person: Person, *, port: int) -> None:
        """Register the address at which another SIPp will listen."""
        sipp = await self.sipp(f"register-{person.number}", *self._registration(person, "udp", stay=0), port=port)
        assert await sipp.ended(PATIENCE) == 0, sipp.story()

    def _registration(self, person: Person, transport: str, *, stay: float) -> list[str]:
        host, port = self.doors[transport]
        return [
            *("-sf", str(SCENARIOS / "register.xml"), "-m", "1", "-key", "number", person.number),
            *("-au", person.reg_name, "-ap", person.reg_password, "-auth_uri", f"{bracketed(host)}:{port}"),
            *("-d", _milliseconds(stay)),
        ]

    async def _until_bound(self, phone: Phone) -> None:
        """Wait for a phone's registration."""
        person = phone.person
        wanted = sum(other.person == person for other in self._phones)
        changed = asyncio.Event()
        unsubscribe = self.house.node.bus.subscribe(BindingsChanged, lambda _: changed.set())
        try:
            async with asyncio.timeout(PATIENCE):
                while len(self.house.node.registrar.bindings(person.id)) < wanted:
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            raise AssertionError(f"did not register: {phone.sipp.story()}") from None
        finally:
            unsubscribe()

    async def _legs(self, caller: Person) -> dict[Phone, list[Rang]]:
        """What the phones saw of a call that has just ended, once they have seen the last of it."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            legs = {phone: rung for phone in self._phones if (rung := _rung(phone, caller))}
            open_legs = [phone for phone, rung in legs.items() if not all(rang.is_over for rang in rung)]
            if not open_legs:
                break
            late = asyncio.get_running_loop().time() > deadline
            assert not late, "a leg did not end:\n" + "\n".join(phone.sipp.story() for phone in open_legs)
            await asyncio.sleep(0.02)
        for phone in legs:
            assert not phone.sipp.complaints, phone.sipp.story()
        return legs

    async def _record(self, caller: Person) -> Story:
        """The record of the caller's only call, once it is written down."""
        async with asyncio.timeout(PATIENCE):
            while True:
                rows = (await self.house.get("calls/list", caller=caller.number))["data"]
                if rows and rows[0]["disposition"]:
                    return Story.from_data((await self.house.get("calls/get", id=rows[0]["id"]))["data"])
                await asyncio.sleep(0.02)


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run coroutines side by side; returns their results, or raises every failure among them."""
    results = await asyncio.gather(*work, return_exceptions=True)
    failures = [result for result in results if isinstance(result, Exception)]
    if failures:
        raise failures[0] if len(failures) == 1 else ExceptionGroup("not all went well", failures)
    return [result for result in results if not isinstance(result, BaseException)]


def assert_rang(call: Call, plan: Mapping[Phone, Sequence[tuple[float, float]]]) -> None:
    """Each phone rang from when to when the plan says, in seconds from the first INVITE, and no other phone rang."""
    seen = {
        phone: [(rang.invite.at - call.rang_first, rang.stop - call.rang_first) for rang in rung]
        for phone, rung in call.legs.items()
    }
    table = "\n".join(
        f"{phone.person.number}: planned {_spans(plan.get(phone, ()))}, on the wire {_spans(seen.get(phone, ()))}"
        for phone in {**plan, **seen}
    )
    print(table)
    for phone in {**plan, **seen}:
        planned, rung = plan.get(phone, ()), seen.get(phone, ())
        assert len(rung) == len(planned), table
        for ends in zip(rung, planned, strict=True):
            assert all(abs(at - due) <= TOLERANCE for at, due in zip(*ends, strict=True)), table


def _spans(spans: Sequence[tuple[float, float]]) -> str:
    return ", ".join(f"{start:.3f} to {stop:.3f}" for start, stop in spans) or "never"


def _rung(phone: Phone, caller: Person) -> list[Rang]:
    """Every time that this caller's call rang a phone, oldest first."""
    dialogs: defaultdict[str, list[Message]] = defaultdict(list)
    for message in phone.sipp.messages:
        if f"<sip:{caller.number}@" in message.get("From"):
            dialogs[message.get("Call-ID")].append(message)
    return [Rang.read(dialog) for dialog in dialogs.values()]


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
