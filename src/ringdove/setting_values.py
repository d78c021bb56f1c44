"""Values of settings that take more than a type to check: databases, networks, codes to dial."""

import re
from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from ringdove.guard.guard import Network


def check_database(url: str) -> str:
    """Return `url` where the store can work with it; connects to nothing. Raises ValueError."""
    from sqlalchemy import create_engine, make_url  # noqa: PLC0415 - half a second that few commands need
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    wants = "wants an SQLAlchemy URL such as sqlite:////srv/ringdove.db"
    try:
        parsed = make_url(url)
        is_async = parsed.get_dialect().is_async
        create_engine(url)
    except ImportError as missing:
        raise ValueError(f"the driver {missing.name} is not installed") from None
    except (SQLAlchemyError, ValueError):
        raise ValueError(wants) from None
    if is_async:
        raise ValueError(f"{wants}; {parsed.get_driver_name()} is an async driver")
    if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise ValueError(f"{wants}; this names no file")
    return url


def _networks(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return tuple(ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip())
    except ValueError:
        raise ValueError("wants addresses or networks, such as 192.0.2.7, 198.51.100.0/24, 2001:db8::/32") from None


Networks = Annotated[tuple[Network, ...], BeforeValidator(_networks)]


def _code(value: str) -> str:
    if not re.fullmatch(r"(?=.*[*#])[0-9*#]{1,8}", value):
        raise ValueError("wants 1 to 8 of 0-9, * and #, with a * or # so that it is no number")
    return value


Code = Annotated[str, AfterValidator(_code)]
"""Something that is dialled to reach a feature."""
