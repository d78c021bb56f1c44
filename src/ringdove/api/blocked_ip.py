"""`blocked_ip/…`, an addition of ours: the addresses that failed to log in too often, and how to let one in again."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from ringdove.api.auth import family
from ringdove.api.envelope import Done, Failure, PageOf
from ringdove.api.errors import Refusal
from ringdove.api.form import Form
from ringdove.api.listing import ListQuery
from ringdove.api.services import Injected, Services
from ringdove.guard.bans import Ban, Bans
from ringdove.guard.sources import source_of

router = family("blocked_ip")

Service = Literal["sip", "api"]


class BlockedIp(BaseModel):
    """An address that is not heard."""

    ip: str = Field(description="The address; of IPv6 the network of 64 bits.")
    service: Service = Field(description="Where it failed, and is not heard: at the phones' door or at this interface.")
    reason: str = Field(description="What it failed at last: the SIP method, or `login`.")
    failures: int = Field(description="How often it failed.")
    times: int = Field(description="The how manieth ban in a row this is; each lasts twice as long as the one before.")
    since: int = Field(description="Unix seconds.")
    block_expire_time: int = Field(description="Unix seconds.")


class BlockedIpList(ListQuery):
    """Which part of the list."""

    sort_by: Literal["since", "ip", "block_expire_time"] = Field("since", description="What to sort by.")


class ByIp(Form):
    """Names an address."""

    ip: str = Field(max_length=64, description="The address, or the network as it is listed.")


@router.get("/list", name="list", response_model=PageOf[BlockedIp] | Failure)
async def list_(query: Annotated[BlockedIpList, Query()], services: Injected) -> PageOf[BlockedIp]:
    """List the addresses that are blocked now."""
    now, part = services.clock(), query.listing()
    rows = [_row(ban, service) for service, bans in _doors(services) for ban in bans.active(now)]
    rows.sort(key=lambda row: (getattr(row, query.sort_by), row.ip), reverse=part.descending)
    return PageOf(total_number=len(rows), data=rows[part.offset : part.offset + part.limit])


@router.get("/delete", response_model=Done | Failure)
async def delete(query: Annotated[ByIp, Query()], services: Injected) -> Done:
    """Let a blocked address in again, at both doors, as if it had never failed."""
    now, source = services.clock(), source_of(query.ip.partition("/")[0])
    if not any([bans.lift(source, now) for _, bans in _doors(services)]):  # noqa: C419 - at both
        raise Refusal.parameter("ip", "exist")
    return Done()


def _doors(services: Services) -> tuple[tuple[Service, Bans], ...]:
    return ("sip", services.guard.bans), ("api", services.lockout.bans)


def _row(ban: Ban, service: Service) -> BlockedIp:
    return BlockedIp(
        ip=ban.source,
        service=service,
        reason=ban.reason,
        failures=ban.failures,
        times=ban.times,
        since=int(ban.since),
        block_expire_time=int(ban.until) + 1,
    )
