"""Facts of the run that the caller is part of: `runtime.flow_run.id`, `runtime.task_run.name`, ...

Outside of a run they are None or empty, so that code can be imported and tested anywhere.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from headrace.context import current_run
from headrace.engine.runs import FlowRun, TaskRun


class _FlowRunFacts:
    """The flow run of the caller."""

    @property
    def id(self) -> str | None:
        """Its id."""
        run = _flow_run()
        return run.id if run is not None else None

    @property
    def name(self) -> str | None:
        """Its name."""
        run = _flow_run()
        return run.name if run is not None else None

    @property
    def flow_name(self) -> str | None:
        """The flow's name."""
        run = _flow_run()
        return run.flow_name if run is not None else None

    @property
    def flow_version(self) -> str | None:
        """The flow's version, as the user names it."""
        run = _flow_run()
        return run.definition.options.version if run is not None and run.definition is not None else None

    @property
    def tags(self) -> list[str]:
        """Its tags."""
        run = _flow_run()
        return list(run.tags) if run is not None else []

    @property
    def parameters(self) -> dict[str, Any]:
        """Its parameters."""
        run = _flow_run()
        return dict(run.parameters) if run is not None else {}

    @property
    def run_count(self) -> int:
        """How many times it has entered RUNNING."""
        run = _flow_run()
        return run.run_count if run is not None else 0

    @property
    def scheduled_start_time(self) -> datetime.datetime | None:
        """When it was due (UTC); for a run that was not scheduled, when it started."""
        run = _flow_run()
        if run is None:
            return None
        due = run.assignment.scheduled_start_at if run.assignment is not None else None
        return due or run.started_at

    @property
    def parent_flow_run_id(self) -> str | None:
        """The flow run that called it, if it is a subflow."""
        run = _flow_run()
        if run is None:
            return None
        if run.parent is not None:
            return run.parent.host.id
        return (run.assignment.parent_flow_run_id or None) if run.assignment is not None else None

    @property
    def root_flow_run_id(self) -> str | None:
        """The topmost flow run of the tree that it is part of; its own id at the top."""
        run = _flow_run()
        if run is None:
            return None
        while run.parent is not None:
            run = run.parent.host
        return (run.assignment.root_flow_run_id if run.assignment is not None else "") or run.id

    @property
    def job_variables(self) -> dict[str, Any]:
        """Values that it gives to its work pool's template."""
        run = _flow_run()
        return dict(run.assignment.job_variables) if run is not None and run.assignment is not None else {}

    @property
    def api_url(self) -> str | None:
        """Where the API has it."""
        run = _flow_run()
        return f"{run.backend.api_url}/v1/flow-runs/{run.id}" if run is not None and run.backend.api_url else None

    @property
    def ui_url(self) -> str | None:
        """Where people see it."""
        run = _flow_run()
        return f"{run.backend.api_url}/runs/{run.id}" if run is not None and run.backend.api_url else None

    @property
    def parent_deployment_id(self) -> str | None:
        """The deployment of the flow run that called it, if it is a subflow in the same process."""
        run = _flow_run()
        host = run.parent.host if run is not None and run.parent is not None else None
        while host is not None and host.assignment is None and host.parent is not None:
            host = host.parent.host
        if host is None or host.assignment is None:
            return None
        return str(host.assignment.deployment.get("id") or "") or None


class _TaskRunFacts:
    """The task run of the caller."""

    @property
    def id(self) -> str | None:
        """Its id."""
        run = _task_run()
        return run.task_run_id if run is not None else None

    @property
    def name(self) -> str | None:
        """Its name."""
        run = _task_run()
        return run.name if run is not None else None

    @property
    def task_name(self) -> str | None:
        """The task's name."""
        run = _task_run()
        return run.definition.name if run is not None else None

    @property
    def tags(self) -> list[str]:
        """Its tags."""
        run = _task_run()
        return list(run.tags) if run is not None else []

    @property
    def run_count(self) -> int:
        """How many times it has entered RUNNING."""
        run = _task_run()
        return run.run_count if run is not None else 0

    @property
    def parameters(self) -> dict[str, Any]:
        """Its parameters, defaults included, with results in place of futures."""
        run = _task_run()
        if run is None:
            return {}
        if run.parameters is None and run.arguments is not None:
            run.parameters = run.definition.signature.bind(*run.arguments)
        return dict(run.parameters or {})

    @property
    def ui_url(self) -> str | None:
        """Where people see it: with its flow run."""
        run = _task_run()
        base = run.host.backend.api_url if run is not None else ""
        return f"{base}/runs/{run.host.id}" if run is not None and base and run.flow_run is not None else None

    @property
    def api_url(self) -> str | None:
        """Where the API has it."""
        run = _task_run()
        base = run.host.backend.api_url if run is not None else ""
        return f"{base}/v1/task-runs/{run.task_run_id}" if run is not None and base else None


class _DeploymentFacts:
    """The deployment of the caller's flow run."""

    @property
    def id(self) -> str | None:
        """Its id."""
        return _text_of_deployment("id")

    @property
    def name(self) -> str | None:
        """Its name."""
        return _text_of_deployment("name")

    @property
    def version(self) -> str | None:
        """Its version, as the user names it."""
        return _text_of_deployment("version")

    @property
    def parameters(self) -> dict[str, Any]:
        """Its parameters."""
        return dict(_of_deployment("parameters") or {})

    @property
    def flow_run_id(self) -> str | None:
        """The flow run's id."""
        return flow_run.id


flow_run = _FlowRunFacts()
task_run = _TaskRunFacts()
deployment = _DeploymentFacts()


def _flow_run() -> FlowRun | None:
    run = current_run.get()
    return run.flow_run if run is not None else None


def _task_run() -> TaskRun | None:
    run = current_run.get()
    return run.task_run if run is not None else None


def _of_deployment(name: str) -> Any:
    run = _flow_run()
    facts: Mapping[str, Any] = run.assignment.deployment if run is not None and run.assignment is not None else {}
    return facts.get(name) or None


def _text_of_deployment(name: str) -> str | None:
    value = _of_deployment(name)
    return str(value) if value is not None else None
