"""Addresses of pages: Prefect's client prints those of its own user interface, and whoever opens one comes to ours.

The client knows where the API is and leaves `/api` away, so these stand beside the pages of Headrace, at addresses
that these do not have.
"""

from __future__ import annotations

import re
import urllib.parse

from headrace_gateway.http import Receive, Scope, Send, respond

_ID = "([0-9a-fA-F-]{32,36})"
_NAME = "([^/]+)"
_MOVED = (
    (f"/runs/flow-run/{_ID}", "/runs/{}"),
    (f"/flow-runs/flow-run/{_ID}", "/runs/{}"),
    (f"/runs/task-run/{_ID}", "/task-runs/{}"),
    (f"/flows/flow/{_ID}", "/flows/{}"),
    (f"/deployments/deployment/{_ID}", "/deployments/{}"),
    (f"/work-pools/work-pool/{_NAME}", "/work-pools/{}"),
    # Queues and workers are shown with their pool, which the address of a worker names.
    (f"/work-pools/work-pool/{_NAME}/(?:worker|queue)/.+", "/work-pools/{}"),
    ("/work-queues/work-queue/.+", "/work-pools"),
    ("/blocks/block/.+", "/blocks"),
    ("/concurrency-limits/concurrency-limit/.+", "/limits"),
    (f"/automations/automation/{_ID}", "/automations/{}"),
    (f"/events/event/[^/]+/{_ID}", "/events/{}"),
)
_PATTERNS = tuple((re.compile(pattern), target) for pattern, target in _MOVED)

PREFIXES = tuple(dict.fromkeys(re.sub(r"[\[(.].*", "", pattern) for pattern, _ in _MOVED))
"""What these addresses begin with."""


def address_of(path: str) -> str:
    """Return the address of the page here for one of Prefect's, decoded; that of the dashboard where there is none."""
    for pattern, target in _PATTERNS:
        if found := pattern.fullmatch(path):
            return target.format(*(urllib.parse.quote(value, safe="") for value in found.groups()))
    return "/"


async def redirect(scope: Scope, receive: Receive, send: Send) -> None:
    """Send a browser on to the page of the same thing."""
    location = address_of(scope["path"]).encode("latin-1")
    await respond(send, 302, b"", [(b"location", location), (b"cache-control", b"no-store")])
