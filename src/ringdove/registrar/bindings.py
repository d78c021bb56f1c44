"""What a REGISTER does to the bindings of an extension (RFC 3261 §10.3), as a function of what is there."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ringdove.model.binding import StoredBinding
from ringdove.model.extension import Extension
from ringdove.sip.grammar import delta_seconds, quote, unquote
from ringdove.sip.headers import NameAddr
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request, Response
from ringdove.sip.reach import listening, reach
from ringdove.sip.uri import Uri, spelled

MAX_TEXT: Final = 255
"""Characters kept of what a phone says about itself."""
MAX_CONTACT: Final = 768
"""Characters of a contact URI."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """How long a binding lives, in seconds: when the phone does not say, at least (423 below it), and at most."""

    default: int = 3600
    minimum: int = 60
    maximum: int = 7200


@dataclass(frozen=True, slots=True)
class Refusal:
    """A REGISTER that changes nothing: what to answer, and the fields that the answer carries."""

    status: int
    reason: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def response(self, request: Request, to_tag: str | None = None) -> Response:
        """The answer."""
        response = request.reply(self.status, self.reason, to_tag=to_tag)
        for name, value in self.headers:
            response.headers.add(name, value)
        return response


@dataclass(frozen=True, slots=True)
class Change:
    """A REGISTER that is granted: the bindings to save and the keys to forget. Both are empty for a mere question."""

    saved: tuple[StoredBinding, ...] = ()
    forgotten: tuple[str, ...] = ()


_LATE = Refusal(500, "Server Internal Error (out of order)")  # §10.3 steps 6 and 7


def check(request: Request) -> Refusal | None:
    """What is wrong with a REGISTER whoever sends it, said before anybody is asked for a password (RFC 4475 §3.3.4)."""
    return None if request.to.uri.is_sip else Refusal(400, "Bad Request (To: not a SIP URI)")


def register(
    request: Request,
    extension: Extension,
    present: Mapping[str, StoredBinding],
    source: Hop,
    now: float,
    *,
    unreachable: Collection[str] = (),
    intervals: Intervals = Intervals(),
) -> Change | Refusal:
    """Apply a REGISTER that passed the validator and `check`, as a whole or not at all; its sender is `extension`.

    `present` are the extension's unexpired bindings by key, `now` is in Unix seconds. A phone that comes in addition to
    `concurrent_registrations` others takes the place of the binding that was refreshed longest ago, of those in
    `unreachable` first: a phone that was restarted behind a new port always gets in.
    """
    if request.to.uri.user not in (extension.number, extension.reg_name):
        return Refusal(403)  # §10.3 step 4
    contacts = request.headers.values("Contact")
    if not contacts:
        return Change()
    if "*" in contacts:
        return _remove_all(request, contacts, present)
    wanted = _read_contacts(request, extension, source, now, intervals)
    if isinstance(wanted, Refusal):
        return wanted
    if any(_is_late(request, present.get(key)) for key in wanted):
        return _LATE
    saved = tuple(binding for binding in wanted.values() if binding.expires_at > now)
    if len(saved) > extension.concurrent_registrations:
        return Refusal(403, "Forbidden (more contacts than allowed)")
    removed = [key for key, binding in wanted.items() if binding.expires_at <= now and key in present]
    others = [binding for key, binding in present.items() if key not in wanted]
    others.sort(key=lambda binding: (binding.key not in unreachable, binding.registered_at))
    surplus = max(0, len(others) + len(saved) - extension.concurrent_registrations) if saved else 0
    return Change(saved, (*removed, *(binding.key for binding in others[:surplus])))


def contact_value(binding: StoredBinding, now: float) -> str:
    """A binding as the 200 lists it, with the seconds that are left (§10.3 step 8)."""
    left = max(0, round(binding.expires_at - now))
    value = f"<{binding.contact}>;expires={left}"
    if binding.q != 1.0:
        value += f";q={binding.q:g}"
    if binding.instance_id is not None:
        value += f";+sip.instance={quote(binding.instance_id)}"
    if binding.reg_id is not None:
        value += f";reg-id={binding.reg_id}"
    return value


def listing(bindings: Iterable[StoredBinding], now: float) -> list[str]:
    """The Contact values of a 200, in the order of registration."""
    return [contact_value(binding, now) for binding in sorted(bindings, key=lambda b: b.registered_at)]


def own_address(binding: StoredBinding) -> Hop | None:
    """Where a phone can be called without the flow it registered over, if that is known."""
    return None if binding.path else listening(Uri.parse(binding.contact), Hop.of_binding(binding))


def _is_late(request: Request, binding: StoredBinding | None) -> bool:
    """Whether a newer request of the same phone has been there already."""
    return binding is not None and binding.call_id == request.call_id and binding.cseq >= request.cseq.number


def _remove_all(request: Request, contacts: list[str], present: Mapping[str, StoredBinding]) -> Change | Refusal:
    if len(contacts) > 1 or delta_seconds(request.headers.get("Expires")) != 0:
        return Refusal(400, "Bad Request (Contact: * wants Expires 0 and nothing beside it)")
    if any(_is_late(request, binding) for binding in present.values()):
        return _LATE
    return Change(forgotten=tuple(present))


def _read_contacts(
    request: Request, extension: Extension, source: Hop, now: float, intervals: Intervals
) -> dict[str, StoredBinding] | Refusal:
    """What is asked for, by key; a binding to be removed has expired. Of two for one key the later one counts."""
    wanted: dict[str, StoredBinding] = {}
    path = tuple(request.headers.values("Path"))
    if not "".join(path).isprintable():
        return Refusal(400, "Bad Request (Path: control characters)")
    for contact in request.contacts:
        if not contact.uri.is_sip:
            return Refusal(400, "Bad Request (Contact: not a SIP URI)")
        uri = str(contact.uri)
        if len(uri) > MAX_CONTACT:
            return Refusal(400, "Bad Request (Contact: too long)")
        seconds = _interval(request, contact, intervals)
        if 0 < seconds < intervals.minimum:
            return Refusal(423, None, (("Min-Expires", str(intervals.minimum)),))
        instance, reg_id = _identity(contact)
        key = _key(contact.uri) if instance is None or reg_id is None else f"{instance};{reg_id}"
        hop = source if path else reach(contact.uri, request, source)
        wanted[key] = StoredBinding(
            extension_id=extension.id or 0,
            key=key,
            contact=uri,
            instance_id=instance,
            reg_id=reg_id,
            call_id=request.call_id,
            cseq=request.cseq.number,
            path=path,
            transport=hop.transport,
            remote_host=hop.remote_host,
            remote_port=hop.remote_port,
            local_host=hop.local_host,
            local_port=hop.local_port,
            user_agent="".join(filter(str.isprintable, request.headers.get("User-Agent") or ""))[:MAX_TEXT],
            q=_preference(contact.param("q")),
            expires_at=now + min(seconds, intervals.maximum),
            registered_at=now,
        )
    return wanted


def _key(uri: Uri) -> str:
    """The URI, an IPv6 address in it spelled like everywhere (RFC 5954 §4): the same contact is one binding."""
    return str(replace(uri, host=f"[{spelled(uri.host)}]") if uri.host.startswith("[") else uri)


def _interval(request: Request, contact: NameAddr, intervals: Intervals) -> int:
    """The seconds asked for; what cannot be read counts as not said (§10.2.1.1, §20.19)."""
    for asked in (contact.param("expires"), request.headers.get("Expires")):
        if asked is not None:
            seconds = delta_seconds(asked)
            return intervals.default if seconds is None else seconds
    return intervals.default


def _identity(contact: NameAddr) -> tuple[str | None, int | None]:
    """The device and which of its flows this is (RFC 5626 §4.1, §4.2). reg-id means nothing without an instance."""
    instance = unquote(contact.param("+sip.instance") or "")
    if not instance or len(instance) > MAX_TEXT or not instance.isprintable():
        return None, None
    reg_id = delta_seconds(contact.param("reg-id"))
    return instance, reg_id if reg_id is not None and 0 < reg_id < 2**31 else None


def _preference(q: str | None) -> float:
    try:
        return min(1.0, max(0.0, float(q))) if q else 1.0
    except ValueError:
        return 1.0
