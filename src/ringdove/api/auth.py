"""What the families put on their routers: a token is needed, and the reference says so."""

from fastapi import APIRouter, Security
from fastapi.security import APIKeyQuery

from ringdove.api.routing import GuardedRoute

# The token is checked by GuardedRoute before anything else; this only writes it into the reference.
_IN_REFERENCE = Security(APIKeyQuery(name="access_token", scheme_name="access_token", auto_error=False))


def family(name: str) -> APIRouter:
    """Return the router of a family of interfaces, such as `ringgroup`."""
    return APIRouter(prefix=f"/{name}", tags=[name], route_class=GuardedRoute, dependencies=[_IN_REFERENCE])
