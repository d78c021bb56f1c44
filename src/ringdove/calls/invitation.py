"""The INVITE that a member's phone gets: who calls, for which group, with which ringtone (R13, R14)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ringdove.model.binding import StoredBinding
from ringdove.model.extension import Extension
from ringdove.sip.dialog import new_request
from ringdove.sip.grammar import quote
from ringdove.sip.headers import NameAddr
from ringdove.sip.message import Request
from ringdove.sip.uri import Uri

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

    def request(
        self, callee: Extension, binding: StoredBinding, contact: Uri, more: Iterable[tuple[str, str]] = ()
    ) -> Request:
        """The INVITE to one phone, less Via and body, with `more` fields. `contact` is ours, as seen from the phone."""
        host = contact.host
        headers = list(more)
        if self.alert_info:
            keyword = self.alert_info if _TOKEN.match(self.alert_info) else quote(self.alert_info)
            headers.append(("Alert-Info", f"<http://{host}>;info={keyword}"))
        return new_request(
            "INVITE",
            Uri.parse(binding.contact),
            from_=NameAddr(
                Uri("sip", host, self.caller.caller_id), display_name=f"{self.prefix}{self.caller.caller_id_name}"
            ),
            to=NameAddr(Uri("sip", host, callee.number)),
            contact=contact,
            routes=binding.path,
            max_forwards=self.max_forwards,
            headers=headers,
        )
