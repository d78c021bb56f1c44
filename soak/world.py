"""Who lives there: people with phones, extension groups, and ring groups of every strategy that lead to each other."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ringdove.client import Client
from ringdove.demo.phone import Account

GROUPS = 16
STRATEGIES = ("ring_all", "sequentially", "memory_hunt", "custom")
NOBODY = "9999"
"""A number that leads nowhere."""
OWN_MAILBOX, LEAVE_MESSAGE = "*2", "#"
"""What is dialled for one's own mailbox, and before a number to leave a message there."""
SHORTEST = 1.0
"""Seconds of speech below which nothing is a message (the setting `vm_shortest`)."""
_COMMON = ("end_call", "extension", "ring_group")
"""Destinations that are had twice as often as others."""
_PROMPT, _MUSIC = "demo.wav", "SoftBreeze"
"""Of the server's sample data."""


@dataclass(frozen=True, slots=True)
class Person:
    """An extension and what its phones are set up with."""

    id: int
    account: Account

    @property
    def number(self) -> str:
        """What is dialled to reach them."""
        return self.account.number


@dataclass(frozen=True, slots=True)
class VmGroup:
    """A group voicemail: its messages lie in one mailbox (`shared`), or are copied to those of its members."""

    id: int
    number: str
    shared: bool
    members: frozenset[int]
    """The ids of extensions."""


@dataclass
class World:
    """`people` have phones that ring, `guests` only call. `disabled` are the ids of those who may do nothing now."""

    people: list[Person] = field(default_factory=list)
    guests: list[Person] = field(default_factory=list)
    teams: list[int] = field(default_factory=list)
    """The ids of extension groups."""
    groups: dict[int, str] = field(default_factory=dict)
    """The numbers of ring groups by their ids."""
    vm_groups: list[VmGroup] = field(default_factory=list)
    disabled: set[int] = field(default_factory=set)


async def build(api: Client, random: Random, people: int) -> World:
    """Make all of it over the interface, with so many people and three quarters as many guests."""
    world = World()
    for household, first, count in ((world.people, 4000, people), (world.guests, 5000, people * 3 // 4)):
        for offset in range(count):
            household.append(await _person(api, random, str(first + offset)))
    for index in range(3):
        members = [{"value": str(p.id), "type": "extension"} for p in random.sample(world.people, 4)]
        made = await api.post("extensiongroup/create", {"name": f"Team {index}", "members": members})
        world.teams.append(int(made["id"]))
    for index, mode in enumerate(("share", "broadcast")):
        chosen, number = random.sample(world.people, 4), str(6400 + index)
        members = [{"value": str(p.id), "type": "extension"} for p in chosen]
        request = {"number": number, "name": f"Voicemail {number}", "mode": mode, "member_list": members}
        made = await api.post("vm_group/create", request)
        ids = frozenset(person.id for person in chosen)
        world.vm_groups.append(VmGroup(int(made["id"]), number, mode == "share", ids))
    for index in range(GROUPS):
        number = str(6300 + index)
        settings = {"number": number, **group_settings(world, random, STRATEGIES[index % len(STRATEGIES)])}
        made = await api.post("ringgroup/create", {"name": f"Group {number}", **settings})
        world.groups[int(made["id"])] = number
    return world


def group_settings(world: World, random: Random, strategy: str) -> dict[str, Any]:
    """What a ring group may be set to: any of it, as an administrator may think of it."""
    members = [{"value": str(person.id), "type": "extension"} for person in random.sample(world.people, 4)]
    if random.random() < 0.3:
        members[-1] = {"value": str(random.choice(world.teams)), "type": "ext_group"}
    entries: list[dict[str, Any]] = list(members)
    if strategy == "custom":
        entries = [
            {"sub_option": members[at : at + 2], "delay_time": random.randint(0, 3), "timeout": random.randint(2, 6)}
            for at in (0, 2)
        ]
    return {
        "ring_strategy": strategy,
        "ring_timeout": random.randint(2, 6),
        "join_prompt": random.choice(("", _PROMPT)),
        "play_full_join_prompt": int(random.random() < 0.2),
        "welcome_prompt": random.choice(("", _PROMPT, _MUSIC)),
        "moh": random.choice(("", "follow_system", _MUSIC)),
        "alert_info": random.choice(("", "ring-group-soak")),
        "enb_miss_call": random.randint(0, 1),
        "member_list": entries,
        **_destination(world, random, "fail_dest"),
        **_destination(world, random, "no_agent_online_dest", "no_agent_online"),
    }


def _destination(world: World, random: Random, field_: str, stem: str = "") -> dict[str, str]:
    """Any kind, mailboxes less often: each message is work for a process. Among groups loops come about, and each is to
    end by itself.
    """
    kinds: dict[str, Callable[[], str]] = {
        "end_call": str,
        "extension": lambda: str(random.choice(world.people).id),
        "ext_vm": lambda: str(random.choice(world.people).id),
        "group_vm": lambda: str(random.choice(world.vm_groups).id),
        "play_greeting": lambda: _PROMPT,
    }
    if world.groups:
        kinds["ring_group"] = lambda: str(random.choice(list(world.groups)))
    kind = random.choice([*kinds, *(common for common in _COMMON if common in kinds)])
    stem = stem or field_
    times = {f"{stem}_prefix": str(random.randint(0, 2))} if kind == "play_greeting" else {}
    return {field_: kind, f"{stem}_value": kinds[kind](), **times}


async def _person(api: Client, random: Random, number: str) -> Person:
    fields = {
        "number": number,
        "ring_timeout": random.randint(3, 8),
        "enb_call_waiting": int(random.random() < 0.8),
        "enb_vm": int(random.random() < 0.25),
        "enb_vm_play_datetime": 0,
        "enb_vm_play_caller_id": 0,
    }
    made = await api.post("extension/create", {**fields, "first_name": f"Person {number}"})
    login = (await api.get("extension/getpassword", id=made["id"]))["data"]
    return Person(int(made["id"]), Account(number, number, login["reg_name"], login["reg_password"]))
