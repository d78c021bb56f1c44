"""What happens in one world, drawn from its seed: people, phones, ring groups, callers, and what changes meanwhile."""

from dataclasses import dataclass, field, replace
from random import Random

from ringdove.model.destination import END_CALL, Destination
from ringdove.model.reference import DestinationKind
from ringdove.ring.plan import Strategy

from .network import STILL
from .phone import UNUSABLE, Habit, Mood

COMMON = "0 101"
"""A codec that everybody understands: who answers in the instant of a farewell must not fail as well."""
BUSY, DECLINES, FAILS = (486, 600), (603, 607, 608), (302, 404, 480, 500, 503)


@dataclass
class PhoneScript:
    """One phone of a person: whether it is registered when the world begins, and its moods, call by call."""

    host: str
    online: bool
    moods: list[Mood]
    formats: str
    """What it can speak, as in its descriptions."""


@dataclass
class PersonScript:
    """One extension; `id` is its number less 2000."""

    id: int
    phones: list[PhoneScript]
    dnd: bool = False
    enabled: bool = True
    call_waiting: bool = True
    ring_timeout: int = 30

    @property
    def number(self) -> str:
        """What is dialled to reach the person alone."""
        return str(2000 + self.id)


@dataclass
class GroupScript:
    """One ring group; `entries` are (people, delay, timeout)."""

    id: int
    strategy: Strategy
    ring_timeout: int
    entries: list[tuple[tuple[int, ...], int, int]]
    fail_dest: Destination = END_CALL
    nobody_dest: Destination | None = None
    join: str = ""
    welcome: str = ""
    full_join: bool = False
    """The join prompt is heard out before anybody rings."""
    miss_call: bool = False

    @property
    def number(self) -> str:
        """What is dialled to reach the group."""
        return str(6000 + self.id)


@dataclass
class CallScript:
    """One call: by whom, when, and what number. Everybody calls at most once."""

    caller: int
    at: float
    dials: str
    habit: Habit
    challenged: bool
    formats: str


@dataclass
class Change:
    """Something about a person changes: a phone registers or unregisters, or settings."""

    at: float
    person: int
    what: str
    phone: int = 0


@dataclass
class Script:
    """Everything that is decided before the world begins."""

    seed: int
    loss: float
    repeats: float
    strays: float
    lag: float
    """The longest that the store takes, in seconds."""
    duel: bool
    """Phones answer, and callers leave, in the very same instant more often than not."""
    people: list[PersonScript] = field(default_factory=list)
    groups: list[GroupScript] = field(default_factory=list)
    calls: list[CallScript] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


def write_script(seed: int) -> Script:
    """The script of the world with this seed."""
    dice = Random(seed)
    duel = dice.random() < 0.1
    calm = duel or dice.random() < 0.3
    script = Script(
        seed,
        loss=0.0 if calm else dice.choice((0.0, 0.02, 0.05, 0.1)),
        repeats=0.0 if calm else dice.choice((0.0, 0.05, 0.2)),
        strays=0.0 if calm else dice.choice((0.0, 0.02, 0.1)),
        lag=0.0 if duel else dice.choice((0.0, 0.0, 0.05, 0.5)),
        duel=duel,
    )
    together = round(dice.uniform(0.2, 10.0), 6)  # when several answer at once
    _people(script, dice, together)
    _groups(script, dice)
    _calls(script, dice, together)
    _changes(script, dice)
    return script


def _people(script: Script, dice: Random, together: float) -> None:
    for number in range(1, dice.randint(3, 7)):
        phones = [
            PhoneScript(
                host=f"10.0.{number}.{index}",
                online=dice.random() < 0.85,
                moods=[_mood(script, dice, together) for _ in range(4)],
                formats=dice.choice((COMMON, COMMON, "8 0 101", "9 0 8", "9 101")) if not script.duel else COMMON,
            )
            for index in range(1, 1 + dice.choice((1, 1, 1, 1, 2, 2, 3)))
        ]
        script.people.append(
            PersonScript(
                number,
                phones,
                dnd=dice.random() < 0.05,
                enabled=dice.random() > 0.04,
                call_waiting=dice.random() < 0.7,
                ring_timeout=dice.choice((5, 12, 30)),
            )
        )


def _mood(script: Script, dice: Random, together: float) -> Mood:
    rings = None if dice.random() < 0.1 else round(dice.uniform(0.0, 0.4), 6)
    thinks = round(dice.uniform(0.0, 25.0) if dice.random() < 0.8 else dice.uniform(0.0, 0.3), 6)
    talks = None if dice.random() < 0.5 else round(dice.uniform(0.0, 20.0), 6)
    if script.duel and dice.random() < 0.6:
        return Mood(rings, together, talks=talks)
    match dice.choices(
        ("answer", "together", "ring on", "busy", "decline", "fail", "late", "fork", "unusable", "silent", "die"),
        (22, 8, 30, 8, 10, 7, 6, 3, 2, 3, 3),
    )[0]:
        case "answer":
            return Mood(rings, thinks, talks=talks)
        case "together":
            return Mood(rings, together, talks=talks)
        case "busy":
            return Mood(rings, thinks, dice.choice(BUSY))
        case "decline":
            return Mood(rings, thinks, dice.choice(DECLINES))
        case "fail":
            return Mood(rings, thinks, dice.choice(FAILS))
        case "late":
            return Mood(rings, late=round(dice.uniform(0.0, 1.0), 6), talks=talks)
        case "fork":
            return Mood(rings, thinks, forks=True, talks=talks)
        case "unusable":
            return Mood(rings, thinks, body=dice.choice((UNUSABLE, b"", b"nonsense")))
        case "silent":
            return Mood(None)
        case "die":
            return Mood(rings, thinks, dies=round(dice.uniform(0.0, 30.0), 6))
    return Mood(rings)


def _groups(script: Script, dice: Random) -> None:
    count = dice.choice((1, 1, 1, 2, 2, 3))
    for number in range(1, count + 1):
        strategy = dice.choice(list(Strategy))
        everyone = [person.id for person in script.people]
        entries: list[tuple[tuple[int, ...], int, int]] = []
        for _ in range(dice.randint(1, 5)):
            members = tuple(dice.choices(everyone, k=dice.choice((1, 1, 1, 2, 3))))
            custom = strategy is Strategy.CUSTOM
            delay = dice.choice((0, 0, 3, 5, 10, 20)) if custom else 0
            timeout = dice.choice((0, 3, 5, 8, 15, 40)) if custom else 0
            entries.append((tuple(dict.fromkeys(members)), delay, timeout))
        script.groups.append(
            GroupScript(
                number,
                strategy,
                dice.choice((3, 5, 8, 13, 30, 40)),
                entries,
                fail_dest=_destination(script, dice, count),
                nobody_dest=_destination(script, dice, count) if dice.random() < 0.3 else None,
                join=dice.choice(("", "", "", "join.wav")),
                welcome=dice.choice(("", "", "", "welcome.wav")),
                full_join=dice.random() < 0.5,
            )
        )


def _destination(script: Script, dice: Random, groups: int) -> Destination:
    match dice.choice(("end_call", "end_call", "extension", "ring_group", "ring_group")):
        case "extension":
            person = dice.choice(script.people)
            return Destination(kind=DestinationKind.EXTENSION, value=str(person.id))
        case "ring_group":
            return Destination(kind=DestinationKind.RING_GROUP, value=str(dice.randint(1, groups)))
    return END_CALL


def _calls(script: Script, dice: Random, together: float) -> None:
    numbers = [group.number for group in script.groups] * 4
    numbers += [dice.choice(script.people).number, "9999"] if dice.random() < 0.3 else []
    callers = dice.sample(script.people, min(len(script.people), dice.choice((1, 2, 2, 3))))
    for person in callers:
        leaves = round(dice.uniform(0.0, 40.0), 6) if dice.random() < 0.25 else None
        if leaves is not None and dice.random() < 0.3:
            leaves = round(leaves / 100, 6)
        if script.duel and dice.random() < 0.6:
            leaves = together + 2 * STILL  # the very moment at which answers arrive
        chats = tuple(
            (round(dice.uniform(0.0, 10.0), 6), dice.choice(("hold", "resume", "codec", "update", "refresh", "info")))
            for _ in range(dice.choice((0, 0, 0, 1, 2)))
        )
        habit = Habit(
            leaves=leaves,
            how=dice.choice(("cancel", "cancel", "cancel", "bye", "die")),
            talks=round(dice.uniform(0.0, 30.0), 6),
            chats=chats,
        )
        if dice.random() < 0.05:
            habit = replace(habit, offers=False)
        at = round(dice.uniform(0.0, 15.0), 6)
        challenged = not script.duel and dice.random() < 0.2
        formats = dice.choice((COMMON, "0 8 101", "9 0 101", "9 101")) if not script.duel else COMMON
        script.calls.append(CallScript(person.id, at, dice.choice(numbers), habit, challenged, formats))


def _changes(script: Script, dice: Random) -> None:
    for _ in range(dice.choice((0, 0, 1, 2, 3))):
        person = dice.choice(script.people)
        what = dice.choice(("register", "register", "unregister", "power off", "dnd", "free", "disable"))
        if script.lag and what in ("dnd", "free", "disable"):
            continue  # who reads settings slowly knows of them later than the judge
        phone = dice.randrange(len(person.phones))
        script.changes.append(Change(round(dice.uniform(0.0, 40.0), 6), person.id, what, phone))
    script.changes.sort(key=lambda change: change.at)
