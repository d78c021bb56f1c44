"""The parameters that every list and search interface takes."""

from typing import Annotated, Literal

from pydantic import Field

from ringdove.api.form import LIBERAL_INT, Form
from ringdove.model.rules import MAX_ID
from ringdove.store import Listing

MAX_PAGE_SIZE = 10_000

Page = Annotated[int, Field(ge=1, le=MAX_ID, description="Which page, from 1."), LIBERAL_INT]
PageSize = Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE, description="How many objects a page has."), LIBERAL_INT]
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
