"""The INVITE that a member's phone gets: who calls, for which group, with which ringtone (R13, R14)."""

import re
from dataclasses import dataclass, field

from ringdove.model.binding import StoredBinding
from ringdove.model.extension import Extension
from ringdove.sip.dialog import Fork
from ringdove.sip.grammar import quote
from ringdove.sip.headers import NameAddr
from ringdove.sip.message import Request
from ringdove.sip.uri import Uri, address_of_record

Fields = tuple[tuple[str, str], ...]

_TOKEN = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, slots=True)
class Look:
    """How a call shows on the phones of a group; empty for a call to one person."""

    alert_info: str = ""
    group_name: str = ""


EMPTY_LOOK = Look()


@dataclass(frozen=True, slots=True)
class Invitation:
    """What every phone that a call rings is told. `alert_info` is the group's keyword, "" for none; `prefix` comes
    before the name.

    `max_forwards` goes on where the caller's INVITE left off, so that loops through others end too (RFC 7332).
    """

    caller: Extension
    max_forwards: int
    alert_info: str = ""
    prefix: str = ""
    _forks: dict[tuple[str, Fields], Fork] = field(default_factory=dict, repr=False, compare=False)
    """By our Contact and the fields of a leg: what is the same on all phones is written once."""

    def request(self, callee: Extension, binding: StoredBinding, contact: Uri, more: Fields = ()) -> Request:
        """The INVITE to one phone, less Via and body, with `more` fields. `contact` is ours, as seen from the phone."""
        kind = (str(contact), more)
        fork = self._forks.get(kind)
        if fork is None:
            fork = self._forks[kind] = self._fork(contact, more)
        to = address_of_record(callee.number, contact.host)
        return fork.request(Uri.parse(binding.contact), to, routes=binding.path)

    def _fork(self, contact: Uri, more: Fields) -> Fork:
        host = contact.host
        headers = list(more)
        if self.alert_info:
            keyword = self.alert_info if _TOKEN.match(self.alert_info) else quote(self.alert_info)
            headers.append(("Alert-Info", f"<http://{host}>;info={keyword}"))
        return Fork(
            "INVITE",
            from_=NameAddr(
                address_of_record(self.caller.caller_id, host), f"{self.prefix}{self.caller.caller_id_name}"
            ),
            contact=contact,
            max_forwards=self.max_forwards,
            headers=headers,
        )
