"""What the demo plays: the groups, who calls them, and what everybody does about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ringdove.api.ringgroup_examples import EXAMPLES

from .incoming import DECLINED, Answer, Behaviour, LetRing, Refuse

ALICE, BOB, CAROL, DORA, EMIL, FRIDA = "2001", "2002", "2003", "2010", "2011", "2012"

EVERYBODY, OWN_TIMES = PRINTED = tuple(EXAMPLES.values())
"""The two request examples of the page, as they are printed there."""

STEP_SECONDS: Final = 3
NIGHT_WATCH: Final[dict[str, Any]] = {
    "number": "6302",
    "name": "Night Watch",
    "ring_strategy": "memory_hunt",
    "ring_timeout": STEP_SECONDS,
    "alert_info": "night-watch",
    "member_list": EVERYBODY["member_list"],
    "fail_dest": "extension",
    "fail_dest_value": "3082",
}
"""One more phone every three seconds; when nobody answers, the call goes on to Frida."""

UNANSWERED_SECONDS: Final = 2
CLOSED: Final[dict[str, Any]] = {
    "number": "6303",
    "name": "After Hours",
    "ring_strategy": "ring_all",
    "ring_timeout": UNANSWERED_SECONDS,
    "alert_info": "after-hours",
    "member_list": [{"value": "3075", "type": "extension"}],
    "fail_dest": "ext_vm",
    "fail_dest_value": "3075",
}
"""Carol's phone for two seconds, then her voicemail."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One call: `caller` dials the group made of `request`, and talks for `talk` seconds when somebody answers, or
    after the tone of a mailbox.

    `cast` says what the owner of each phone does that this call rings, by number. Half way through the talk, whoever
    answered puts the caller on hold for `hold` seconds (0: does not); they count beside those of the talk.
    """

    title: str
    request: Mapping[str, Any]
    caller: str
    cast: Mapping[str, Behaviour]
    talk: float
    hold: float = 0.0

    @property
    def number(self) -> str:
        """The group's number."""
        return str(self.request["number"])

    @property
    def mailbox(self) -> int | None:
        """The extension to whose voicemail the group sends the call on; None where it does not."""
        return int(self.request["fail_dest_value"]) if self.request["fail_dest"] == "ext_vm" else None

    @property
    def ringtone(self) -> str:
        """By which Alert-Info keyword phones tell this group's calls from others."""
        return str(self.request["alert_info"])


ALL_AT_ONCE = Scene(
    "Everybody at once; Bob answers, and puts Emil on hold for a while",
    EVERYBODY,
    EMIL,
    {ALICE: LetRing(), BOB: Answer(after=2.0), CAROL: LetRing()},
    talk=2.0,
    hold=1.5,
)
NOBODY_ANSWERS = Scene(
    "One more phone every 3 s; nobody answers, so the call goes on to Frida",
    NIGHT_WATCH,
    EMIL,
    {ALICE: LetRing(), BOB: LetRing(), CAROL: LetRing(), FRIDA: Answer(after=1.5)},
    talk=1.5,
)
AFTER_A_DELAY = Scene(
    "Music for 20 s, then everybody; Alice declines, Carol answers",
    OWN_TIMES,
    DORA,
    {ALICE: Refuse(DECLINED, after=1.0), BOB: LetRing(), CAROL: Answer(after=2.0)},
    talk=1.5,
)
AFTER_HOURS = Scene(
    "Nobody is there any more, so Frida leaves Carol a message",
    CLOSED,
    FRIDA,
    {CAROL: LetRing()},
    talk=2.0,
)
SCENES: Final = (ALL_AT_ONCE, AFTER_A_DELAY, NOBODY_ANSWERS, AFTER_HOURS)
