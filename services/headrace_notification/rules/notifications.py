"""What people are told of an event where nobody wrote what to tell."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from headrace_notification.rules.messages import Severity

FLOW_RUN = "headrace.flow-run."
LOG_LINES = 20
LONGEST_TRACEBACK = 4000
"""Characters of the end of a traceback."""

_SEVERITY = {
    "COMPLETED": Severity.SUCCESS,
    "FAILED": Severity.ERROR,
    "CRASHED": Severity.ERROR,
    "CANCELLED": Severity.WARNING,
    "CANCELLING": Severity.WARNING,
}
_PLURAL = {
    "COMPLETED": "runs completed",
    "FAILED": "runs failed",
    "CRASHED": "runs crashed",
    "CANCELLED": "runs were cancelled",
}


def is_of_run(event: Mapping[str, Any] | None) -> bool:
    """Return whether an event is about a flow run that entered a state."""
    return (
        event is not None and event["resource"]["id"].startswith(FLOW_RUN) and "headrace.state-name" in _labels(event)
    )


def severity_of(context: Mapping[str, Any]) -> Severity:
    """Return how much it matters."""
    if context["firing"]["state"] == "resolved":
        return Severity.SUCCESS
    event = context["event"]
    if event is not None and is_of_run(event):
        if _labels(event)["headrace.state-name"] == "Late":
            return Severity.WARNING
        return _SEVERITY.get(_labels(event).get("headrace.state-type", ""), Severity.INFO)
    return Severity.WARNING if event is None or context["firing"].get("metric") else Severity.INFO


def subject_of(context: Mapping[str, Any]) -> str:
    """Return the subject: for a flow run "The <run> run of the <flow> flow entered a <state> state at <time>"."""
    event, firing = context["event"], context["firing"]
    name = context["automation"]["name"]
    metric = firing.get("metric")
    if metric is not None:
        word = metric["name"].replace("_", " ")
        figure = f"{metric['value']:.4g}" if metric["value"] is not None else "unknown"
        if firing["state"] == "resolved":
            return f"{name}: {word} is {figure} again"
        return f"{name}: {word} is {figure} ({metric['operator']} {metric['threshold']:g})"
    if firing["state"] == "resolved":
        return f"{name}: resolved at {moment(firing['at'])}"
    if event is None:
        return f"{name}: what was expected did not happen until {moment(firing['at'])}"
    if is_of_run(event):
        state, article = _labels(event)["headrace.state-name"], "a"
        if state[:1] in "AEIOU":
            article = "an"
        return (
            f"The {event['resource']['name']} run of the {related_name(event, 'flow')} flow entered {article} {state} "
            f"state at {moment(event['occurred_at'])}"
        )
    about = event["resource"]["name"] or event["resource"]["id"]
    return f"{event['name']} of {about} at {moment(event['occurred_at'])}"


def body_of(context: Mapping[str, Any], run: Mapping[str, Any] | None, lines: Sequence[str]) -> str:
    """Return the text: the state's message, the last error and the last lines of the log."""
    event = context["event"]
    parts: list[str] = []
    if event is not None and (message := _labels(event).get("headrace.state-message")):
        parts.append(message)
    elif event is not None and isinstance(event["payload"].get("message"), str):
        parts.append(event["payload"]["message"])
    traceback = (run or {}).get("state", {}).get("traceback", "")
    # The run may have gone on since: what it did then does not belong here.
    if (
        traceback
        and event is not None
        and run is not None
        and run["state"]["name"] == _labels(event).get("headrace.state-name")
    ):
        cut = traceback if len(traceback) <= LONGEST_TRACEBACK else "…" + traceback[-LONGEST_TRACEBACK:]
        parts.append(f"Last error:\n{cut.rstrip()}")
    if lines:
        parts.append("Last log lines:\n" + "\n".join(lines))
    return "\n\n".join(parts)


def plural_of(event: Mapping[str, Any] | None) -> str:
    """Return what several such are called, as in "17 runs failed in 5 minutes"."""
    if event is None or not is_of_run(event):
        return ""
    labels = _labels(event)
    if labels.get("headrace.state-name", "").upper() == labels.get("headrace.state-type"):
        return _PLURAL.get(labels.get("headrace.state-type", ""), "")
    return f"runs entered {labels['headrace.state-name']}"


def facts_of(event: Mapping[str, Any] | None, run: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    """Return names and values that go with the message."""
    if event is None or not is_of_run(event):
        return ()
    tags = ", ".join(related["name"] for related in event["related"] if related.get("role") == "tag")
    facts = [
        ("Flow", related_name(event, "flow")),
        ("Run", event["resource"]["name"]),
        ("State", _labels(event)["headrace.state-name"]),
        ("Deployment", related_name(event, "deployment")),
        ("Work pool", related_name(event, "work-pool")),
        ("Tags", tags),
        ("Worker", str((run or {}).get("worker_name") or "")),
    ]
    return tuple((name, value) for name, value in facts if value)


def incident_key_of(context: Mapping[str, Any]) -> str:
    """Return what is the same for all messages about one matter."""
    event, labels = context["event"], context["firing"]["labels"]
    matter = "|".join(labels[name] for name in sorted(labels))
    if not matter and event is not None:
        matter = event["resource"]["id"]
    return f"{context['automation']['id']}:{matter}"


def related_name(event: Mapping[str, Any], role: str) -> str:
    """Return the name of what an event concerns in a role; "" if it concerns none."""
    return next((str(related["name"]) for related in event["related"] if related.get("role") == role), "")


def moment(text: str) -> str:
    """Return a time as people read it, in UTC."""
    at = datetime.datetime.fromisoformat(text).astimezone(datetime.UTC)
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _labels(event: Mapping[str, Any]) -> Mapping[str, str]:
    labels: Mapping[str, str] = event["resource"]["labels"]
    return labels
