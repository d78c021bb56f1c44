"""The commands that ask the running server on this machine."""

import json
from collections.abc import Awaitable, Callable
from time import time as now

import httpx
import typer
from pydantic import TypeAdapter
from rich.console import Console, Group, RenderableType
from rich.text import Text

from ringdove.client import Client, ServerSaysNo
from ringdove.model.blocked import Blocked
from ringdove.model.call_log import LogRow
from ringdove.model.call_row import CallRow
from ringdove.model.ladder import Ladder
from ringdove.model.simulation import Simulation
from ringdove.model.story import Story
from ringdove.model.voicemail import MailboxRow, MessageCount
from ringdove.settings import HostPort, Settings
from ringdove.terminal.ladder import LadderChart, RawMessages
from ringdove.terminal.lists import SimulationChart, blocked_table, call_table, log_table, mailbox_table
from ringdove.terminal.plain import Plain
from ringdove.terminal.timeline import Timeline
from ringdove.voicemail.spool import ASIDE

_ROWS = TypeAdapter(list[CallRow])
_LOG = TypeAdapter(list[LogRow])
_BLOCKED = TypeAdapter(list[Blocked])


async def calls(settings: Settings, call_id: str | None, number: int, out: Console) -> int:
    """List the latest calls, or draw one; returns the exit status."""

    async def question(server: Client) -> RenderableType:
        if call_id is not None:
            story = await _story(server, call_id)
            return Timeline(story, now=now() - story.started_at if story.ended_at is None else None)
        answer = await server.get("calls/list", page=1, page_size=number)
        rows = _ROWS.validate_python(answer["data"])
        return call_table(rows, answer["total_number"]) if rows else "No calls yet."

    return await _ask(settings, question, out)


async def call_log(settings: Settings, extension: str, number: int, out: Console) -> int:
    """List the latest calls of the extension with this number; returns the exit status."""

    async def question(server: Client) -> RenderableType:
        found = await server.get("extension/search", search_value=extension)
        id_ = next((row["id"] for row in found["data"] if row["number"] == extension), None)
        if id_ is None:
            raise _CannotAsk(f"there is no extension {extension}")
        answer = await server.get("call_log/list", ext_id=id_, page=1, page_size=number)
        rows = _LOG.validate_python(answer["data"])
        return log_table(rows, answer["total_number"]) if rows else "No calls yet."

    return await _ask(settings, question, out)


async def messages(settings: Settings, call_id: str, out: Console, *, raw: bool = False) -> int:
    """Draw the SIP messages of a call, or print them as they are; returns the exit status."""

    async def question(server: Client) -> RenderableType:
        try:
            answer = await server.get("calls/ladder", id=call_id)
        except ServerSaysNo as no:
            if no.wrong == {"id": "exist"}:
                raise _CannotAsk(f"no SIP messages are kept of a call {call_id} (only of recent ones)") from None
            raise
        ladder = Ladder.model_validate(answer["data"])
        return RawMessages(ladder) if raw else LadderChart(ladder)

    return await _ask(settings, question, out, soft_wrap=raw)


async def simulate(settings: Settings, number: str, out: Console) -> int:
    """Draw the plan of a ring group for the present state; returns the exit status."""

    async def question(server: Client) -> RenderableType:
        found = await server.get("ringgroup/search", search_value=number)
        group = next((row for row in found["data"] if row["number"] == number), None)
        if group is None:
            raise _CannotAsk(f"there is no ring group {number}")
        answer = await server.get("ringgroup/simulate", id=group["id"])
        return SimulationChart(group["number"], group["name"], Simulation.model_validate(answer["data"]))

    return await _ask(settings, question, out)


async def blocked(settings: Settings, out: Console) -> int:
    """List who is blocked; returns the exit status."""

    async def question(server: Client) -> RenderableType:
        answer = await server.get("blocked_ip/list")
        rows = _BLOCKED.validate_python(answer["data"])
        return blocked_table(rows, now()) if rows else "Nobody is blocked."

    return await _ask(settings, question, out)


async def unblock(settings: Settings, who: str, out: Console) -> int:
    """Let an address or a user in again; returns the exit status."""

    async def question(server: Client) -> RenderableType:
        for field in ("ip", "user"):
            try:
                await server.get("blocked_ip/delete", **{field: who})
            except ServerSaysNo as no:
                if field not in no.wrong:
                    raise
            else:
                return f"{who} may try again."
        raise _CannotAsk(f"{who} is not blocked")

    return await _ask(settings, question, out)


async def voicemail(settings: Settings, out: Console) -> int:
    """List the mailboxes in which there is something, and what could not be delivered; returns the exit status."""

    async def question(server: Client) -> RenderableType:
        rows: list[MailboxRow] = []
        for family, name in (("extension", "caller_id_name"), ("vm_group", "name")):
            for row in (await server.get(f"{family}/list", sort_by="number"))["data"]:
                new = row["messages"]["unread"]
                count = MessageCount(new, row["messages"]["total"] - new)
                rows.append(MailboxRow(number=row["number"], name=row[name], count=count))
        filled = [row for row in rows if any(row.count)]
        mailboxes = mailbox_table(filled) if filled else "No messages."
        aside = (await server.get("vm/undelivered"))["data"]["set_aside"]
        if not aside:
            return mailboxes
        are = "is" if aside == 1 else "are"
        folder = settings.spool / ASIDE
        return Group(
            mailboxes, Text(f"{aside} could not be delivered and {are} set aside in {folder}: the log says why.")
        )

    return await _ask(settings, question, out)


async def _story(server: Client, call_id: str) -> Story:
    try:
        answer = await server.get("calls/get", id=call_id)
    except ServerSaysNo as no:
        if no.wrong == {"id": "exist"}:
            raise _CannotAsk(f"there is no call {call_id}") from None
        raise
    return Story.from_data(answer["data"])


class _CannotAsk(Exception):
    """The server cannot be asked; the text is for the person at the terminal."""


async def _ask(
    settings: Settings,
    question: Callable[[Client], Awaitable[RenderableType]],
    out: Console,
    *,
    soft_wrap: bool = False,
) -> int:
    try:
        async with _local_server(settings) as server:
            out.print(Plain(await question(server)), soft_wrap=soft_wrap)
    except (_CannotAsk, ServerSaysNo) as why:
        typer.echo(f"ringdove: {why}", err=True)
    except httpx.TransportError:
        typer.echo("ringdove: the server does not answer", err=True)
    else:
        return 0
    return 1


def _local_server(settings: Settings) -> Client:
    """The server that runs with this data folder, entered with the key that it keeps there (ADR 0005)."""
    try:
        address = HostPort.parse(settings.running.read_text())
    except OSError:
        raise _CannotAsk(f"no server runs with the data folder {settings.data} (--data names another)") from None
    key = settings.keys / "cli.json"
    try:
        return Client(address, **json.loads(key.read_text()))
    except OSError:
        raise _CannotAsk(f"{key} can be read only by the user that runs the server") from None
