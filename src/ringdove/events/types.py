"""What can happen, as data. Who publishes an event is named in its docstring."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExtensionChanged:
    """An extension was created or its settings changed (api)."""

    extension_id: int


@dataclass(frozen=True, slots=True)
class ExtensionDeleted:
    """An extension is gone (api)."""

    extension_id: int


@dataclass(frozen=True, slots=True)
class BindingsChanged:
    """A phone registered, or a binding of this extension ended (registrar). A mere refresh is not a change."""

    extension_id: int


@dataclass(frozen=True, slots=True)
class BusyChanged:
    """An extension entered a call or left one (calls)."""

    extension_id: int
