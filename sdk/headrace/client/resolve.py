"""Which server a process talks to."""

from __future__ import annotations

import logging

from headrace import errors
from headrace.client.discovery import PROBE_SECONDS, NotAServer, System, discover
from headrace.client.ephemeral import ephemeral_url
from headrace.client.trust import Trust
from headrace.settings import DEFAULT_API_URL, Settings

logger = logging.getLogger("headrace.client")


def resolve_system(settings: Settings, *, may_start: bool = False) -> System:
    """Return the server to talk to.

    A configured one must answer. Without configuration it is the local one, and if nobody answers there
    one that this process starts for itself, where that is allowed.

    Args:
        settings: Address and limits.
        may_start: Whether an ephemeral server may be started.

    Raises:
        errors.HeadraceError: There is no such server; the message says what to do.
    """
    trust = Trust.of(settings)
    if settings.api_url is not None:
        return discover(
            settings.api_url, timeout=settings.api_timeout_seconds, grpc_address=settings.grpc_address, trust=trust
        )
    if not (may_start and settings.ephemeral_server):
        return discover(DEFAULT_API_URL, timeout=settings.api_timeout_seconds, grpc_address=settings.grpc_address)
    try:
        return discover(DEFAULT_API_URL, timeout=PROBE_SECONDS, grpc_address=settings.grpc_address)
    except errors.Unavailable:
        pass
    except NotAServer as error:
        logger.warning("%s", error)
    return discover(ephemeral_url(), timeout=settings.api_timeout_seconds)
