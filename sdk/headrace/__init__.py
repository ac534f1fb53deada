"""Headrace: flows and tasks in Python, orchestrated by a control plane of your own.

    from headrace import flow, task

Importing this package loads next to nothing; each public name is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from headrace import artifacts as artifacts
    from headrace import assets as assets
    from headrace import background as background
    from headrace import blocks as blocks
    from headrace import caching as caching
    from headrace import concurrency as concurrency
    from headrace import deployments as deployments
    from headrace import events as events
    from headrace import log_config as log_config
    from headrace import results as results
    from headrace import runtime as runtime
    from headrace import states as states
    from headrace import testing as testing
    from headrace import variables as variables
    from headrace.annotations import allow_failure as allow_failure
    from headrace.annotations import quote as quote
    from headrace.annotations import unmapped as unmapped
    from headrace.assets import Asset as Asset
    from headrace.assets import add_asset_metadata as add_asset_metadata
    from headrace.assets import materialize as materialize
    from headrace.client import get_client as get_client
    from headrace.context import get_flow_run as get_flow_run
    from headrace.context import get_run_context as get_run_context
    from headrace.context import get_task_run as get_task_run
    from headrace.context import tags as tags
    from headrace.deployments import arun_deployment as arun_deployment
    from headrace.deployments import on_work_pool as on_work_pool
    from headrace.deployments import run_deployment as run_deployment
    from headrace.deployments import serve as serve
    from headrace.engine.retries import exponential_backoff as exponential_backoff
    from headrace.events import emit_event as emit_event
    from headrace.flows import Flow as Flow
    from headrace.flows import flow as flow
    from headrace.futures import Future as Future
    from headrace.futures import as_completed as as_completed
    from headrace.futures import wait as wait
    from headrace.inputs import RunInput as RunInput
    from headrace.inputs import asend_input as asend_input
    from headrace.inputs import receive_input as receive_input
    from headrace.inputs import send_input as send_input
    from headrace.logging import get_run_logger as get_run_logger
    from headrace.pausing import apause_flow_run as apause_flow_run
    from headrace.pausing import aresume_flow_run as aresume_flow_run
    from headrace.pausing import asuspend_flow_run as asuspend_flow_run
    from headrace.pausing import pause_flow_run as pause_flow_run
    from headrace.pausing import resume_flow_run as resume_flow_run
    from headrace.pausing import suspend_flow_run as suspend_flow_run
    from headrace.states import State as State
    from headrace.task_runners import ProcessPoolTaskRunner as ProcessPoolTaskRunner
    from headrace.task_runners import ThreadTaskRunner as ThreadTaskRunner
    from headrace.tasks import Task as Task
    from headrace.tasks import task as task
    from headrace.transactions import get_transaction as get_transaction
    from headrace.transactions import transaction as transaction
    from headrace.variables import Variable as Variable
    from headrace.waiting import asleep_for as asleep_for
    from headrace.waiting import asleep_until as asleep_until
    from headrace.waiting import await_for_event as await_for_event
    from headrace.waiting import sleep_for as sleep_for
    from headrace.waiting import sleep_until as sleep_until
    from headrace.waiting import wait_for_event as wait_for_event

_MODULES = frozenset(
    {
        "artifacts",
        "assets",
        "blocks",
        "caching",
        "concurrency",
        "background",
        "deployments",
        "events",
        "log_config",
        "results",
        "runtime",
        "states",
        "testing",
        "variables",
    },
)
_NAMES = {
    "Asset": "headrace.assets",
    "Flow": "headrace.flows",
    "Future": "headrace.futures",
    "ProcessPoolTaskRunner": "headrace.task_runners",
    "RunInput": "headrace.inputs",
    "State": "headrace.states",
    "Task": "headrace.tasks",
    "ThreadTaskRunner": "headrace.task_runners",
    "Variable": "headrace.variables",
    "add_asset_metadata": "headrace.assets",
    "allow_failure": "headrace.annotations",
    "apause_flow_run": "headrace.pausing",
    "aresume_flow_run": "headrace.pausing",
    "arun_deployment": "headrace.deployments",
    "as_completed": "headrace.futures",
    "asend_input": "headrace.inputs",
    "asleep_for": "headrace.waiting",
    "asleep_until": "headrace.waiting",
    "asuspend_flow_run": "headrace.pausing",
    "await_for_event": "headrace.waiting",
    "emit_event": "headrace.events",
    "exponential_backoff": "headrace.engine.retries",
    "flow": "headrace.flows",
    "get_client": "headrace.client",
    "get_flow_run": "headrace.context",
    "get_run_context": "headrace.context",
    "get_run_logger": "headrace.logging",
    "get_task_run": "headrace.context",
    "get_transaction": "headrace.transactions",
    "materialize": "headrace.assets",
    "on_work_pool": "headrace.deployments",
    "pause_flow_run": "headrace.pausing",
    "quote": "headrace.annotations",
    "receive_input": "headrace.inputs",
    "resume_flow_run": "headrace.pausing",
    "run_deployment": "headrace.deployments",
    "send_input": "headrace.inputs",
    "serve": "headrace.deployments",
    "sleep_for": "headrace.waiting",
    "sleep_until": "headrace.waiting",
    "suspend_flow_run": "headrace.pausing",
    "tags": "headrace.context",
    "task": "headrace.tasks",
    "transaction": "headrace.transactions",
    "unmapped": "headrace.annotations",
    "wait": "headrace.futures",
    "wait_for_event": "headrace.waiting",
}

__all__ = ["__version__", *sorted({*_MODULES, *_NAMES})]


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(f"headrace.{name}")
    else:
        raise AttributeError(f"module 'headrace' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
