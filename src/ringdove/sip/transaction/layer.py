"""All transactions of a node: matching, timing, and what belongs to several of them (RFC 3261 §8.2.2.2, §9, §17)."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from ..hop import Hop
from ..message import Request, Response
from .actions import Action, Send, StartCancel
from .client import Client
from .invite_client import InviteClient
from .invite_server import InviteServer
from .keys import (
    ClientKey,
    DialogTransaction,
    MergeKey,
    ServerKey,
    dialog_transaction,
    merge_key,
    same_sender,
    server_key,
    stateless_tag,
)
from .routing import ReplyPath
from .schedule import Schedule
from .server import Server
from .timers import Timers

K = TypeVar("K")
V = TypeVar("V")
AnyClient = InviteClient | Client
AnyServer = InviteServer | Server


@dataclass(frozen=True, slots=True)
class Caps:
    """How many requests that open a dialog or stand alone may be held at once: in all, and from one address.

    Each is held for half a minute and takes about 2 KB once it is answered.
    """

    total: int = 50_000
    per_source: int = 20_000
    """600 calls a second: a proxy, or a large office, is one address."""


class TransactionLayer:
    """Every method that takes `now` returns what is to be done, in order."""

    def __init__(self, timers: Timers | None = None, caps: Caps | None = None) -> None:
        self._timers = timers or Timers()
        self._caps = caps or Caps()
        self._schedule: Schedule[AnyClient | AnyServer] = Schedule()
        self._clients: dict[ClientKey, AnyClient] = {}
        self._servers: dict[ServerKey, AnyServer] = {}
        self._by_remote: dict[tuple[str, str, int], dict[ClientKey | ServerKey, None]] = {}
        """What a far end that is gone concerns: requests to it, and INVITEs that came over a stream from it."""
        self._accepted: dict[DialogTransaction, InviteClient] = {}
        self._answers: dict[DialogTransaction, InviteServer] = {}
        self._merge: dict[MergeKey, ServerKey] = {}
        self._per_source: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._clients) + len(self._servers)

    @property
    def clients(self) -> int:
        """How many requests of ours are held."""
        return len(self._clients)

    @property
    def servers(self) -> int:
        """How many requests of others are held."""
        return len(self._servers)

    @property
    def waiting(self) -> int:
        """How many of them wait for a timer."""
        machines = chain(self._clients.values(), self._servers.values())
        return sum(machine.deadline is not None for machine in machines)

    @property
    def deadline(self) -> float | None:
        """When `tick` has to run next; None while nothing is waiting."""
        return self._schedule.deadline

    @property
    def look_at(self) -> float:
        """When `tick` had best run next: a little after the deadline, for many at once; costs nothing to ask."""
        return self._schedule.look_at

    def tick(self, now: float) -> list[Action]:
        """Fire every timer that is due."""
        actions: list[Action] = []
        for machine in self._schedule.pop_due(now):
            actions += self._settle(machine, machine.tick(now), now)
        return actions

    # Requests of ours

    def request(
        self, request: Request, hop: Hop, now: float, data: bytes | None = None
    ) -> tuple[ClientKey, list[Action]]:
        """Send a request, which carries its Via already, in a new transaction. Not for ACK and CANCEL.

        `data` is the request as octets, where somebody has looked at those already.
        """
        key = ClientKey(request.via.branch, request.method)
        kind = InviteClient if request.method == "INVITE" else Client
        machine = self._clients[key] = kind(key, request, hop, self._timers, self._schedule, data)
        self._watch(hop.remote, key)
        return key, self._settle(machine, machine.start(now), now)

    def cancel(self, key: ClientKey, headers: Iterable[tuple[str, str]], now: float) -> list[Action]:
        """Cancel an INVITE of ours, with more header fields such as Reason (§9.1); without effect when it is over."""
        machine = self._clients.get(key)
        if not isinstance(machine, InviteClient):
            return []
        return self._settle(machine, machine.cancel(headers, now), now)

    def acknowledge(self, ack: Request, hop: Hop) -> list[Action]:
        """Send the ACK to a 2xx; it is sent again by itself when that 2xx comes again."""
        answer = dialog_transaction(ack)
        send = Send(ack, ack.to_bytes(), hop)
        if (machine := self._accepted.get(answer)) is not None:
            machine.acknowledged(answer, send)
        return [send]

    def transport_failed(self, remote: tuple[str, str, int], now: float) -> list[Action]:
        """What goes to that transport, address and port does not arrive: end what waits for it."""
        actions: list[Action] = []
        for key in list(self._by_remote.get(remote, ())):
            if isinstance(key, ClientKey):
                client = self._clients[key]
                actions += self._settle(client, client.transport_failed(), now)
            elif isinstance(server := self._servers[key], InviteServer):
                self._unwatch(remote, key)
                failed = server.transport_failed()
                self._watch(server.far_end, key)
                actions += self._settle(server, failed, now)
        return actions

    # Requests of others

    def respond(self, key: ServerKey, response: Response, now: float) -> list[Action]:
        """Answer a request. What comes after its final response is ignored."""
        machine = self._servers.get(key)
        if machine is None:
            return []
        actions = machine.respond(response, now)
        if isinstance(machine, InviteServer) and machine.answer is not None:
            self._answers[machine.answer] = machine
        return self._settle(machine, actions, now)

    # The network

    def knows(self, key: ServerKey) -> bool:
        """Whether a request by this `server_key` belongs to a transaction that is there: it comes again, or cancels."""
        return key in self._servers

    def receive(self, request: Request, source: Hop, now: float, key: ServerKey | None = None) -> list[Action]:
        """A request that the validator let pass, and whose Via is stamped already.

        `key` is its `server_key`, where somebody has made it already.
        """
        if key is None:
            key = server_key(request)
        machine = self._servers.get(key)
        if request.method == "ACK":
            return self._receive_ack(request, machine, now)
        if machine is not None:
            return self._settle(machine, machine.receive(now), now)
        if request.method == "CANCEL":
            return self._receive_cancel(key, request, source, now)
        merge = None
        if request.to.tag is None or request.method == "REGISTER":  # it belongs to no dialog, whatever it says
            merge, held = merge_key(request), self._per_source.get(source.remote_host, 0)
            refusal = self._refuse(request, merge, held)
            if refusal is not None:
                return [ReplyPath.of(request, source).send(refusal)]
            self._merge[merge] = key
            self._per_source[source.remote_host] = held + 1
        kind = InviteServer if request.method == "INVITE" else Server
        server = self._servers[key] = kind(key, request, source, self._timers, self._schedule)
        server.merge = merge
        if isinstance(server, InviteServer) and source.reliable:
            self._watch(server.far_end, key)
        return self._settle(server, server.start(now), now)

    def receive_response(self, response: Response, now: float) -> list[Action]:
        """A response that the validator let pass."""
        machine = self._clients.get(ClientKey(response.via.branch, response.cseq.method))
        if machine is None or not same_sender(response, *machine.sent_by):
            return []  # RFC 6026 §8.9: a stray response is dropped
        actions = machine.receive(response, now)
        if response.is_success and isinstance(machine, InviteClient):
            self._accepted.update(dict.fromkeys(machine.answers, machine))
        return self._settle(machine, actions, now)

    def _receive_ack(self, ack: Request, machine: AnyServer | None, now: float) -> list[Action]:
        answered = machine or self._answers.get(dialog_transaction(ack))
        if not isinstance(answered, InviteServer):
            return []
        return self._settle(answered, answered.acknowledge(ack, now), now)

    def _receive_cancel(self, key: ServerKey, cancel: Request, source: Hop, now: float) -> list[Action]:
        """§9.2: 200 whether or not it comes in time, with the To tag of the INVITE's responses.

        Nobody can be asked for a password here (§22.1), so it has to come from where the INVITE came from; of others,
        which everybody can send, nothing is kept.
        """
        invite = self._servers.get(server_key(cancel, "INVITE"))
        if not isinstance(invite, InviteServer) or invite.source.remote_host != source.remote_host:
            return [ReplyPath.of(cancel, source).send(cancel.reply(481, to_tag=stateless_tag(cancel)))]
        server = self._servers[key] = Server(key, cancel, source, self._timers, self._schedule)
        response = cancel.reply(200, to_tag=invite.to_tag or stateless_tag(cancel))
        actions = self._settle(server, server.respond(response, now), now)
        return actions + self._settle(invite, invite.cancel(cancel), now)

    def _refuse(self, request: Request, merge: MergeKey, held: int) -> Response | None:
        """What a request that belongs to no dialog is turned away with, at no cost; its source has so many others."""
        if merge in self._merge:
            return request.reply(482, "Merged Request", to_tag=stateless_tag(request))
        if len(self._merge) >= self._caps.total or held >= self._caps.per_source:
            busy = request.reply(503, to_tag=stateless_tag(request))
            busy.headers.add("Retry-After", "10")
            return busy
        return None

    # Bookkeeping

    def _settle(self, machine: AnyClient | AnyServer, actions: list[Action], now: float) -> list[Action]:
        """Bring the tables in line with what the machine has become; start its CANCEL; keep the CANCEL's fate here."""
        if machine.is_over:
            self._forget(machine)
        if not actions:
            return actions
        if machine.key.method == "CANCEL":
            return [action for action in actions if type(action) is Send]
        last = actions[-1]
        if type(last) is StartCancel:
            actions[-1:] = self.request(last.request, last.hop, now)[1]
        return actions

    def _forget(self, machine: AnyClient | AnyServer) -> None:
        if isinstance(machine, (InviteClient, Client)):
            del self._clients[machine.key]
            self._unwatch(machine.hop.remote, machine.key)
            if isinstance(machine, InviteClient):
                _drop(self._accepted, machine.answers, machine)
            return
        del self._servers[machine.key]
        if isinstance(machine, InviteServer):
            self._unwatch(machine.far_end, machine.key)
            if machine.answer is not None:
                _drop(self._answers, [machine.answer], machine)
        if machine.merge is not None:
            del self._merge[machine.merge]
            host = machine.source.remote_host
            self._per_source[host] -= 1
            if not self._per_source[host]:
                del self._per_source[host]

    def _watch(self, remote: tuple[str, str, int], key: ClientKey | ServerKey) -> None:
        watched = self._by_remote.get(remote)
        if watched is None:
            self._by_remote[remote] = {key: None}
        else:
            watched[key] = None

    def _unwatch(self, remote: tuple[str, str, int], key: ClientKey | ServerKey) -> None:
        watched = self._by_remote.get(remote)
        if watched is not None:
            watched.pop(key, None)
            if not watched:
                del self._by_remote[remote]


def _drop(table: dict[K, V], keys: Iterable[K], value: V) -> None:
    """Take out the entries that still lead to `value`."""
    for key in keys:
        if table.get(key) is value:
            del table[key]
