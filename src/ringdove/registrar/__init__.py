"""Where phones are, and who gets in: the door, authentication, bindings (RFC 3261 §10, RFC 5626, RFC 3327), keep-alive.

Knows nothing of calls; those ask `Registrar.bindings` and listen for BindingsChanged.
"""

from .authentication import Authenticator
from .bindings import Intervals
from .keepalive import KeepAlive
from .registrar import Registrar

__all__ = ["Authenticator", "Intervals", "KeepAlive", "Registrar"]
