"""What goes on in the house: calls, phones that come and go, an administrator, a scanner.

Everything is drawn from one seeded source, in an order that depends on the network: a seed gives the same kind of day
again, not the same day.
"""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial

import httpx

from ringdove.client import Client, ServerSaysNo
from ringdove.demo.outgoing import OutgoingLine
from ringdove.settings import HostPort

from .caller import hear_who_it_is, leave_message, visit
from .device import SUBSCRIBED, Device, talk
from .ledger import Ledger
from .network import Weather
from .post import Box, Post, boxes, boxes_of
from .world import LEAVE_MESSAGE, NOBODY, OWN_MAILBOX, STRATEGIES, Person, World, group_settings

_SCANNER = "127.6.6.6"
"""Where the garbage comes from: not where the phones are."""
_PRESENCES = ("available", "available", "away", "do_not_disturb")
_REPEAT = 2.0
"""Seconds after which a REGISTER that was begun has come to something, even if it had to be sent twice."""
_LIT = 10.0
"""Seconds within which lamps show what there is: messages are posted, and a NOTIFY may be lost more than once."""
_GRACE = 3.0
"""Seconds after a change of `enabled` in which a phone may be refused."""


class Life:
    """The devices, and what they do until `end`. `complaints` are what is not to happen.

    `rate` is in calls per second. In a `gentle` life no phone vanishes in the middle of a call: nothing times out.
    """

    def __init__(
        self,
        world: World,
        servers: Mapping[str, HostPort],
        weather: Weather,
        ledger: Ledger,
        rate: float,
        *,
        gentle: bool = False,
    ) -> None:
        self.complaints: list[str] = []
        self.done: Counter[str] = Counter()
        """What happened how often."""
        self.ledger = ledger
        self._world = world
        self._random = weather.random
        self._server = servers["udp"]
        self._rate = rate
        self._gentle = gentle
        self._doubtful: dict[int, float] = {}
        """Until when (monotonic) a person's phones may be refused, by id."""
        self.post = Post()
        self._tasks: set[asyncio.Task[None]] = set()
        self._excused_until = 0.0
        """Until when (monotonic) a server that does not answer is excused."""
        self._ending = asyncio.Event()
        self.devices = [
            Device(person, transport, servers, weather, ledger)
            for person in world.people
            for transport in self._random.choices(("udp", "tcp", "tls"), (6, 1, 1), k=self._random.randint(1, 3))
        ]
        self.guests = [Device(person, "udp", servers, weather, ledger) for person in world.guests]
        for device in self.devices:
            device.refused = partial(self._hear_refusal, device.person)
        ledger.on_answer = lambda line: self._spawn(partial(talk, line, self._random, 12.0))

    async def wake(self) -> None:
        """Switch every phone on."""
        for device in (*self.devices, *self.guests):
            await device.switch_on(registered=device in self.devices)
            await asyncio.sleep(0.01)

    async def run(self, api: Client, seconds: float) -> None:
        """Live for so long, or until `end` is called."""
        habits = (
            partial(self._every, 1 / self._rate, partial(self._call, api)),
            partial(self._every, 1.0, self._move_a_phone),
            partial(self._every, 1.0, partial(self._administer, api)),
            partial(self._every, 1.0, partial(self._collect, api)),
            partial(self._every, 15.0, self._knock),
        )
        for habit in habits:
            self._spawn(habit)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ending.wait()
        self._ending.set()

    def end(self) -> None:
        """Let no more calls begin."""
        self._ending.set()

    def excuse(self, seconds: float) -> None:
        """The server is away, or has been: for so long it need not answer."""
        self._excused_until = time.monotonic() + seconds

    @property
    def _is_excused(self) -> bool:
        return time.monotonic() < self._excused_until

    @property
    def awake(self) -> int:
        """Phones that are on."""
        return sum(device.phone is not None for device in (*self.devices, *self.guests))

    # Its end

    async def calm(self, api: Client) -> None:
        """Hang up all calls that were made; allow everybody everything; have every phone forgotten."""
        for line in self.ledger.outgoing():
            line.hang_up()
        await self._cancel_tasks()
        for person_id in list(self._world.disabled):
            await self._enable(api, person_id, enabled=True)
        await self._look_at_lamps(api)
        await asyncio.gather(*(d.subscription.renew(0) for d in self.devices if d.subscription is not None))
        for device in self.devices:
            device.stay_away()
            if device.phone is None:
                await device.switch_on(registered=False)
        await asyncio.sleep(_REPEAT)
        one_each = {device.person: device for device in self.devices}
        await asyncio.gather(*(device.unregister_all() for device in one_each.values()))

    async def _look_at_lamps(self, api: Client) -> None:
        """Every phone that is on shows what is in the mailboxes that its owner can hear.

        Phones that were told nothing show nothing: that there is none.
        """
        on = [device for device in self.devices if device.phone is not None]
        watched = [device.subscription for device in on if device.subscription is not None]
        await asyncio.gather(*(device.register() for device in on), *(one.renew(SUBSCRIBED) for one in watched))
        until, wrong = time.monotonic() + _LIT, ["?"]
        while wrong and time.monotonic() < until:
            await asyncio.sleep(1.0)
            counts: dict[Box, Counter[int]] = {}
            for box in boxes(self._world):
                rows = (await api.get("vm/query", **{box.kind: box.id}))["data"]
                counts[box] = Counter(row["read"] for row in rows)
            wrong = [complaint for device in on if (complaint := self._lamp_is_wrong(device, counts))]
        self.complaints += wrong

    def _lamp_is_wrong(self, device: Device, counts: Mapping[Box, Counter[int]]) -> str:
        if device.phone is None:
            return ""
        lamp = device.phone.lamp
        shown = (lamp.new, lamp.old) if lamp is not None else (0, 0)
        there: Counter[int] = Counter()
        for box in boxes_of(device.person.id, self._world.vm_groups):
            there += counts[box]
        kind = "subscribed" if device.subscription is not None else "not subscribed"
        right = shown == (there[0], there[1])
        what = f"the lamp of a phone of {device.person.number} ({kind}) shows {shown}, there are {there[0], there[1]}"
        return "" if right else what

    async def close(self) -> None:
        """Switch everything off."""
        await self._cancel_tasks()
        for device in (*self.devices, *self.guests):
            await device.close()

    async def _cancel_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Calls

    async def _call(self, api: Client) -> None:
        """Somebody who is not calling already dials a number."""
        engaged = {line.phone.account.number for line in self.ledger.outgoing()}
        idle = [
            device
            for device in (*self.devices, *self.guests)
            if device.phone is not None and device.person.number not in engaged
        ]
        if not idle:
            self.done["nobody was free to call"] += 1
            return
        device = self._random.choice(idle)
        assert device.phone is not None
        line = device.phone.dial(self._number(device.person))
        patience = self._random.uniform(0.0, 0.4) if self._random.random() < 0.1 else self._random.uniform(2.0, 20.0)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await line.settled()
        if line.state.is_up:
            await self._speak(line, device.person, api)
        elif line.ending is None:
            line.hang_up()
        await line.over()
        if line.status == 401 and line.identified:
            self._hear_refusal(device.person, f"{device.person.number} showed its password, and was turned away")

    async def _speak(self, line: OutgoingLine, person: Person, api: Client) -> None:
        """Do what one does with whoever or whatever has answered."""
        if line.party == OWN_MAILBOX:
            await self._visit(line, person, api)
        elif self._random.random() < 0.1:
            line.hang_up()
        elif await hear_who_it_is(line, self.ledger):
            await talk(line, self._random, 8.0)
        else:
            await leave_message(line, self._random, self.ledger)

    def _number(self, caller: Person) -> str:
        random, world = self._random, self._world
        kinds = {
            "group": 57,
            "person": 30,
            "nobody": 5,
            "mailbox": 5,
            "own mailbox": 3 if caller in world.people else 0,
        }
        match random.choices(list(kinds), list(kinds.values()))[0]:
            case "group":
                return random.choice(list(world.groups.values()))
            case "person":
                return random.choice(world.people).number
            case "mailbox":
                person, group = random.choice(world.people), random.choice(world.vm_groups)
                return random.choice((LEAVE_MESSAGE + person.number, group.number))
            case "own mailbox":
                return OWN_MAILBOX
        return random.choice((NOBODY, "0", "12345678901", "alice"))

    async def _visit(self, line: OutgoingLine, person: Person, api: Client) -> None:
        """Of the new messages the one that was heard is new no longer."""
        new = await self._new_messages(person, api)
        heard = await visit(line, self._random)
        self.done[f"mailboxes called: {'a message' if heard else 'nothing'} heard"] += 1
        await line.over()
        if heard and new and new <= await self._new_messages(person, api):
            self.complaints.append(f"{person.number} heard a message, and all that were new are so still")

    async def _new_messages(self, person: Person, api: Client) -> set[int]:
        return {row["id"] for row in (await api.get("vm/query", ext_id=person.id, read=0))["data"]}

    async def _collect(self, api: Client) -> None:
        """Somebody looks after a mailbox."""
        await self.post.collect(api, self.ledger, self._random.choice(boxes(self._world)), self._random)

    # Phones

    async def _move_a_phone(self) -> None:
        device, random = self._random.choice(self.devices), self._random
        if device.phone is None or device.stays or (self._gentle and device.phone.lines):
            return
        if self._gentle and device.subscription is not None:
            await device.subscription.renew(0)
        what = random.choices(("refresh", "unregister", "restart", "vanish", "lose its cable"), (30, 15, 25, 20, 10))[0]
        self.done[f"phones: {what}"] += 1
        match what:
            case "refresh":
                await device.register()
            case "unregister":
                await device.register(0)
            case "restart":
                await device.vanish()
                await device.switch_on()
            case _:
                await device.vanish(cable=what != "vanish" and not self._gentle)
                await asyncio.sleep(random.uniform(3.0, 60.0))
                await device.switch_on()

    def _hear_refusal(self, person: Person, what: str) -> None:
        """Who is disabled, or was a moment ago, may be turned away; nobody else."""
        if person.id in self._world.disabled or self._doubtful.get(person.id, 0.0) > time.monotonic():
            self.done["disabled extensions turned away"] += 1
        elif not self._is_excused:
            self.complaints.append(what)

    # The administrator

    async def _administer(self, api: Client) -> None:
        random, world = self._random, self._world
        what = random.choice(("presence", "enabled", "group", "team", "look", "look"))
        self.done[f"interface: {what}"] += 1
        person = random.choice(world.people)
        try:
            match what:
                case "presence":
                    presence = random.choice(_PRESENCES)
                    await api.post("extension/update", {"id": person.id, "presence_status": presence})
                case "enabled":
                    await self._enable(api, person.id, enabled=False)
                    await asyncio.sleep(random.uniform(1.0, 8.0))
                    await self._enable(api, person.id, enabled=True)
                    for device in self.devices:
                        if device.person is person:
                            await device.register()
                case "group":
                    settings = group_settings(world, random, random.choice(STRATEGIES))
                    await api.post("ringgroup/update", {"id": random.choice(list(world.groups)), **settings})
                case "team":
                    members = [{"value": str(p.id), "type": "extension"} for p in random.sample(world.people, 4)]
                    await api.post("extensiongroup/update", {"id": random.choice(world.teams), "members": members})
                case _:
                    await api.get("calls/list", page_size=20)
                    await api.get("ringgroup/simulate", id=random.choice(list(world.groups)))
        except ServerSaysNo as no:
            if "loop" not in no.wrong.values():  # a group that leads to itself is refused, as it should be
                self.complaints.append(f"the interface refused what it offers: {no}")

    async def _enable(self, api: Client, person_id: int, *, enabled: bool) -> None:
        self._doubtful[person_id] = time.monotonic() + _GRACE
        number = next(person.number for person in self._world.people if person.id == person_id)
        self.ledger.turned_away.setdefault(number, []).append(time.time())
        if not enabled:
            self._world.disabled.add(person_id)
        await api.post("extension/update", {"id": person_id, "enabled": int(enabled)})
        self._doubtful[person_id] = time.monotonic() + _GRACE
        if enabled:
            self._world.disabled.discard(person_id)

    # The scanner

    async def _knock(self) -> None:
        """A burst of what scanners and broken programs send; nobody listens for answers."""
        self.done["bursts of garbage"] += 1
        random = self._random
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((_SCANNER, 0))
            sock.setblocking(False)
            for number in range(300):
                with suppress(OSError):
                    sock.sendto(self._garbage(number, sock.getsockname()[1]), tuple(self._server))
                await asyncio.sleep(random.uniform(0.0, 0.01))

    def _garbage(self, number: int, port: int) -> bytes:
        random = self._random
        method = random.choice(("INVITE", "REGISTER", "OPTIONS", "BYE", "CANCEL", "ACK", "NOTIFY", "INFO"))
        tag = f";tag={number}" if method in ("BYE", "INFO") else ""
        cseq = random.choice((f"1 {method}", "1 OPTIONS", "x"))
        text = (
            f"{method} sip:{random.randint(100, 9999)}@127.0.0.1 SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {_SCANNER}:{port};branch=z9hG4bK{random.getrandbits(32):x}\r\n"
            f"From: <sip:{random.randint(100, 9999)}@127.0.0.1>;tag={number}\r\nTo: <sip:a@127.0.0.1>{tag}\r\n"
            f"Call-ID: {random.getrandbits(64):x}\r\nCSeq: {cseq}\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:x@{_SCANNER}:{port}>\r\nContent-Length: {random.choice((0, 0, 9999))}\r\n\r\n"
        ).encode()
        match random.randrange(4):
            case 0:
                return random.randbytes(random.randint(1, 1200))
            case 1:
                return text[: random.randrange(len(text))]
        return text

    # How it is done

    async def _every(self, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        """Begin it at random times, so far apart on average, each in a task of its own."""
        while True:
            await asyncio.sleep(self._random.expovariate(1 / seconds))
            if self._ending.is_set():
                return
            self._spawn(act)

    def _spawn(self, work: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except httpx.TransportError as why:
            if not self._is_excused:
                self.complaints.append(f"the interface did not answer: {why!r}")
        except Exception as why:
            self.complaints.append(f"the soak itself failed: {why!r}")
