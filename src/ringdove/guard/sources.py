"""What counts as one source."""

from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def source_of(host: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 address, of which one machine can take as many as it likes."""
    return _network(host) if ":" in host else host


@lru_cache(maxsize=4096)
def _network(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.version == 6 and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else host


class Recent(OrderedDict[K, V]):
    """A table of what was heard of last: no more than `most` entries, of which the oldest go first.

    An entry gets no younger by being looked at.
    """

    def __init__(self, most: int, make: Callable[[], V]) -> None:
        super().__init__()
        self._most = most
        self._make = make

    def touch(self, key: K) -> V:
        """The entry, made if there is none; it is the youngest now."""
        entry = self.get(key)
        if entry is None:
            entry = self[key] = self._make()
            if len(self) > self._most:
                self.popitem(last=False)
        else:
            self.move_to_end(key)
        return entry
