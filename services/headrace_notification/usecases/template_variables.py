"""What templates of actions see."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from headrace_notification.repository import Runs
from headrace_notification.rules.deliveries import Delivery
from headrace_notification.usecases.links import base_of, events_of, page_of
from headrace_notification.usecases.templates import names_within, variables_of

FLOW_RUN = "headrace.flow-run."

_RESOURCES = {
    "flow": "flow",
    "deployment": "deployment",
    "work_pool": "work-pool",
    "work_queue": "work-queue",
    "task_run": "task-run",
    "concurrency_limit": "concurrency-limit",
}


class TemplateVariables:
    """Gathers what the templates of a delivery name, and asks other services only for what they name.

    Args:
        runs: Describes flow runs, and tells variables.
        public_url: Where people reach the server.
    """

    def __init__(self, runs: Runs, public_url: str) -> None:
        self._runs = runs
        self._public_url = public_url

    async def of(self, delivery: Delivery, texts: Sequence[str]) -> dict[str, Any]:
        """Return the variables of templates.

        Raises:
            errors.HeadraceError: A service does not tell what they name.
        """
        named = frozenset().union(*map(variables_of, texts))
        context, event = delivery.context, delivery.context["event"]
        base = base_of(self._public_url, delivery.workspace_id)
        variables: dict[str, Any] = {
            **context,
            "firings": _firings(context["firing"], event),
            "labels": context["firing"]["labels"],
            "events": context["firing"]["events"] or ([event] if event is not None else []),
            "automation": {
                **context["automation"],
                **_pages(base, f"headrace.automation.{context['automation']['id']}", context["automation"]["name"]),
            },
        }
        if event is not None:
            pages = {"url": f"{base}/events/{event['id']}", "events_url": events_of(base, event["resource"]["id"])}
            variables["event"] = {**event, **pages}
        for name, kind in _RESOURCES.items():
            variables[name] = resource_of(event, kind, base)
        if "flow_run" in named:
            flow_run_id = subject_of(event, FLOW_RUN)
            run = await self._runs.describe(delivery.workspace_id, flow_run_id) if flow_run_id is not None else None
            variables["flow_run"] = run and {**run, **_pages(base, f"{FLOW_RUN}{run['id']}", run["name"])}
        if "variables" in named:
            names = sorted(frozenset().union(*(names_within(text, "variables") for text in texts)))
            variables["variables"] = await self._runs.variables(delivery.workspace_id, names) if names else {}
        return variables


def _firings(firing: Mapping[str, Any], event: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the firing with its event, and behind it what came true of the conditions that it takes, in order."""
    parts = [
        {**firing, "at": came["occurred_at"], "labels": {}, "event": came, "events": [came], "metric": None}
        for came in firing["events"]
    ]
    return [{**firing, "event": event}, *parts]


def subject_of(event: Mapping[str, Any] | None, prefix: str) -> uuid.UUID | None:
    """Return the id of the thing that the event is about, or else of the first that it concerns."""
    if event is None:
        return None
    for resource in (event["resource"], *event["related"]):
        if resource["id"].startswith(prefix):
            try:
                return uuid.UUID(resource["id"].removeprefix(prefix))
            except ValueError:
                continue
    return None


def resource_of(event: Mapping[str, Any] | None, kind: str, base: str = "") -> dict[str, Any] | None:
    """Return the thing of a kind that the event is about, or else the first that it concerns.

    Args:
        event: As automations see it.
        kind: For example `work-pool`.
        base: What the addresses of pages begin with.
    """
    prefix = f"headrace.{kind}."
    for resource in (event["resource"], *event["related"]) if event is not None else ():
        if resource["id"].startswith(prefix):
            about = {"id": resource["id"].removeprefix(prefix), "name": resource["name"], "labels": resource["labels"]}
            return {**about, **_pages(base, resource["id"], resource["name"])}
    return None


def _pages(base: str, resource_id: str, name: str) -> dict[str, str]:
    return {"url": page_of(base, resource_id, name), "events_url": events_of(base, resource_id)}
