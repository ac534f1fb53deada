"""Queueing calls of tasks: what `Task.delay` and `Task.apply_async` do."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import cloudpickle

from headrace import errors
from headrace.annotations import Annotated
from headrace.api.v1 import background_task_pb2, task_run_pb2
from headrace.background.futures import BackgroundFuture
from headrace.client import get_client
from headrace.context import current_tags
from headrace.engine.arguments import TASK_RUN, Upstream
from headrace.engine.connection import get_backend
from headrace.engine.definitions import TaskDefinition
from headrace.engine.naming import run_name
from headrace.engine.server_backend import ServerBackend
from headrace.engine.tracking import ResultTracker
from headrace.futures import Future
from headrace.recording.identifiers import new_id
from headrace.recording.text import storable
from headrace.results import store_at
from headrace.settings import get_settings

INLINE_BYTES = 64 * 1024
"""Arguments up to this size are kept by the server; larger ones lie where results do."""

Sources = Mapping[str, Iterable[Future[Any] | str]]
"""For each parameter the task runs that it came from."""


class ArgumentsNotSendable(errors.InvalidArgument):
    """The arguments of a background task cannot be written; the message says why."""

    default_reason = "NOT_SENDABLE"


def enqueue(
    definition: TaskDefinition,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    wait_for: Iterable[Any] = (),
    dependencies: Sources | None = None,
    scheduled_at: datetime.datetime | None = None,
) -> BackgroundFuture[Any]:
    """Queue a call of a task; returns once the server has it.

    Args:
        definition: The task.
        args: Positional arguments; may hold futures, which are waited for.
        kwargs: Keyword arguments, likewise.
        wait_for: Further futures, or ids of task runs, that have to be over first and to have completed.
        dependencies: Task runs that parameters came from, for the picture of what depends on what. They are waited for.
        scheduled_at: Not before this time, which has a time zone.

    Raises:
        TypeError: The arguments do not fit the function.
        ArgumentsNotSendable: They cannot be written.
        errors.HeadraceError: There is no server, or it refuses the call.
    """
    definition.signature.check(args, kwargs)
    if scheduled_at is not None and scheduled_at.tzinfo is None:
        raise errors.InvalidArgument.of_field("scheduled_at", "needs a time zone")
    if not isinstance(get_backend(), ServerBackend):
        raise errors.FailedPrecondition("background tasks need a server; call the task itself in tests without one")
    waited = [BackgroundFuture[Any](item) if isinstance(item, str) else item for item in wait_for]
    sources = {
        name: [item.task_run_id if isinstance(item, Future) else item for item in items]
        for name, items in (dependencies or {}).items()
    }
    upstream = Upstream(definition.signature, ResultTracker(), args, kwargs, waited)
    inputs = [*upstream.inputs, *((name, TASK_RUN, source) for name, ids in sources.items() for source in ids)]
    awaited = dict.fromkeys([*(future.task_run_id for future in upstream.futures), *(id_ for _, _, id_ in inputs)])
    task_run_id = new_id()
    name = _name_of(definition, args, kwargs, task_run_id, is_plain=not upstream.futures)
    task = background_task_pb2.NewBackgroundTask(
        task_run_id=task_run_id,
        spec=_spec(definition, name, inputs),
        wait_for=list(awaited),
    )
    if scheduled_at is not None:
        task.scheduled_at.FromDatetime(scheduled_at)
    _put_parameters(task, definition, args, kwargs, waited)
    request = background_task_pb2.CreateBackgroundTasksRequest(tasks=[task])
    # The id is made here, so that a repeated request queues the call once.
    get_client().background_tasks.CreateBackgroundTasks(request)
    return BackgroundFuture(task_run_id, name)


def _spec(definition: TaskDefinition, name: str, inputs: Iterable[tuple[str, Any, str]]) -> task_run_pb2.TaskRunSpec:
    facts = definition.facts
    spec = task_run_pb2.TaskRunSpec(
        task_key=storable(facts.task_key),
        dynamic_key="0",
        name=storable(name),
        tags=[storable(tag) for tag in sorted(current_tags.get() | frozenset(definition.tags))],
        task_version=storable(facts.version),
        inputs=[task_run_pb2.TaskInput(parameter=name, kind=kind, source=source) for name, kind, source in inputs],
    )
    if facts.retries:
        spec.retry_policy.retries = facts.retries
        spec.retry_policy.delay_seconds.extend(facts.retry_delays)
        spec.retry_policy.jitter_factor = facts.retry_jitter
    return spec


def _name_of(
    definition: TaskDefinition, args: tuple[Any, ...], kwargs: dict[str, Any], task_run_id: str, *, is_plain: bool
) -> str:
    template = definition.options.task_run_name
    if isinstance(template, str) and is_plain:
        return run_name(template, "task_run_name", definition.signature.bind(args, kwargs), takes_parameters=False)
    # The last digits of ids are the process's own; those before them are counted.
    return f"{definition.name}-{task_run_id[-12:-8]}"


def _put_parameters(
    task: background_task_pb2.NewBackgroundTask,
    definition: TaskDefinition,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    wait_for: list[Any],
) -> None:
    values = _sendable((args, kwargs, wait_for))
    try:
        data: bytes = cloudpickle.dumps(values)
    except Exception as error:
        raise ArgumentsNotSendable(
            f"the arguments of {definition.name} cannot be sent to another process: {error}. Give it what it needs to "
            "make them by itself."
        ) from error
    if len(data) <= INLINE_BYTES:
        task.parameters = data
        return
    store = store_at(definition.options.result_storage or get_settings().results_url)
    reference = store.write(f"background/{task.task_run_id}/parameters", values, "pickle")
    task.parameters_reference.storage_key = reference.storage_key
    task.parameters_reference.storage_url = reference.storage_url
    task.parameters_reference.serializer = reference.serializer
    task.parameters_reference.size_bytes = reference.size_bytes


def _sendable(value: Any) -> Any:
    """Return a value with futures of this process replaced by such as another process can follow."""
    if isinstance(value, BackgroundFuture):
        return value
    if isinstance(value, Future):
        return BackgroundFuture[Any](value.task_run_id, value.name)
    if isinstance(value, Annotated):
        return type(value)(_sendable(value.value))
    kind = type(value)
    if kind is dict:
        return {key: _sendable(item) for key, item in value.items()}
    if kind in (list, tuple, set, frozenset):
        return kind(_sendable(item) for item in value)
    return [_sendable(item) for item in value] if isinstance(value, list) else value
