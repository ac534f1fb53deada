"""The state that a task run is in, as the event of entering it that Prefect's engine tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from headrace.api.v1 import event_pb2, state_pb2, task_run_pb2
from headrace_prefect import names
from headrace_prefect.shapes.states import state_json

TASK_RUN = names.OURS + "task-run."
"""How names of these events begin, and the ids of what they are about, in our words."""
FLOW_RUN = names.OURS + "flow-run."


def event_json(run: task_run_pb2.TaskRun) -> dict[str, Any]:
    """Return the event of the state that a task run is in."""
    state = state_json(run.state, task_run_id=run.task_run_id)
    related = []
    if run.flow_run_id:
        of = {names.RESOURCE_ID: names.to_theirs(FLOW_RUN + run.flow_run_id), names.RESOURCE_ROLE: "flow-run"}
        related.append(of)
    for tag in run.tags:
        related.append({names.RESOURCE_ID: f"prefect.tag.{tag}", names.RESOURCE_ROLE: "tag"})
    return {
        "id": run.state.state_id,
        "occurred": state["timestamp"],
        "received": state["timestamp"],
        "event": names.to_theirs(name_of(run.state)),
        "resource": {
            names.RESOURCE_ID: names.to_theirs(TASK_RUN + run.task_run_id),
            names.RESOURCE_NAME: run.name,
            "prefect.run-count": str(run.run_count),
            "prefect.state-name": state["name"],
            "prefect.state-type": state["type"],
            "prefect.state-timestamp": state["timestamp"],
        },
        "related": related,
        "payload": {
            "intended": {"from": None, "to": state["type"]},
            "initial_state": None,
            "validated_state": {name: state[name] for name in ("type", "name", "message", "data", "state_details")},
        },
        "follows": None,
    }


def name_of(state: state_pb2.State) -> str:
    """Return the name of the event of entering a state, in our words."""
    return TASK_RUN + "".join(state.name.split())


def fits(event: Mapping[str, Any], chosen: event_pb2.EventFilter) -> bool:
    """Return whether such an event passes a filter, apart from its times."""
    name, resource = names.to_ours(event["event"]), event["resource"]
    about = names.to_ours(resource[names.RESOURCE_ID])
    related = {names.to_ours(each[names.RESOURCE_ID]) for each in event["related"]}
    roles = {each[names.RESOURCE_ROLE] for each in event["related"]}
    return (
        (not chosen.names or is_like(name, chosen.names))
        and not is_like(name, chosen.names_excluded)
        and (not chosen.resource_ids or is_like(about, chosen.resource_ids))
        and (not chosen.related_resource_ids or not related.isdisjoint(chosen.related_resource_ids))
        and (not chosen.any_resource_ids or not {about, *related}.isdisjoint(chosen.any_resource_ids))
        and (not chosen.related_roles or not roles.isdisjoint(chosen.related_roles))
        and (not chosen.event_ids or event["id"] in chosen.event_ids)
        and all(resource.get(names.to_theirs(label)) == text for label, text in chosen.resource_labels.items())
        and (not chosen.text or chosen.text.lower() in str(event).lower())
    )


def is_like(text: str, patterns: Iterable[str]) -> bool:
    """Return whether a text is like one of some patterns; "*" at the end of one stands for any rest."""
    return any(text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern for pattern in patterns)
