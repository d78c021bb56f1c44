"""Brings a database to the tables of this release. Migrations travel inside the package."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

HEAD = "0002"
"""The newest revision in `migrations/versions`; a test holds this true."""


async def upgrade(conn: AsyncConnection) -> None:
    """Run the missing migrations inside the transaction of `conn`; nothing happens where none is missing."""
    if await conn.run_sync(_revision) != HEAD:
        await conn.run_sync(_upgrade)


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
