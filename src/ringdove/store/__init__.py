"""Settings and records in a database: tables, migrations, and queries that speak in objects of `model`.

SQL lives here and nowhere else; rules about a single object live in `model`, and nothing here knows HTTP or SIP.
"""

from ringdove.store.errors import BrokenReference, Builtin, Clash, Duplicate, Full, InUse, Loop, StoreError, Usage
from ringdove.store.listing import Listing
from ringdove.store.store import Store

__all__ = [
    "BrokenReference",
    "Builtin",
    "Clash",
    "Duplicate",
    "Full",
    "InUse",
    "Listing",
    "Loop",
    "Store",
    "StoreError",
    "Usage",
]
