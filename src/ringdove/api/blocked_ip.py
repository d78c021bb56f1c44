"""`blocked_ip/…`, an addition of ours: who failed to log in too often, and how to let somebody in again."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from ringdove.api.auth import family
from ringdove.api.envelope import Done, Failure, PageOf
from ringdove.api.errors import Problem, Refusal
from ringdove.api.form import Form
from ringdove.api.listing import ListQuery
from ringdove.api.services import Injected
from ringdove.guard.bans import TEXT, Ban
from ringdove.guard.sources import source_of
from ringdove.model.blocked import Blocked

router = family("blocked_ip")


class BlockedIpList(ListQuery):
    """Which part of the list."""

    sort_by: Literal["since", "ip", "block_expire_time"] = Field("since", description="What to sort by.")


class WhoIsBlocked(Form):
    """Names an address, a user, or both."""

    ip: str | None = Field(None, max_length=64, description="An address, or a network as it is listed.")
    user: str | None = Field(None, max_length=TEXT, description="A registration name, or a lock, as it is listed.")


@router.get("/list", name="list", response_model=PageOf[Blocked] | Failure)
async def list_(query: Annotated[BlockedIpList, Query()], services: Injected) -> PageOf[Blocked]:
    """List the addresses and users that are blocked now, and the locks of mailboxes whose PINs are guessed at."""
    now, part = services.clock(), query.listing()
    rows = [
        *(_row(ban, "sip", ip=ban.source) for ban in services.guard.bans.active(now)),
        *(_row(ban, "sip", user=ban.source) for ban in services.guard.users.active(now)),
        *(_row(ban, "api", ip=ban.source) for ban in services.lockout.bans.active(now)),
        *(_row(ban, "mailbox", user=ban.source) for ban in services.guesses.active(now)),
    ]
    rows.sort(key=lambda row: (getattr(row, query.sort_by) or "", row.ip or "", row.user), reverse=part.descending)
    return PageOf(total_number=len(rows), data=rows[part.offset : part.offset + part.limit])


@router.get("/delete", response_model=Done | Failure)
async def delete(query: Annotated[WhoIsBlocked, Query()], services: Injected) -> Done:
    """Let a blocked address in again, at both doors, and a blocked user, as if they had never failed."""
    if query.ip is None and query.user is None:
        raise Refusal.parameter("ip", "required")
    now, guard = services.clock(), services.guard
    unknown = []
    if query.ip is not None:
        source = source_of(query.ip.partition("/")[0])
        lifted = [bans.lift(source, now) for bans in (guard.bans, services.lockout.bans)]
        unknown += [] if any(lifted) else [Problem("ip", "exist")]
    if query.user is not None:
        lifted = [bans.lift(query.user, now) for bans in (guard.users, services.guesses)]
        unknown += [] if any(lifted) else [Problem("user", "exist")]
    if unknown:
        raise Refusal.parameters(unknown)
    return Done()


def _row(
    ban: Ban, service: Literal["sip", "api", "mailbox"], *, ip: str | None = None, user: str | None = None
) -> Blocked:
    return Blocked(
        ip=ip,
        user=user,
        service=service,
        reason=ban.reason,
        tried=list(ban.tried),
        failures=ban.failures,
        times=ban.times,
        since=int(ban.since),
        block_expire_time=int(ban.until) + 1,
    )
