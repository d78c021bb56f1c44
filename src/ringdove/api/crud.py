"""What create, update and delete have in common in every family."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from ringdove.api.errors import Problem, Refusal
from ringdove.api.form import ById, ByIds, Fields, read

T = TypeVar("T")


async def wanted(form: ByIds, many: Callable[[list[int]], Awaitable[list[T]]]) -> list[T]:
    """Return the objects that a query names. Raises Refusal unless each of them exists."""
    ids = form.numbers()
    found = await many(ids)
    if len(found) < len(set(ids)):
        raise Refusal.parameter("ids", "exist")
    return found


async def named(form: ById, get: Callable[[int], Awaitable[T | None]]) -> T:
    """Return the object that a request names. Raises Refusal where there is none."""
    return existing(await get(form.id))


def existing(found: T | None) -> T:
    """Return what was found. Raises Refusal naming `id` where nothing was."""
    if found is None:
        raise Refusal.parameter("id", "exist")
    return found


async def target(data: Fields, get: Callable[[int], Awaitable[T | None]]) -> tuple[T | None, list[Problem]]:
    """Find the object that an update names; without one say what is wrong with its `id`."""
    form, problems = read(ById, data)
    found = await get(form.id) if form else None
    if form and found is None:
        problems.append(Problem("id", "exist"))
    return found, problems


def nowhere(problems: Iterable[Problem], more: Iterable[Problem]) -> Refusal:
    """What an update is told that names no object: what is wrong with its `id`, and with the other fields it has."""
    return Refusal.parameters([*problems, *(problem for problem in more if problem.rule != "required")])
