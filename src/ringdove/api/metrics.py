"""`/metrics`: the numbers of the server for Prometheus."""

from hmac import compare_digest

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException

from ringdove.api.services import Services

_PATH = "/metrics"


def add_metrics(app: FastAPI) -> None:
    """Serve `/metrics`."""
    app.add_api_route(_PATH, _metrics, methods=["GET"], include_in_schema=False)


async def _metrics(request: Request) -> Response:
    """Answer with the numbers; where a `metrics_token` is set, only to who bears it, others get 401."""
    services: Services = request.app.state.services
    if not services.settings.metrics:
        raise HTTPException(404)
    secret = services.settings.metrics_token
    if secret is not None and not _bears(request, secret.get_secret_value()):
        return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
    return Response(services.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _bears(request: Request, secret: str) -> bool:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and compare_digest(token.strip().encode(), secret.encode())
