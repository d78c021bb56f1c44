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


@dataclass
class World:
    """`people` have phones that ring, `guests` only call. `disabled` are the ids of those who may do nothing now."""

    people: list[Person] = field(default_factory=list)
    guests: list[Person] = field(default_factory=list)
    teams: list[int] = field(default_factory=list)
    """The ids of extension groups."""
    groups: dict[int, str] = field(default_factory=dict)
    """The numbers of ring groups by their ids."""
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
        "member_list": entries,
        **_destination(world, random, "fail_dest"),
        **_destination(world, random, "no_agent_online_dest", "no_agent_online"),
    }


def _destination(world: World, random: Random, field_: str, stem: str = "") -> dict[str, str]:
    """`end_call`, an extension or another group; among groups loops come about, and each is to end by itself."""
    kinds: dict[str, Callable[[], str]] = {"end_call": str, "extension": lambda: str(random.choice(world.people).id)}
    if world.groups:
        kinds["ring_group"] = lambda: str(random.choice(list(world.groups)))
    kind = random.choice(list(kinds))
    return {field_: kind, f"{stem or field_}_value": kinds[kind]()}


async def _person(api: Client, random: Random, number: str) -> Person:
    fields = {"number": number, "ring_timeout": random.randint(3, 8), "enb_call_waiting": int(random.random() < 0.8)}
    made = await api.post("extension/create", {**fields, "first_name": f"Person {number}"})
    login = (await api.get("extension/getpassword", id=made["id"]))["data"]
    return Person(int(made["id"]), Account(number, number, login["reg_name"], login["reg_password"]))
