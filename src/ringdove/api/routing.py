"""The way of every request: token out of sight, token checked, body read, refusals and faults answered."""

import json
from typing import Annotated, Any
from urllib.parse import unquote_plus

import structlog
from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from ringdove.api.credentials import token_hash
from ringdove.api.errors import Code, Refusal, fault
from ringdove.api.form import problems
from ringdove.api.services import Services

MAX_BODY = 1_048_576

_TOKEN = "ringdove.access_token"  # noqa: S105  # the name of a key
_log = structlog.get_logger("ringdove.api")


class TokenOutOfSight:
    """Takes the access token out of the query before anything, a server's access log included, can write it down."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI)."""
        if scope["type"] in {"http", "websocket"} and scope["query_string"]:
            rest: list[bytes] = []
            for part in scope["query_string"].split(b"&"):
                name, _, value = part.partition(b"=")
                if unquote_plus(name.decode("latin-1")).strip().lower() == "access_token":
                    scope[_TOKEN] = unquote_plus(value.decode("latin-1"))
                else:
                    rest.append(part)
            scope["query_string"] = b"&".join(rest)  # in place: the server logs from this very scope
        await self._app(scope, receive, send)


def access_token(request: Request) -> str:
    """Return the access token of a request, or ""."""
    return str(request.scope.get(_TOKEN, ""))


class OpenRoute(APIRoute):
    """A route that needs no token. Whatever happens behind it is answered with the envelope."""

    def get_route_handler(self) -> Any:
        """Return the handler with everything around it."""
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                await self.admit(request)
                response: Response = await handler(request)
            except Refusal as refusal:
                return refusal.response()
            except RequestValidationError as broken:
                # The first part of a location says "query"; families read their bodies themselves.
                errors = [error | {"loc": error["loc"][1:]} for error in broken.errors()]
                return Refusal.parameters(problems(errors)).response()
            except ClientDisconnect:
                return Response(status_code=400)  # nobody is there to read it
            except HTTPException:
                raise
            except Exception:
                _log.exception("request_failed", path=request.url.path)
                return fault()
            return response

        return answer

    async def admit(self, request: Request) -> None:
        """Raise Refusal unless the request may go on."""


class GuardedRoute(OpenRoute):
    """A route that needs a valid access token; without one nothing of the request is looked at."""

    async def admit(self, request: Request) -> None:
        """Check the token."""
        services: Services = request.app.state.services
        token = access_token(request)
        if not token or not await services.store.tokens.is_valid(token_hash(token), now=services.clock()):
            raise Refusal(Code.TOKEN_EXPIRED)


async def _json_object(request: Request) -> dict[str, Any]:
    """Read a body as a JSON object whatever its Content-Type says."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise Refusal.parameter("body", "length")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal.parameter("body", "json") from None
    if not isinstance(data, dict):
        raise Refusal.parameter("body", "json")
    return data


Body = Annotated[dict[str, Any], Depends(_json_object)]
"""The type of an endpoint's parameter that is to receive the body."""


async def not_existed(_request: Request, _error: Exception) -> Response:
    """Answer an unknown path or a wrong method."""
    return Refusal(Code.INTERFACE_NOT_EXISTED).response()
