"""`call_log/…`: an extension's own log of calls (an addition to the public interface)."""

from typing import Annotated

from fastapi import Query, Response
from pydantic import Field

from ringdove.api.auth import family
from ringdove.api.envelope import Failure, PageOf
from ringdove.api.errors import Refusal
from ringdove.api.form import LIBERAL_INT, Form
from ringdove.api.listing import MAX_PAGE_SIZE, Order, Page, PageSize, UnixTime, in_portions
from ringdove.api.services import Injected
from ringdove.model.call_log import Direction, LogResult, LogRow
from ringdove.model.rules import ObjectId
from ringdove.store.call_log import LogFilter, Logged

router = family("call_log")


class CallLogQuery(Form):
    """Whose log, which calls in it, and which part of the list."""

    ext_id: Annotated[ObjectId, LIBERAL_INT] = Field(description="The id of the extension.", examples=[3071])
    page: Page = 1
    page_size: PageSize = MAX_PAGE_SIZE
    order_by: Order = "desc"
    direction: Direction | None = Field(None, description="`in`: somebody called the extension; `out`: it called.")
    result: LogResult | None = Field(
        None,
        description="`answered`; of calls that came in also `missed` and `answered_elsewhere`; of calls that went out "
        "also `no_answer`, `busy`, `failed`, `voicemail` and `cancelled`.",
        examples=["missed"],
    )
    start_time: UnixTime | None = Field(None, description="Calls that began then or later (Unix seconds).")
    end_time: UnixTime | None = Field(None, description="Calls that began before then (Unix seconds).")


@router.get("/list", name="list", response_model=PageOf[LogRow] | Failure)
async def list_(query: Annotated[CallLogQuery, Query()], services: Injected) -> Response:
    """List the calls of one extension that are over, each once, the latest first unless `order_by` says otherwise.

    An extension that was called and did not take the call has `missed` where nobody did, else `answered_elsewhere`.
    """
    if await services.store.extensions.get(query.ext_id) is None:
        raise Refusal.parameter("ext_id", "exist")
    wanted = LogFilter(direction=query.direction, result=query.result, since=query.start_time, until=query.end_time)
    total, found = await services.store.call_log.page(
        query.ext_id,
        wanted,
        offset=(query.page - 1) * query.page_size,
        limit=query.page_size,
        descending=query.order_by == "desc",
    )

    def row(logged: Logged) -> LogRow:
        return LogRow.of(logged.story, query.ext_id, logged.line)

    return await in_portions(total, found, row)
