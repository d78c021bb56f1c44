"""The value that names a flow; it lives with the protocol core, which routes by it."""

from ringdove.sip.hop import Hop

__all__ = ["Hop"]
