"""Phones that have not subscribed, and are told all the same: the shell round `unsolicited`."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial

from ringdove.model.binding import StoredBinding
from ringdove.sip.dialog import new_request
from ringdove.sip.headers import NameAddr
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request
from ringdove.sip.uri import Uri

from .outgoing import Outgoing
from .package import Package, State, Topic
from .unsolicited import STANDING, Name, Tell, Unsolicited


class Bystanders:
    """Tells registered phones; `bindings` are the live ones of an extension."""

    def __init__(
        self, outgoing: Outgoing, packages: Mapping[str, Package], bindings: Callable[[int], Sequence[StoredBinding]]
    ) -> None:
        self._outgoing = outgoing
        self._packages = packages
        self._bindings = bindings
        self._unsolicited = Unsolicited()

    @property
    def declined(self) -> int:
        """How many phones do not want to be told."""
        return self._unsolicited.declined

    def find(self, name: Name) -> StoredBinding | None:
        """A phone that is there and answers."""
        return next((binding for binding in self._bindings(name.extension_id) if binding.key == name.key), None)

    def tell(self, binding: StoredBinding, topic: Topic, state: State) -> None:
        """Send this phone a NOTIFY, unless it does not want one."""
        name = Name(binding.extension_id, binding.key)
        self._perform(self._unsolicited.tell(name, _registration(binding), topic, state))

    def review(self, extension_id: int) -> None:
        """An extension has other bindings now."""
        self._unsolicited.keep(extension_id, {binding.key for binding in self._bindings(extension_id)})

    def _perform(self, actions: Iterable[Tell]) -> None:
        for action in actions:
            package, binding = self._packages[action.topic.event], self.find(action.name)
            over = partial(self._told, action.name)
            if binding is None:
                over(408)
            else:
                hop = Hop.of_binding(binding)
                self._outgoing.send(package, self._request(package, binding, hop, action.state), hop, over)

    def _told(self, name: Name, status: int) -> None:
        self._perform(self._unsolicited.answered(name, status))

    def _request(self, package: Package, binding: StoredBinding, hop: Hop, state: State) -> Request:
        target = Uri.parse(binding.contact).without_headers()
        here = self._outgoing.endpoint.contact(hop, secure=target.scheme == "sips")
        return new_request(
            "NOTIFY",
            target,
            from_=NameAddr(here),
            contact=here,
            routes=binding.path,
            body=package.body(state, here),
            content_type=package.content_type,
            headers=[("Event", package.event), ("Subscription-State", STANDING), self._outgoing.allowed],
        )


def _registration(binding: StoredBinding) -> Hashable:
    """What a phone keeps from one refresh to the next, and not when it was started anew (RFC 3261 §10.2.4)."""
    return binding.call_id, Hop.of_binding(binding).remote
