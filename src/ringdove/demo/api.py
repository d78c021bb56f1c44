"""The server's interface as a program sees it: HTTP and JSON."""

from types import TracebackType
from typing import Any, Self

import httpx

from ringdove.api.credentials import Credentials
from ringdove.settings import HostPort


class ServerSaysNo(Exception):
    """An answer with another errcode than 0; the text is the whole answer."""


class Api:
    """A client with a token of its own, given back at the end of `async with`."""

    def __init__(self, server: HostPort, login: Credentials) -> None:
        self._client = httpx.AsyncClient(base_url=f"http://{server}/openapi/v1.0/", timeout=10, trust_env=False)
        self._login = login
        self._token: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        login = {"username": self._login.client_id, "password": self._login.client_secret}
        self._token = {"access_token": (await self.post("get_token", login))["access_token"]}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.get("del_token")
        await self._client.aclose()

    async def get(self, path: str, **params: str | int) -> dict[str, Any]:
        """Ask; raises ServerSaysNo, and httpx.HTTPError where there is no answer."""
        return self._answer(await self._client.get(path, params={**params, **self._token}))

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send `body` as JSON; raises as `get` does."""
        return self._answer(await self._client.post(path, params=self._token, json=body))

    def _answer(self, response: httpx.Response) -> dict[str, Any]:
        answer: dict[str, Any] = response.json()
        if answer.get("errcode") != 0:
            raise ServerSaysNo(f"{response.request.url.path}: {response.text}")
        return answer
