"""Brings a database to the tables of this release. Migrations travel inside the package."""

import asyncio
import sys
from pathlib import Path

from sqlalchemy import Connection, inspect, text

HEAD = "0005"
"""The newest revision in `migrations/versions`; a test holds this true."""


def upgrade(conn: Connection) -> None:
    """Run the missing migrations inside the transaction of `conn`; nothing happens where none is missing."""
    if not is_up_to_date(conn):
        _upgrade(conn)


def is_up_to_date(conn: Connection) -> bool:
    """Whether no migration is missing."""
    return _revision(conn) == HEAD


async def upgrade_apart(url: str) -> None:
    """Run the missing migrations in a process of their own, which takes Alembic's memory with it (11 MB).

    Where that fails nothing is changed and nothing is said: `upgrade` will say why.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ringdove.store", stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    await process.communicate(url.encode())  # not an argument: everybody could read its password


def _revision(conn: Connection) -> str | None:
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(conn: Connection) -> None:
    # Imported late: a start with nothing to migrate should not pay for it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
