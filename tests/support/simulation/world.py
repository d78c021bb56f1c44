"""The server in a simulated world: its real endpoint, calls and media sessions; store, ports and time are simulated.

`World.play` runs one script to its very end and gives the `Chronicle`: all that was seen at the server, in order.
"""

import asyncio
import random
from dataclasses import dataclass, field
from functools import cache, partial
from math import inf
from random import Random
from typing import Any

import structlog

from ringdove.calls.board import Board
from ringdove.calls.sounds import Sounds
from ringdove.calls.standing import standing_of
from ringdove.calls.switchboard import Switchboard
from ringdove.events.bus import Bus
from ringdove.events.types import BindingsChanged, BusyChanged, ExtensionChanged
from ringdove.guard.guard import Guard
from ringdove.media.engine import SessionId
from ringdove.media.speech import Speech
from ringdove.model.binding import StoredBinding
from ringdove.model.extension import Extension, Presence
from ringdove.model.ring_group import RingGroup, RosterEntry
from ringdove.model.story import Story
from ringdove.net.endpoint import Direction, Endpoint, Hop, IncomingRequest
from ringdove.net.passage import Passage
from ringdove.registrar.authentication import Authenticator
from ringdove.ring.eligibility import Standing
from ringdove.ring.plan import Entry, Strategy
from ringdove.settings import Settings
from ringdove.sip.digest import Realm
from ringdove.sip.message import Request, Response

from .doubles import Shelf, Shelves, SimulatedMedia
from .log import errors_logged
from .loop import simulated_loop
from .network import Address, Network, Storm, still
from .phone import Calling, Phone
from .script import CallScript, Change, PersonScript, Script

SERVER: Address = ("10.0.0.1", 5060)
PASSWORD = "r4ther-Long-And-Random"


@dataclass(frozen=True)
class Seen:
    """A message came to the server, or left it."""

    at: float
    way: Direction
    hop: Hop
    message: Request | Response


@dataclass(frozen=True)
class Unreachable:
    """The server was told that nobody listens at a host."""

    at: float
    host: str


@dataclass(frozen=True)
class Changed:
    """A member's standing changed."""

    at: float
    member: int
    standing: Standing


@dataclass(frozen=True)
class Began:
    """A call began to ring people. `destination` is ring_group or extension, with its id."""

    at: float
    call_id: str
    destination: tuple[str, int]
    strategy: Strategy
    ring_timeout: float
    entries: tuple[Entry, ...]
    standings: dict[int, Standing]


Event = Seen | Unreachable | Changed | Began


@dataclass
class Chronicle:
    """All that was seen in one world."""

    script: Script
    events: list[Event] = field(default_factory=list)
    stories: list[Story] = field(default_factory=list)
    """The finished records, in order."""
    calls: dict[int, Calling] = field(default_factory=dict)
    """By caller."""
    phones: dict[str, Phone] = field(default_factory=dict)
    """By host."""
    dead: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)
    """What was left behind in the server or a phone, and every error in the log."""
    took: float = 0.0
    """Seconds of the world's own time."""


@cache
def _settings() -> Settings:
    return Settings()


@cache
def _extension(id_: int, dnd: bool, enabled: bool, call_waiting: bool, ring_timeout: int) -> Extension:
    return Extension(
        id=id_,
        number=str(2000 + id_),
        reg_password=PASSWORD,
        presence_status=Presence.DO_NOT_DISTURB if dnd else Presence.AVAILABLE,
        enabled=enabled,
        enb_call_waiting=call_waiting,
        ring_timeout=ring_timeout,
    )


def extension_of(person: PersonScript) -> Extension:
    """The settings of a person."""
    return _extension(person.id, person.dnd, person.enabled, person.call_waiting, person.ring_timeout)


class World:
    """One script on its way."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.loop = simulated_loop()
        self.dice = Random(f"{script.seed} in the world")
        self.chronicle = Chronicle(script)
        weather = Storm(self.dice, script.loss, script.repeats, script.strays)
        calm = not (script.loss or script.repeats or script.strays)
        self.network = Network(still if calm else weather)
        self.extensions = {person.id: extension_of(person) for person in script.people}
        self.groups = {group.id: self._group(group) for group in script.groups}
        self.bindings: dict[int, list[StoredBinding]] = {person.id: [] for person in script.people}
        self.people = {person.id: person for person in script.people}
        self.bus = Bus()
        self.bus.subscribe(BusyChanged, lambda event: self._changed(event.extension_id))
        self.bus.subscribe(BindingsChanged, lambda event: self._changed(event.extension_id))
        self.bus.subscribe(ExtensionChanged, lambda event: self._changed(event.extension_id))

    @classmethod
    async def play(cls, script: Script) -> Chronicle:
        """Run a script until nobody has anything left to do."""
        random.seed(script.seed)  # the server's own dice: pauses after glare
        world = cls(script)
        with errors_logged(world.chronicle.left):
            await world._build()
            await world.loop.rest()
            return await world._close()

    # Before and after

    async def _build(self) -> None:
        self.endpoint = Endpoint(transports={"udp": self.network.listen})
        await self.endpoint.listen("udp", *SERVER)
        self.endpoint.observers.append(self._saw)
        self.network.on_refusal = self._refused
        self.media = SimulatedMedia()
        shelf: Any = Shelf(self)
        nobody: Any = None  # has voicemail in this world
        self._authenticator = Authenticator(shelf, Realm("sim"), Guard(), self.loop.time)
        self.board = Board(
            node="sim",
            endpoint=self.endpoint,
            media=self.media,
            store=shelf,
            bus=self.bus,
            settings=_settings(),
            sounds=Sounds(shelf, Shelves(), "default", Speech.open("en")),  # type: ignore[arg-type]
            postbox=nobody,
            mailboxes=nobody,
            authenticate=self._authenticate,
            bindings=lambda extension_id: tuple(self.bindings[extension_id]),
        )
        self.switchboard = Switchboard(self.board)
        await self.switchboard.start()
        self.endpoint.on_request = self._dispatch
        for person in self.script.people:
            await self._phones_of(person)
        for call in self.script.calls:
            desk = await Phone.on(self.network, SERVER, f"10.1.0.{call.caller}", self.people[call.caller].number)
            desk.formats = call.formats
            self.chronicle.phones[desk.host] = desk
            self.loop.call_later(call.at, self._call, call, desk)
        for change in self.script.changes:
            self.loop.call_later(change.at, self._change, change)

    async def _phones_of(self, person: PersonScript) -> None:
        for index, plan in enumerate(person.phones):
            phone = await Phone.on(self.network, SERVER, plan.host, person.number)
            moods = iter(plan.moods * 50)
            phone.moods = partial(next, moods)
            phone.formats, phone.dice = plan.formats, Random(f"{self.script.seed} {plan.host}")
            self.chronicle.phones[plan.host] = phone
            if plan.online:
                self._register(person.id, index)

    async def _close(self) -> Chronicle:
        chronicle = self.chronicle
        chronicle.took = self.loop.time()
        chronicle.dead = set(self.network.dead)
        chronicle.left += [*self._left_in_server(), *self._left_in_phones()]
        await self.switchboard.close()
        return chronicle

    def _left_in_server(self) -> list[str]:
        endpoint = self.endpoint
        tasks = {task.get_name() for task in asyncio.all_tasks()} - {"call records"}
        left: dict[str, Any] = {
            "running calls": self.switchboard.running,
            "dialogs": endpoint._dialogs,
            "incoming": endpoint._exchanges.incoming,
            "outgoing": endpoint._exchanges.outgoing,
            "media sessions": self.media.sessions,
            "ports": 500 - len(self.media.ports),
            "streams": {port: s for port, s in self.media.streams.items() if port not in self.media.ports},
            "busy": self.board.busy._calls,
            "records": self.board.records.unwritten(),
            "members watched": len(self.board.lookout),
            "tasks": len(tasks) - 2,  # this one, and who listens to the media engine
            **_layer(endpoint),
        }
        return [f"server: {name}: {what}" for name, what in left.items() if what]

    def _left_in_phones(self) -> list[str]:
        left = []
        for host, phone in self.chronicle.phones.items():
            if host not in self.network.dead:
                left += [f"{host}: in a call: {dialog}" for dialog in phone.lines]
                left += [f"{host}: {name}: {what}" for name, what in _layer(phone.endpoint).items() if what]
        return left

    # What happens

    def _call(self, call: CallScript, desk: Phone) -> None:
        self.chronicle.calls[call.caller] = Calling(desk, call.dials, PASSWORD, call.habit)

    def _change(self, change: Change) -> None:
        person = self.people[change.person]
        host = person.phones[change.phone].host
        match change.what:
            case "register":
                self._register(person.id, change.phone)
                self.bus.publish(BindingsChanged(person.id))
            case "unregister":
                self.bindings[person.id] = [b for b in self.bindings[person.id] if b.remote_host != host]
                self.bus.publish(BindingsChanged(person.id))
            case "power off":
                self.network.refusing.add(host)
                self.network.dead.add(host)
            case "dnd" | "free":
                self._edit(person, presence_status=Presence.DO_NOT_DISTURB if change.what == "dnd" else "available")
            case "disable":
                self._edit(person, enabled=False)

    def _edit(self, person: PersonScript, **fields: Any) -> None:
        if "presence_status" in fields:
            fields["presence_status"] = Presence(fields["presence_status"])
        self.extensions[person.id] = self.extensions[person.id].model_copy(update=fields)
        self.bus.publish(ExtensionChanged(person.id))

    def _register(self, person: int, index: int) -> None:
        host = self.people[person].phones[index].host
        contact = f"sip:{2000 + person}@{host}"
        if all(binding.key != contact for binding in self.bindings[person]):
            self.bindings[person].append(
                StoredBinding(
                    extension_id=person,
                    key=contact,
                    contact=contact,
                    call_id="",
                    cseq=1,
                    transport="udp",
                    remote_host=host,
                    remote_port=5060,
                    local_host=SERVER[0],
                    local_port=SERVER[1],
                    expires_at=inf,
                    registered_at=0,
                )
            )

    def _dispatch(self, incoming: IncomingRequest) -> None:
        if incoming.request.method == "INVITE":
            self.switchboard.handle(incoming)
        else:
            incoming.reply(405)

    async def _authenticate(self, request: Any, source: Hop) -> Any:
        caller = int(request.from_.uri.user) - 2000
        if next(call for call in self.script.calls if call.caller == caller).challenged:
            return await self._authenticator.check(request, source)
        return self.extensions[caller]

    # What is written down

    def _saw(self, passage: Passage) -> None:
        assert isinstance(passage.message, Request | Response)
        self.chronicle.events.append(Seen(passage.at, passage.direction, passage.hop, passage.message))

    def _refused(self, source: Address, target: Address) -> None:
        if source == SERVER:
            self.chronicle.events.append(Unreachable(self.loop.time(), target[0]))

    def _changed(self, member: int) -> None:
        self.chronicle.events.append(Changed(self.loop.time(), member, self._standing(member, 0)))

    def _standing(self, member: int, caller: int) -> Standing:
        return standing_of(self.board, self.extensions[member], self.bindings[member], caller)

    def extension_read(self, id_: int, extension: Extension | None) -> None:
        """Perhaps a call enters an extension."""
        task = asyncio.current_task()
        if task in self.switchboard._running.values() and extension is not None:
            self._begin(("extension", id_), Strategy.RING_ALL, float(extension.ring_timeout), (Entry((id_,)),))

    def begin_group(self, id_: int) -> list[RosterEntry]:
        """A call enters a group."""
        group = next(group for group in self.script.groups if group.id == id_)
        entries = tuple(Entry(members, float(delay), float(timeout)) for members, delay, timeout in group.entries)
        self._begin(("ring_group", id_), group.strategy, float(group.ring_timeout), entries)
        return [
            RosterEntry.model_construct(
                members=tuple(self.extensions[member] for member in members), delay_time=delay, timeout=timeout
            )
            for members, delay, timeout in group.entries
        ]

    def _begin(self, where: tuple[str, int], strategy: Strategy, timeout: float, entries: tuple[Entry, ...]) -> None:
        call_id = self._this_call()
        caller = self.switchboard._by_id[SessionId(call_id)].who.id
        members = {member for entry in entries for member in entry.members}
        standings = {member: self._standing(member, caller) for member in members}
        self.chronicle.events.append(Began(self.loop.time(), call_id, where, strategy, timeout, entries, standings))

    @staticmethod
    def _this_call() -> str:
        return str(structlog.contextvars.get_contextvars()["call"])

    @staticmethod
    def _group(group: Any) -> RingGroup:
        return RingGroup.model_construct(
            id=group.id,
            number=group.number,
            name=f"Group {group.id}",
            ring_strategy=group.strategy,
            ring_timeout=group.ring_timeout,
            join_prompt=group.join,
            play_full_join_prompt=group.full_join,
            welcome_prompt=group.welcome,
            moh="",
            alert_info=f"group{group.id}",
            fail_dest=group.fail_dest,
            no_agent_online_dest=group.nobody_dest,
            enb_miss_call=group.miss_call,
        )


def _layer(endpoint: Endpoint) -> dict[str, Any]:
    """What an endpoint's transactions still hold."""
    layer = endpoint._layer
    tables = {name: table for name, table in vars(layer).items() if isinstance(table, dict)}
    return {**tables, "deadline": layer.deadline is not None}
