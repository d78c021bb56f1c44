"""One bus for everything that other parts may want to hear of."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

E = TypeVar("E")


class Bus:
    """Hands each published event to those who asked for its type, at once and in the order they asked."""

    def __init__(self) -> None:
        self._listeners: dict[type[Any], list[Callable[[Any], None]]] = defaultdict(list)

    def subscribe(self, kind: type[E], listener: Callable[[E], None]) -> Callable[[], None]:
        """Call `listener` with every event of exactly this type; the returned function ends that."""
        self._listeners[kind].append(listener)
        return lambda: self._listeners[kind].remove(listener)

    def publish(self, event: object) -> None:
        """Tell the listeners; a listener must not raise and must not block."""
        for listener in tuple(self._listeners[type(event)]):
            listener(event)
