"""Puts the families together."""

from importlib.metadata import version

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ringdove.api import (
    blocked_ip,
    call_log,
    calls,
    custom_prompt,
    custom_ringtone,
    download,
    extension,
    extensiongroup,
    moh_files,
    play_list,
    ringgroup,
    system,
    tokens,
    vm,
    vm_greeting,
    vm_group,
)
from ringdove.api.documentation import add_reference
from ringdove.api.metrics import add_metrics
from ringdove.api.routing import TokenOutOfSight, not_existed
from ringdove.api.services import Services

BASE_PATH = "/openapi/v1.0"

_FAMILIES: tuple[APIRouter, ...] = (
    tokens.router,
    tokens.guarded,
    ringgroup.router,
    extension.router,
    extensiongroup.router,
    system.router,
    calls.router,
    call_log.router,
    blocked_ip.router,
    vm.router,
    vm_group.router,
    vm_greeting.router,
    vm_greeting.of_extensions,
    custom_prompt.router,
    play_list.router,
    moh_files.router,
    custom_ringtone.router,
    download.router,
)


def create_app(services: Services) -> FastAPI:
    """Return the whole HTTP interface: OpenAPI v1.0, `/healthz`, `/metrics`, and the reference at `/docs`."""
    app = FastAPI(
        title="Ringdove",
        version=version("ringdove"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    app.add_middleware(TokenOutOfSight)
    app.add_exception_handler(HTTPException, not_existed)
    for router in _FAMILIES:
        app.include_router(router, prefix=BASE_PATH)
    app.add_api_route("/healthz", _healthz, methods=["GET", "HEAD"], include_in_schema=False)
    add_metrics(app)
    add_reference(app)
    return app


async def _healthz(request: Request) -> JSONResponse:
    """Answer 200 while calls are taken; 503 until SIP and HTTP are up, and once the server drains."""
    services: Services = request.app.state.services
    ready = services.ready()
    return JSONResponse({"status": "ready" if ready else "not ready"}, status_code=200 if ready else 503)
