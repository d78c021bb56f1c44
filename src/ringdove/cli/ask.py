"""The commands that ask the running server on this machine: `calls` and `simulate`."""

import json
from typing import Any

import httpx
from pydantic import TypeAdapter
from rich.console import Console

from ringdove.model.simulation import Simulation
from ringdove.model.story import Story
from ringdove.settings import Settings
from ringdove.terminal.lists import SimulationChart, call_table
from ringdove.terminal.timeline import Timeline

_STORIES = TypeAdapter(list[Story])


class CannotAsk(Exception):
    """The server cannot be asked, or says no; the text is for the person at the terminal."""


class LocalApi:
    """The API of the server that uses the same data folder, entered with the key that it keeps there."""

    def __init__(self, settings: Settings) -> None:
        self._key = settings.keys / "cli.json"
        try:
            address = settings.running.read_text().strip()
        except OSError:
            raise CannotAsk(f"no server runs with the data folder {settings.data} (--data names another)") from None
        self._client = httpx.AsyncClient(base_url=f"http://{address}/openapi/v1.0/", timeout=10)
        self._token = ""

    async def __aenter__(self) -> "LocalApi":
        try:
            key = json.loads(self._key.read_text())
        except OSError:
            raise CannotAsk(f"{self._key} can be read only by the user that runs the server") from None
        answer = await self._send(
            "POST", "get_token", json={"username": key["client_id"], "password": key["client_secret"]}
        )
        self._token = answer["access_token"]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._token:
            await self.get("del_token")
        await self._client.aclose()

    async def get(self, path: str, **params: str | int) -> dict[str, Any]:
        """Ask; raises CannotAsk with what the server said."""
        return await self._send("GET", path, params={**params, "access_token": self._token})

    async def _send(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        try:
            response = await self._client.request(method, path, **request)
        except httpx.TransportError:
            raise CannotAsk(f"no server answers at {self._client.base_url.netloc.decode()}") from None
        answer: dict[str, Any] = response.json()
        if answer["errcode"] != 0:
            wrong = ", ".join(bad["field"] for bad in answer.get("invalid_param_list", []))
            raise CannotAsk(f"the server says {answer['errmsg']}" + (f" ({wrong})" if wrong else ""))
        return answer


async def calls(settings: Settings, call_id: str | None, number: int, out: Console) -> int:
    """List the latest calls, or draw one; returns the exit status."""
    try:
        async with LocalApi(settings) as api:
            if call_id is not None:
                story = Story.model_validate((await api.get("calls/get", id=call_id))["data"])
                out.print(Timeline(story))
            else:
                rows = await api.get("calls/list", page=1, page_size=number)
                if not rows["data"]:
                    out.print("No calls yet.")
                    return 0
                out.print(call_table(_STORIES.validate_python(rows["data"]), rows["total_number"]))
    except CannotAsk as why:
        out.print(f"[red]ringdove:[/red] {why}")
        return 1
    return 0


async def simulate(settings: Settings, number: str, out: Console) -> int:
    """Draw the plan of a ring group for the present state; returns the exit status."""
    try:
        async with LocalApi(settings) as api:
            found = await api.get("ringgroup/search", search_value=number)
            group = next((row for row in found["data"] if row["number"] == number), None)
            if group is None:
                raise CannotAsk(f"there is no ring group {number}")
            answer = await api.get("ringgroup/simulate", id=group["id"])
            out.print(SimulationChart(group["number"], group["name"], Simulation.model_validate(answer["data"])))
    except CannotAsk as why:
        out.print(f"[red]ringdove:[/red] {why}")
        return 1
    return 0
