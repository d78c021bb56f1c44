"""The parameters that every list and search interface takes, and long answers."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, Literal, TypeVar

from fastapi import Response
from pydantic import BaseModel, Field

from ringdove.api.envelope import PageOf
from ringdove.api.form import LIBERAL_INT, Form
from ringdove.model.rules import MAX_ID
from ringdove.store import Listing

MAX_PAGE_SIZE = 10_000
PORTION = 50
"""Rows that are made before calls get a turn: some 3 ms."""

T = TypeVar("T")

Page = Annotated[int, Field(ge=1, le=MAX_ID, description="Which page, from 1."), LIBERAL_INT]
PageSize = Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE, description="How many objects a page has."), LIBERAL_INT]
UnixTime = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]
Order = Annotated[Literal["asc", "desc"], Field(description="Ascending or descending.")]


class ListQuery(Form):
    """Paging and sorting; families say what can be sorted by."""

    page: Page = 1
    page_size: PageSize = MAX_PAGE_SIZE
    sort_by: str = "id"
    order_by: Order = "asc"

    def listing(self, search: str = "") -> Listing:
        """Return the same in the words of the store."""
        return Listing(
            offset=(self.page - 1) * self.page_size,
            limit=self.page_size,
            sort_by=self.sort_by,
            descending=self.order_by == "desc",
            search=search,
        )


SearchValue = Annotated[str, Field(max_length=127, description="Text to look for; upper and lower case are the same.")]


async def in_portions(total: int, found: Sequence[T], row: Callable[[T], BaseModel]) -> Response:
    """The answer `PageOf` with a row for each of what was found, some rows at a time.

    All at once, the 10,000 rows that a page may have would hold up every call for half a second.
    """
    rows: list[str] = []
    for start in range(0, len(found), PORTION):
        rows.extend(row(one).model_dump_json(by_alias=True) for one in found[start : start + PORTION])
        await asyncio.sleep(0)
    around = PageOf[BaseModel](total_number=total, data=[]).model_dump_json().removesuffix("]}")
    return Response(f"{around}{','.join(rows)}]}}", media_type="application/json")
