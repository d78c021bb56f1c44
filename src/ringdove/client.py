"""The interface of a server as a program sees it: HTTP and JSON. For the command line, the demo and whoever scripts."""

from types import TracebackType
from typing import Any, Self

import httpx

from ringdove.settings import HostPort


class ServerSaysNo(Exception):
    """An answer with another errcode than 0; the text says what, and names the fields that are wrong.

    `wrong` says which rule each of them breaks.
    """

    def __init__(self, path: str, answer: dict[str, Any]) -> None:
        self.wrong: dict[str, str] = {
            bad["field"]: bad.get("validation_type", "wrong") for bad in answer.get("invalid_param_list", ())
        }
        fields = ", ".join(f"{field} ({rule})" for field, rule in self.wrong.items())
        super().__init__(f"{path}: {answer.get('errmsg', answer)}" + (f": {fields}" if fields else ""))
        self.errcode = answer.get("errcode")


class Client:
    """A client with a token of its own, given back at the end of `async with`."""

    def __init__(self, server: HostPort, client_id: str, client_secret: str) -> None:
        self._http = httpx.AsyncClient(base_url=f"http://{server}/openapi/v1.0/", timeout=10, trust_env=False)
        self._login = {"username": client_id, "password": client_secret}
        self._token: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        try:
            self._token = {"access_token": (await self.post("get_token", self._login))["access_token"]}
        except BaseException:
            await self._http.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not isinstance(error, httpx.TransportError):
                await self.get("del_token")  # an application may hold only a few
        finally:
            await self._http.aclose()

    async def get(self, path: str, **params: str | int) -> dict[str, Any]:
        """Ask; raises ServerSaysNo, and httpx.TransportError where there is no answer."""
        return _answer(path, await self._http.get(path, params={**params, **self._token}))

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send `body` as JSON; raises as `get` does."""
        return _answer(path, await self._http.post(path, params=self._token, json=body))

    async def upload(self, path: str, name: str, content: bytes, **fields: str) -> dict[str, Any]:
        """Send a file, as a form does; raises as `get` does."""
        files = {"file": (name, content)}
        return _answer(path, await self._http.post(path, params=self._token, data=fields, files=files))

    async def download(self, path: str, **params: str | int) -> bytes:
        """Ask where a file is, and fetch it; raises as `get` does, and httpx.HTTPStatusError."""
        link = (await self.get(path, **params))["download_resource_url"]
        response = await self._http.get(self._http.base_url.join(link), params=self._token)
        return response.raise_for_status().content


def _answer(path: str, response: httpx.Response) -> dict[str, Any]:
    answer: dict[str, Any] = response.json()
    if answer.get("errcode") != 0:
        raise ServerSaysNo(path, answer)
    return answer
