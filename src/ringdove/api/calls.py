"""`calls/…`: the records of calls, running ones included."""

from typing import Annotated

from fastapi import Query, Response
from pydantic import Field

from ringdove.api.auth import family
from ringdove.api.crud import existing
from ringdove.api.envelope import Failure, One, PageOf
from ringdove.api.form import LIBERAL_INT, Form
from ringdove.api.listing import MAX_PAGE_SIZE, Order, Page, PageSize, UnixTime, in_portions
from ringdove.api.services import Injected
from ringdove.model.call_row import CallRow
from ringdove.model.ladder import Ladder
from ringdove.model.rules import ObjectId
from ringdove.model.story import Disposition, Story
from ringdove.store.calls import CallFilter
from ringdove.watch.drawing import NARROWEST, draw

router = family("calls")


class CallQuery(Form):
    """Which calls, and which part of the list."""

    page: Page = 1
    page_size: PageSize = MAX_PAGE_SIZE
    order_by: Order = "desc"
    caller: str | None = Field(None, max_length=127, description="The number of the caller.")
    dialled: str | None = Field(None, max_length=127, description="The number that was dialled.")
    extension_id: Annotated[ObjectId, LIBERAL_INT] | None = Field(
        None, description="An extension that took part: as caller, as member (rung or skipped), or by answering."
    )
    ring_group_id: Annotated[ObjectId, LIBERAL_INT] | None = Field(None, description="A ring group the call came to.")
    disposition: Disposition | None = Field(None, description="How the call is counted.")
    start_time: UnixTime | None = Field(None, description="Calls that began then or later (Unix seconds).")
    end_time: UnixTime | None = Field(None, description="Calls that began before then (Unix seconds).")


class CallById(Form):
    """Names one call."""

    id: str = Field(max_length=128, description="The id of the call.")


class LadderQuery(CallById):
    """Names one call, and how its ladder is to be drawn."""

    width: Annotated[int, Field(ge=NARROWEST, le=400), LIBERAL_INT] = Field(100, description="Columns of the drawing.")


@router.get("/list", name="list", response_model=PageOf[CallRow] | Failure)
async def list_(query: Annotated[CallQuery, Query()], services: Injected) -> Response:
    """List calls, those that run among them, the latest first unless `order_by` says otherwise."""
    wanted = CallFilter(
        caller=query.caller,
        dialled=query.dialled,
        extension_id=query.extension_id,
        ring_group_id=query.ring_group_id,
        disposition=query.disposition,
        since=query.start_time,
        until=query.end_time,
    )
    descending = query.order_by == "desc"
    known = {story.id: story for story in services.live_calls()}
    ours = [story for story in known.values() if wanted.matches(story)]
    first, last = (query.page - 1) * query.page_size, query.page * query.page_size
    # However ours lie between the stored ones, the page holds none stored before `start`.
    start = max(0, first - len(ours))
    stored, stories = await services.store.calls.page(
        wanted, without=known.keys(), offset=start, limit=last - start, descending=descending
    )
    stories = sorted([*stories, *ours], key=lambda story: (story.started_at, story.id), reverse=descending)
    return await in_portions(stored + len(ours), stories[first - start : last - start], CallRow.of)


@router.get("/get", response_model=One[Story] | Failure)
async def get(query: Annotated[CallById, Query()], services: Injected) -> One[Story]:
    """Tell the whole story of one call: every place it came to, everybody rung or skipped, and how each of it ended."""
    ours = next((story for story in services.live_calls() if story.id == query.id), None)
    return One(data=ours or existing(await services.store.calls.get(query.id)))


@router.get("/ladder", response_model=One[Ladder] | Failure)
async def ladder(query: Annotated[LadderQuery, Query()], services: Injected) -> One[Ladder]:
    """Tell the SIP messages of one recent call, passwords and keys masked, as data and drawn as a ladder.

    They are kept in memory, for as many calls as the setting `ladder` says; of others the id counts as unknown.
    """
    found = existing(services.ladder(query.id))
    return One(data=found.model_copy(update={"drawing": "\n".join(draw(found, query.width))}))
