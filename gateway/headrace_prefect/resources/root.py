"""What a client asks a server first: whether it is there, which version it speaks, whether it protects forms."""

from __future__ import annotations

from headrace_prefect.answers import Answer, Refusal, ok
from headrace_prefect.request import Request
from headrace_prefect.resources.routes import Route

PREFECT_VERSION = "3.8.8"
"""The version of Prefect's server whose API this is; clients of a newer one warn."""
API_VERSION = "0.8.4"


async def check_health(request: Request) -> Answer:
    """Say that the process lives."""
    return ok(True)


async def check_readiness(request: Request) -> Answer:
    """Say whether the server can serve."""
    faults = await request.readiness() if request.readiness is not None else []
    if faults:
        return ok({"message": "; ".join(faults)}, 503)
    return ok({"message": "OK"})


async def say_hello(request: Request) -> Answer:
    """Say hello."""
    return ok("👋")


async def read_api_version(request: Request) -> Answer:
    """Return the version of the API."""
    return ok(API_VERSION)


async def read_version(request: Request) -> Answer:
    """Return the version of Prefect's server whose API this is."""
    return ok(PREFECT_VERSION)


async def create_csrf_token(request: Request) -> Answer:
    """Say that there are no such tokens: pages of other origins are kept out by what browsers say of themselves."""
    raise Refusal(422, "CSRF protection is disabled.")


ROUTES = (
    Route("GET", "/health", check_health),
    Route("GET", "/ready", check_readiness),
    Route("GET", "/hello", say_hello),
    Route("GET", "/version", read_api_version),
    Route("GET", "/admin/version", read_version),
    Route("GET", "/csrf-token", create_csrf_token),
)
