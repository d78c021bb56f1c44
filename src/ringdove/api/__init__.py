"""The HTTP interface OpenAPI v1.0: one file per family, with the envelope, tokens and the error table beside them.

Knows how things are said on the wire; rules about objects live in `model`, and nothing here knows SQL or SIP.
"""

from ringdove.api.app import create_app
from ringdove.api.credentials import Credentials, ensure_application, ensure_cli_application
from ringdove.api.services import Services

__all__ = ["Credentials", "Services", "create_app", "ensure_application", "ensure_cli_application"]
