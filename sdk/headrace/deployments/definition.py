"""What a deployment is to be, before the server knows of it."""

from __future__ import annotations

import datetime
import inspect
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from headrace import errors
from headrace.api.v1 import deployment_pb2
from headrace.deployments.plain import fill_struct
from headrace.deployments.schedules import Schedule, one_schedule
from headrace.deployments.triggers import Trigger
from headrace.parameters import schema_of
from headrace.steps import Step

if TYPE_CHECKING:
    from headrace.flows import Flow

Strategy = Literal["enqueue", "cancel_new", "cancel_running"]

INFRASTRUCTURE_RETRIES = 3
"""How often a run whose worker or process was lost is tried again, as for deployments of flows without retries."""

_STRATEGIES: dict[Strategy, deployment_pb2.ConcurrencyStrategy.ValueType] = {
    "enqueue": deployment_pb2.CONCURRENCY_STRATEGY_ENQUEUE,
    "cancel_new": deployment_pb2.CONCURRENCY_STRATEGY_CANCEL_NEW,
    "cancel_running": deployment_pb2.CONCURRENCY_STRATEGY_CANCEL_RUNNING,
}


@dataclass(frozen=True)
class ConcurrencyLimit:
    """How many runs of a deployment at once, and what happens to more.

    Args:
        limit: How many.
        strategy: `enqueue`: more wait; `cancel_new`: they are cancelled; `cancel_running`: the oldest is cancelled.
        grace: How long the infrastructure may take to start before the slot is given to another.
        key: Runs with the same key share `key_limit` slots: a text with placeholders for parameters, such as
            `{{ customer.id }}`.
        key_limit: How many runs with the same key at once; 1 if not given.
    """

    limit: int | None = None
    strategy: Strategy = "enqueue"
    grace: datetime.timedelta | None = None
    key: str = ""
    key_limit: int | None = None

    def to_proto(self) -> deployment_pb2.DeploymentConcurrency:
        """Return the limit in the words of the contract.

        Raises:
            errors.InvalidArgument: A value is wrong.
        """
        if self.strategy not in _STRATEGIES:
            raise errors.InvalidArgument.of_field("strategy", f"must be one of {', '.join(_STRATEGIES)}")
        concurrency = deployment_pb2.DeploymentConcurrency(
            limit=self.limit, strategy=_STRATEGIES[self.strategy], key=self.key, key_limit=self.key_limit
        )
        if self.grace is not None:
            concurrency.grace_period.FromTimedelta(self.grace)
        return concurrency


@dataclass(frozen=True, kw_only=True)
class DeploymentDefinition:
    """A flow with everything that makes it runnable; `to_deployment` makes one."""

    flow: Flow[..., Any]
    name: str
    entrypoint: str
    path: str
    description: str = ""
    version: str = ""
    tags: Sequence[str] = ()
    labels: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    enforce_parameter_schema: bool = True
    schedules: Sequence[Schedule] | None = None
    """None leaves the schedules alone that the deployment has."""
    paused: bool | None = None
    concurrency: ConcurrencyLimit | None = None
    work_pool_name: str = ""
    work_queue_name: str = ""
    job_variables: Mapping[str, Any] = field(default_factory=dict)
    worker_labels: Mapping[str, Any] = field(default_factory=dict)
    """Labels that a worker must have to run it."""
    pull_steps: Sequence[Step] = ()
    """What each run does before it loads the flow; where there are any, `path` is not used."""
    triggers: Sequence[Trigger] | None = None
    """What starts runs beside schedules; None leaves alone what the deployment has."""
    version_info: deployment_pb2.VersionInfo | None = None
    """Where the source came from."""

    def to_request(self) -> deployment_pb2.ApplyDeploymentRequest:
        """Return the call that brings the server's deployment to this.

        Raises:
            errors.InvalidArgument: A value is wrong.
        """
        content = deployment_pb2.DeploymentContent(
            version=self.version,
            description=self.description,
            tags=self.tags,
            entrypoint=self.entrypoint,
            path="" if self.pull_steps else self.path,
            enforce_parameter_schema=self.enforce_parameter_schema,
            work_pool_name=self.work_pool_name,
            work_queue_name=self.work_queue_name,
        )
        if self.flow.options.retries:
            content.retry_policy.retries = self.flow.options.retries
            content.retry_policy.delay_seconds.extend(self.flow.retry_delays)
            content.retry_policy.infrastructure_retries = INFRASTRUCTURE_RETRIES
        for step in self.pull_steps:
            message = content.pull_steps.add(step=step.name, step_id=step.step_id)
            fill_struct(message.inputs, step.inputs, f"the inputs of {step.name}")
        if self.version_info is not None:
            content.version_info.CopyFrom(self.version_info)
        fill_struct(content.labels, self.labels, "labels")
        fill_struct(content.worker_labels, self.worker_labels, "worker_labels")
        fill_struct(content.parameters, self.parameters, "parameters")
        fill_struct(content.parameter_schema, schema_of(self.flow.fn), "parameter_schema")
        fill_struct(content.job_variables, self.job_variables, "job_variables")
        request = deployment_pb2.ApplyDeploymentRequest(
            flow_name=self.flow.name,
            name=self.name,
            content=content,
            keep_schedules=self.schedules is None,
            paused=self.paused,
        )
        for schedule in self.schedules or ():
            request.schedules.append(schedule.to_proto())
        if self.concurrency is not None:
            request.concurrency.CopyFrom(self.concurrency.to_proto())
        return request


def to_deployment(
    flow: Flow[..., Any],
    name: str,
    *,
    cron: str | None = None,
    interval: float | datetime.timedelta | None = None,
    rrule: str | None = None,
    timezone: str = "",
    schedules: list[Schedule] | None = None,
    paused: bool | None = None,
    parameters: Mapping[str, Any] | None = None,
    description: str | None = None,
    version: str | None = None,
    tags: Iterable[str] = (),
    labels: Mapping[str, Any] | None = None,
    enforce_parameter_schema: bool = True,
    concurrency_limit: int | ConcurrencyLimit | None = None,
    work_pool_name: str = "",
    work_queue_name: str = "",
    job_variables: Mapping[str, Any] | None = None,
    worker_labels: Mapping[str, Any] | None = None,
    entrypoint: str | None = None,
    triggers: Sequence[Trigger] | None = None,
) -> DeploymentDefinition:
    """Return what a deployment of a flow is to be, for `serve` with several of them.

    Args:
        flow: The flow.
        name: Unique in the flow.
        cron: A cron expression; shorthand for one schedule.
        interval: Seconds or a timedelta; shorthand for one schedule.
        rrule: A recurrence rule; shorthand for one schedule.
        timezone: IANA time zone of the shorthand.
        schedules: Any number of `Cron`, `Interval` and `RRule`; [] removes those that the deployment has.
        paused: True: schedules make no runs. None leaves it as it is.
        parameters: Parameters of its runs, unless a run names others.
        description: In Markdown; the flow's own if not given.
        version: As you name it; the flow's own if not given.
        tags: Words that it and its runs are found by.
        labels: Key and value pairs to find it by.
        enforce_parameter_schema: Whether parameters that do not fit the flow's signature are refused.
        concurrency_limit: How many runs at once.
        work_pool_name: The pool whose workers run it; without one it is run by the process that serves it.
        work_queue_name: The queue of the pool; the default queue if not given.
        job_variables: Values for the pool's base job template.
        worker_labels: Labels that a worker must have to run it.
        entrypoint: Where the flow is, as `file.py:function`, `package.module:function` or
            `package.module.function`; found by itself if not given.
        triggers: Events that start runs; [] removes those that the deployment has.

    Raises:
        errors.InvalidArgument: A value is wrong, or the flow cannot be found again from a file.
    """
    origin = flow.origin
    pull_steps = origin.source.steps() if origin is not None else []
    if entrypoint or origin is not None:
        place, path = entrypoint or (origin.entrypoint if origin is not None else ""), str(pathlib.Path.cwd())
    else:
        place, path = find_entrypoint(flow)
    limit = ConcurrencyLimit(concurrency_limit) if isinstance(concurrency_limit, int) else concurrency_limit
    return DeploymentDefinition(
        flow=flow,
        name=name,
        entrypoint=place,
        path=path,
        description=description if description is not None else flow.description or "",
        version=version if version is not None else flow.options.version or "",
        tags=tuple(tags),
        labels=labels or {},
        parameters=parameters or {},
        enforce_parameter_schema=enforce_parameter_schema,
        schedules=one_schedule(cron=cron, interval=interval, rrule=rrule, timezone=timezone, schedules=schedules),
        paused=paused,
        concurrency=limit,
        work_pool_name=work_pool_name,
        work_queue_name=work_queue_name,
        job_variables=job_variables or {},
        worker_labels=worker_labels or {},
        pull_steps=pull_steps,
        triggers=triggers,
    )


def find_entrypoint(flow: Flow[..., Any]) -> tuple[str, str]:
    """Return where a flow's function is, as `file.py:name`, and the folder that this starts from.

    Raises:
        errors.InvalidArgument: It is in no file, or within another function, so that no other process can find it.
    """
    function = inspect.unwrap(flow.fn)
    qualified = function.__qualname__
    if "<locals>" in qualified:
        raise errors.InvalidArgument.of_field(
            "flow", f"{qualified} is defined within a function; another process can find flows of a module only"
        )
    try:
        source = inspect.getsourcefile(function)
    except TypeError:
        source = None
    if source is None or not pathlib.Path(source).is_file():
        raise errors.InvalidArgument.of_field(
            "flow", f"{qualified} was not defined in a file; put it into one, so that another process can load it"
        )
    file = pathlib.Path(source).resolve()
    folder = pathlib.Path.cwd().resolve()
    if not file.is_relative_to(folder):
        folder = file.parent
    return f"{file.relative_to(folder)}:{qualified}", str(folder)
