"""The exceptions that reading SIP text can raise."""


class SipSyntaxError(ValueError):
    """Text that the grammar of RFC 3261 §25 does not allow; `field` says where, the message says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class TooLong(SipSyntaxError):
    """A message beyond our limits. In SIP: 513."""
