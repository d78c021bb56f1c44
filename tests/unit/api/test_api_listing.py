"""Long answers: the same as short ones, and calls get a turn while they are made."""

import asyncio
import json

import pytest

from ringdove.api.envelope import PageOf
from ringdove.api.listing import PORTION, in_portions
from ringdove.model.call_row import CallRow
from ringdove.model.story import Party, Story


def story(number: int) -> Story:
    return Story(id=f"c{number}", started_at=number + 0.25, caller=Party(number="1000", name='"Zoë"'), dialled="6000")


@pytest.mark.parametrize("count", [0, 1, PORTION, 2 * PORTION + 1])
async def test_an_answer_in_portions_is_that_of_the_form(count: int) -> None:
    stories = [story(number) for number in range(count)]
    answer = await in_portions(7, stories, CallRow.of)
    whole = PageOf[CallRow](total_number=7, data=[CallRow.of(one) for one in stories])
    assert json.loads(bytes(answer.body)) == whole.model_dump(mode="json")
    assert answer.headers["content-type"] == "application/json"


async def test_others_get_a_turn_after_each_portion() -> None:
    made, seen = [], []

    def row(one: Story) -> CallRow:
        made.append(one)
        return CallRow.of(one)

    async def look() -> None:
        while True:
            seen.append(len(made))
            await asyncio.sleep(0)

    looking = asyncio.create_task(look())
    await in_portions(0, [story(number) for number in range(3 * PORTION)], row)
    looking.cancel()
    assert {PORTION, 2 * PORTION} <= set(seen)
