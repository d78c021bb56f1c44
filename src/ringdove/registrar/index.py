"""All bindings in memory: by extension, by flow, by the time they expire."""

import heapq
from collections import defaultdict
from collections.abc import Iterator

from ringdove.model.binding import StoredBinding

Flow = tuple[str, str, int]
"""Transport, address and port of the far end, as `Hop.remote`."""


def flow_of(binding: StoredBinding) -> Flow:
    """What a binding is reached over."""
    return binding.transport, binding.remote_host, binding.remote_port


class Index:
    """The bindings there are, and which of them do not answer at the moment."""

    def __init__(self) -> None:
        self._by_extension: dict[int, dict[str, StoredBinding]] = {}
        self._by_flow: defaultdict[Flow, set[tuple[int, str]]] = defaultdict(set)
        self._expiries: list[tuple[float, int, str]] = []
        self._unreachable: set[tuple[int, str]] = set()
        self._count = 0
        self._newcomers: dict[tuple[int, str], None] = {}

    def put(self, binding: StoredBinding) -> None:
        """Add a binding in place of the one with its extension and key; it counts as reachable."""
        name, flow = (binding.extension_id, binding.key), flow_of(binding)
        bindings = self._by_extension.setdefault(binding.extension_id, {})
        before = bindings.pop(binding.key, None)
        if before is None or flow_of(before) != flow:
            if before is not None:
                self._leave(flow_of(before), name)
            self._by_flow[flow].add(name)
            self._newcomers[name] = None
        bindings[binding.key] = binding
        self._count += before is None
        self._unreachable.discard(name)
        heapq.heappush(self._expiries, (binding.expires_at, *name))
        if len(self._expiries) > 4 * self._count + 64:
            self._expiries = [(b.expires_at, b.extension_id, b.key) for b in self]  # most are of earlier refreshes
            heapq.heapify(self._expiries)

    def remove(self, extension_id: int, key: str) -> None:
        """Take a binding out, if it is there."""
        bindings = self._by_extension.get(extension_id, {})
        binding = bindings.pop(key, None)
        if binding is None:
            return
        self._count -= 1
        if not bindings:
            del self._by_extension[extension_id]
        self._leave(flow_of(binding), (extension_id, key))
        self._unreachable.discard((extension_id, key))

    def _leave(self, flow: Flow, name: tuple[int, str]) -> None:
        self._by_flow[flow].discard(name)
        if not self._by_flow[flow]:
            del self._by_flow[flow]

    def find(self, extension_id: int, key: str) -> StoredBinding | None:
        """One binding."""
        return self._by_extension.get(extension_id, {}).get(key)

    def newcomers(self) -> list[StoredBinding]:
        """The bindings that are new, or are reached another way, since this was asked last."""
        found = [self.find(*name) for name in self._newcomers]
        self._newcomers.clear()
        return [binding for binding in found if binding is not None]

    def of(self, extension_id: int) -> dict[str, StoredBinding]:
        """A copy of an extension's bindings by key."""
        return dict(self._by_extension.get(extension_id, {}))

    def live(self, extension_id: int, now: float) -> tuple[StoredBinding, ...]:
        """An extension's bindings that have not expired and whose phones answer."""
        bindings = self._by_extension.get(extension_id)
        if bindings is None:
            return ()
        silent = self._unreachable
        return tuple(
            binding
            for key, binding in bindings.items()
            if binding.expires_at > now and not (silent and (extension_id, key) in silent)
        )

    def over(self, flow: Flow) -> list[StoredBinding]:
        """The bindings that are reached over this flow."""
        return [self._by_extension[extension_id][key] for extension_id, key in sorted(self._by_flow.get(flow, ()))]

    def expired(self, now: float) -> list[StoredBinding]:
        """The bindings whose time is over. Each is returned once: the caller removes it."""
        found: list[StoredBinding] = []
        while self._expiries and self._expiries[0][0] <= now:
            _, extension_id, key = heapq.heappop(self._expiries)
            binding = self._by_extension.get(extension_id, {}).get(key)
            if binding is not None and binding.expires_at <= now:
                found.append(binding)
        return found

    def is_reachable(self, binding: StoredBinding) -> bool:
        """Whether the phone answered when it was last asked."""
        return (binding.extension_id, binding.key) not in self._unreachable

    def mark(self, binding: StoredBinding, *, reachable: bool) -> bool:
        """Note whether the phone answers; True where that is news about a binding that is still there."""
        name = (binding.extension_id, binding.key)
        current = self._by_extension.get(binding.extension_id, {}).get(binding.key)
        if current is None or flow_of(current) != flow_of(binding) or reachable == (name not in self._unreachable):
            return False
        if reachable:
            self._unreachable.discard(name)
        else:
            self._unreachable.add(name)
        return True

    def unreachable_keys(self, extension_id: int) -> set[str]:
        """The keys of an extension's bindings that do not answer."""
        return {key for key in self._by_extension.get(extension_id, ()) if (extension_id, key) in self._unreachable}

    def __iter__(self) -> Iterator[StoredBinding]:
        for bindings in self._by_extension.values():
            yield from bindings.values()

    def __len__(self) -> int:
        return self._count
