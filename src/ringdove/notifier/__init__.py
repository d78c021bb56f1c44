"""Who wants to be told of what, and is told (RFC 6665): subscriptions, one event package per file; unsolicited NOTIFYs.

Knows nothing of calls; what happens comes over the event bus, where phones are is asked of whoever keeps bindings.
"""

from .message_summary import MessageSummary
from .notifier import Notifier

__all__ = ["MessageSummary", "Notifier"]
