"""The logs of the extensions, held against what docs/call-log.md says should stand in them."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ringdove.client import Client
from ringdove.model.call_log import LogRow
from ringdove.model.story import Disposition, LegResult, Story

_PAGE = 500
_CAME_TO = {
    Disposition.ANSWERED: "answered",
    Disposition.NO_ANSWER: "no_answer",
    Disposition.BUSY: "busy",
    Disposition.FAILED: "failed",
    Disposition.VOICEMAIL: "voicemail",
    Disposition.ABANDONED: "cancelled",
}


class Entry(NamedTuple):
    """How a call stands in a log."""

    direction: str
    result: str


Logs = Mapping[int, list[LogRow]]
"""The rows of each extension, by its id."""


async def read_logs(api: Client, extensions: Iterable[int]) -> Logs:
    """Every row of every extension."""
    gate = asyncio.Semaphore(4)

    async def rows(extension: int) -> list[LogRow]:
        found: list[LogRow] = []
        async with gate:
            while True:
                page = len(found) // _PAGE + 1
                answer = await api.get("call_log/list", ext_id=extension, page=page, page_size=_PAGE, order_by="asc")
                found += [LogRow.model_validate(row) for row in answer["data"]]
                if len(answer["data"]) < _PAGE:
                    return found

    ids = list(extensions)
    return dict(zip(ids, await asyncio.gather(*map(rows, ids)), strict=True))


def entries(story: Story) -> dict[int, Entry]:
    """In whose logs a call should stand, and how: a second telling of the rules, made for this account alone."""
    taken = story.answered_by is not None
    told: dict[int, Entry] = {}
    switch: bool | None = None
    for hop in story.hops:
        for attempt in hop.attempts:
            called = any(leg.result is not LegResult.NO_PORT for leg in attempt.legs)
            concerned = called or hop.kind == "extension"
            if not taken and switch is not None:  # the group before speaks for those that it handed the call on to
                concerned = switch
            if concerned and attempt.member.id is not None:
                told[attempt.member.id] = Entry("in", "answered_elsewhere" if taken else "missed")
        switch = hop.enb_miss_call
    if story.answered_by is not None and story.answered_by.id is not None:
        told[story.answered_by.id] = Entry("in", "answered")
    if story.caller.id is not None and story.disposition is not None:
        told[story.caller.id] = Entry("out", _CAME_TO[story.disposition])
    return told


def wrongs(stories: Iterable[Story], logs: Logs) -> Iterator[tuple[str, str]]:
    """Where logs and calls do not fit: each with the id of the call. Each call is to be there exactly once."""
    rows = Counter((row.call_id, extension) for extension, all_ in logs.items() for row in all_)
    found = {(row.call_id, extension): row for extension, all_ in logs.items() for row in all_}
    for story in stories:
        for extension, wanted in entries(story).items():
            key = story.id, extension
            count = rows.pop(key, 0)
            if count != 1:
                yield story.id, f"it is {count} times in the log of {extension}, as {wanted}"
                continue
            row = found[key]
            if (row.direction, row.result) != wanted:
                yield story.id, f"the log of {extension} says {row.direction}, {row.result} instead of {wanted}"
            other = story.caller if wanted.direction == "in" else story.answered_by
            if other is not None and row.with_.number != other.number:
                yield story.id, f"the log of {extension} says with {row.with_.number}, it was {other.number}"
            if row.dialled != story.dialled:
                yield story.id, f"the log of {extension} says that {row.dialled} was dialled"
    for call, extension in rows:
        yield call, f"it is in the log of {extension}, whom it does not concern"
