"""Where people find things in the web UI."""

from __future__ import annotations

import uuid
from urllib.parse import quote

from headrace.ids import DEFAULT_WORKSPACE_ID

_BY_ID = {
    "automation": "automations",
    "artifact": "artifacts",
    "deployment": "deployments",
    "flow": "flows",
    "flow-run": "runs",
    "task-run": "task-runs",
    "webhook": "webhooks",
    "worker": "workers",
}
_BY_NAME = {"work-pool": "work-pools", "concurrency-limit": "limits"}
_PREFIX = "headrace."


def base_of(public_url: str, workspace_id: uuid.UUID) -> str:
    """Return what the addresses of a workspace's pages begin with."""
    # Addresses of pages name the workspace, but for the one that is meant without a name.
    return public_url if workspace_id == DEFAULT_WORKSPACE_ID else f"{public_url}/w/{workspace_id}"


def page_of(base: str, resource_id: str, name: str) -> str:
    """Return the page of what an event is about; "" if it has none.

    Args:
        base: As `base_of` returns it.
        resource_id: As in events, for example `headrace.flow-run.<id>`.
        name: The resource's name.
    """
    if not resource_id.startswith(_PREFIX):
        return ""
    kind, _, key = resource_id.removeprefix(_PREFIX).partition(".")
    if kind in _BY_ID and key:
        return f"{base}/{_BY_ID[kind]}/{quote(key, safe='')}"
    return f"{base}/{_BY_NAME[kind]}/{quote(name, safe='')}" if kind in _BY_NAME and name else ""


def events_of(base: str, resource_id: str) -> str:
    """Return the page with the events of a resource."""
    return f"{base}/events?resource={quote(resource_id, safe='')}"
