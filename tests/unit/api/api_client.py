"""The interface as tests speak to it."""

from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from ringdove.api import Services
from ringdove.api.credentials import new_secret, token_hash
from ringdove.api.tokens import ACCESS_SECONDS, REFRESH_SECONDS
from ringdove.model.story import Story
from ringdove.store import Store
from ringdove.store.applications import TokenPair

BASE = "/openapi/v1.0/"
CLIENT_ID, CLIENT_SECRET = "test-client", "a secret for tests"


def pair(access_token: str, now: float) -> TokenPair:
    """The tokens of a login at `now`, made without the slow check of a secret."""
    refresh_hash = token_hash(f"refresh {access_token}")
    return TokenPair(token_hash(access_token), now + ACCESS_SECONDS, refresh_hash, now + REFRESH_SECONDS)


def bad_fields(answer: dict[str, Any]) -> dict[str, str]:
    """What is wrong with which field, and that the answer says nothing else but a reason."""
    assert (answer["errcode"], answer["errmsg"]) == (40002, "PARAMETER ERROR"), answer
    assert answer.keys() - {"submsg"} == {"errcode", "errmsg", "invalid_param_list"}
    return {problem["field"]: problem["validation_type"] for problem in answer["invalid_param_list"]}


@dataclass
class Api:
    """The interface with a logged-in client, and the world around it for tests to arrange."""

    app: FastAPI
    services: Services
    http: httpx.AsyncClient
    now: float = 1_000_000.0
    online: set[int] = field(default_factory=set)
    live: list[Story] = field(default_factory=list)
    events: list[object] = field(default_factory=list)
    token: str = field(default_factory=new_secret)

    @property
    def store(self) -> Store:
        return self.services.store

    async def get(self, path: str, /, **params: Any) -> dict[str, Any]:
        return self._json(await self.http.get(BASE + path, params={"access_token": self.token} | params))

    async def post(self, path: str, body: Any, /, **params: Any) -> dict[str, Any]:
        url = BASE + path
        return self._json(await self.http.post(url, json=body, params={"access_token": self.token} | params))

    async def upload(self, path: str, /, name: str | None = None, content: bytes = b"", **texts: str) -> dict[str, Any]:
        """Upload a file; with no name there is none, only the other parts."""
        parts: list[Any] = [(part, (None, text)) for part, text in texts.items()]
        parts += [("file", (name, content))] if name is not None else []
        params = {"access_token": self.token}
        return self._json(await self.http.post(BASE + path, files=parts, params=params, timeout=30))

    async def log_in(self) -> dict[str, Any]:
        return await self.post("get_token", {"username": CLIENT_ID, "password": CLIENT_SECRET})

    def from_address(self, host: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(host, 4711))
        return httpx.AsyncClient(transport=transport, base_url="http://test")

    @staticmethod
    def _json(answer: httpx.Response) -> dict[str, Any]:
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        assert isinstance(body["errcode"], int)
        assert isinstance(body["errmsg"], str)
        return body
