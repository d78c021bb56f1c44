"""Applications that may use the API, and their tokens. Only hashes are kept."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from ringdove.store.database import Database
from ringdove.store.tables import application, token


@dataclass(frozen=True, slots=True)
class Application:
    """A client of the API; `name` is ours ("api", "cli"), `client_id` is what it logs in with."""

    id: int
    name: str
    client_id: str
    secret_hash: str


@dataclass(frozen=True, slots=True)
class TokenPair:
    """The hashes of an access token and its refresh token; expiry in Unix seconds."""

    access_hash: str
    access_expires_at: float
    refresh_hash: str
    refresh_expires_at: float


class Applications:
    """Keeps the applications."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_name(self, name: str) -> Application | None:
        """Return the application of this name."""
        return await self._one(application.c.name == name)

    async def by_client_id(self, client_id: str) -> Application | None:
        """Return the application that logs in with this id."""
        return await self._one(application.c.client_id == client_id)

    async def put(self, name: str, client_id: str, secret_hash: str) -> None:
        """Create the application of this name, or give it new credentials, which ends its tokens."""

        def work(conn: Connection) -> None:
            conn.execute(delete(application).where(application.c.name == name))
            conn.execute(insert(application).values(name=name, client_id=client_id, secret_hash=secret_hash))

        await self._database.write(work)

    async def _one(self, condition: ColumnElement[bool]) -> Application | None:
        query = select(application).where(condition)
        row = await self._database.read(lambda conn: conn.execute(query).one_or_none())
        return Application(**row._mapping) if row else None


class Tokens:
    """Keeps the tokens that are still of use."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def issue(self, application_id: int, pair: TokenPair, *, now: float, limit: int) -> bool:
        """Save a new pair, unless the application has `limit` valid access tokens already: then return False."""

        def work(conn: Connection) -> bool:
            conn.execute(delete(token).where(token.c.refresh_expires_at <= now, token.c.access_expires_at <= now))
            valid = (
                select(func.count())
                .select_from(token)
                .where(token.c.application_id == application_id, token.c.access_expires_at > now)
            )
            if conn.execute(valid).scalar_one() >= limit:
                return False
            conn.execute(insert(token).values(application_id=application_id, **_columns(pair)))
            return True

        return await self._database.write(work, settings=False)

    async def is_valid(self, access_hash: str, *, now: float) -> bool:
        """Say whether an access token is known and has not expired."""
        query = select(token.c.access_hash).where(token.c.access_hash == access_hash, token.c.access_expires_at > now)
        return await self._database.read(lambda conn: conn.execute(query).first() is not None)

    async def renew(self, refresh_hash: str, pair: TokenPair, *, now: float) -> bool:
        """Replace the pair of a valid refresh token by a new one; False where it is unknown, expired or used."""

        def work(conn: Connection) -> bool:
            old = (token.c.refresh_hash == refresh_hash, token.c.refresh_expires_at > now)
            return conn.execute(update(token).where(*old).values(_columns(pair))).rowcount == 1

        return await self._database.write(work, settings=False)

    async def revoke(self, access_hash: str) -> None:
        """End an access token together with its refresh token."""

        def work(conn: Connection) -> None:
            conn.execute(delete(token).where(token.c.access_hash == access_hash))

        await self._database.write(work, settings=False)


def _columns(pair: TokenPair) -> dict[str, str | float]:
    return {
        "access_hash": pair.access_hash,
        "access_expires_at": pair.access_expires_at,
        "refresh_hash": pair.refresh_hash,
        "refresh_expires_at": pair.refresh_expires_at,
    }
