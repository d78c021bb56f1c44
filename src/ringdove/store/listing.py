"""Paging, sorting and searching, the same for every list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select


@dataclass(frozen=True, slots=True)
class Listing:
    """Which part of a list is wanted, in which order. `search` is a case-insensitive substring; empty finds all."""

    offset: int = 0
    limit: int = 10_000
    sort_by: str = "id"
    descending: bool = False
    search: str = ""


def page(
    conn: Connection,
    query: Select[Any],
    listing: Listing,
    sortable: Mapping[str, ColumnElement[Any]],
    searched: Sequence[ColumnElement[Any]],
) -> tuple[int, list[Row[Any]]]:
    """Run `query` for one page; the number of all matches comes first."""
    if listing.search:
        query = query.where(or_(*(column.icontains(listing.search, autoescape=True) for column in searched)))
    total = conn.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar_one()
    keys = [sortable[listing.sort_by], sortable["id"]]
    if listing.sort_by == "number":
        keys.insert(0, func.length(sortable["number"]))
    query = query.order_by(*((key.desc() for key in keys) if listing.descending else keys))
    rows = conn.execute(query.offset(listing.offset).limit(listing.limit)).all()
    return total, list(rows)
