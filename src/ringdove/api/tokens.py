"""`get_token`, `refresh_token`, `del_token`."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from pydantic import Field

from ringdove.api.credentials import new_secret, token_hash, verify_secret
from ringdove.api.documentation import takes
from ringdove.api.envelope import Done, Failure
from ringdove.api.errors import Code, Refusal
from ringdove.api.form import Form, good
from ringdove.api.routing import Body, GuardedRoute, OpenRoute, access_token
from ringdove.api.services import Injected
from ringdove.store.applications import TokenPair

ACCESS_SECONDS = 1800
REFRESH_SECONDS = 86_400
MAX_TOKENS = 8
"""Valid access tokens of one application at a time."""

router = APIRouter(tags=["tokens"], route_class=OpenRoute)
guarded = APIRouter(tags=["tokens"], route_class=GuardedRoute)


class LoginForm(Form):
    """Who logs in."""

    verbatim = frozenset({"username", "password"})  # as they stand in the settings

    username: str = Field(max_length=127, description="The Client ID of the application.")
    password: str = Field(max_length=1024, description="The Client Secret of the application.")


class RefreshForm(Form):
    """Which login goes on."""

    refresh_token: str = Field(max_length=1024, description="The refresh token that came last.")


class Issued(Done):
    """A pair of new tokens; times are seconds."""

    access_token_expire_time: int = ACCESS_SECONDS
    access_token: str
    refresh_token_expire_time: int = REFRESH_SECONDS
    refresh_token: str


@dataclass(frozen=True, slots=True)
class _Fresh:
    access: str
    refresh: str
    pair: TokenPair

    def answer(self) -> Issued:
        return Issued(access_token=self.access, refresh_token=self.refresh)


def _fresh(now: float) -> _Fresh:
    access, refresh = new_secret(), new_secret()
    pair = TokenPair(token_hash(access), now + ACCESS_SECONDS, token_hash(refresh), now + REFRESH_SECONDS)
    return _Fresh(access, refresh, pair)


@router.post("/get_token", response_model=Issued | Failure, openapi_extra=takes(LoginForm))
async def get_token(request: Request, body: Body, services: Injected) -> Issued:
    """Log in. The access token is good for 30 minutes, the refresh token once within 24 hours.

    An application has at most 8 valid access tokens (60002). Five failed logins block an address for ten minutes.
    """
    form = good(LoginForm, body)
    now = services.clock()
    async with services.lockout.attempt(_address(request), now, form.username):
        application = await services.store.applications.by_client_id(form.username)
        if not await verify_secret(form.password, application.secret_hash if application else None):
            raise Refusal.credentials()
    fresh = _fresh(now)
    assert application is not None  # noqa: S101  # the secret was verified against it
    if not await services.store.tokens.issue(application.id, fresh.pair, now=now, limit=MAX_TOKENS):
        raise Refusal(Code.MAX_LIMITATION_EXCEEDED)
    return fresh.answer()


@router.post("/refresh_token", response_model=Issued | Failure, openapi_extra=takes(RefreshForm))
async def refresh_token(request: Request, body: Body, services: Injected) -> Issued:
    """Replace a pair of tokens by a new one; the old access token ends with it. A refresh token works once."""
    form = good(RefreshForm, body)
    now = services.clock()
    fresh = _fresh(now)
    async with services.lockout.attempt(_address(request), now):
        if not await services.store.tokens.renew(token_hash(form.refresh_token), fresh.pair, now=now):
            raise Refusal(Code.TOKEN_EXPIRED)
    return fresh.answer()


@guarded.get("/del_token", response_model=Done | Failure)
async def del_token(request: Request, services: Injected) -> Done:
    """Log out: the access token and its refresh token end now."""
    await services.store.tokens.revoke(token_hash(access_token(request)))
    return Done()


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
