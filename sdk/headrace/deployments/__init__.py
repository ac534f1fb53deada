"""Deployments: flows made runnable on schedules and by request.

`serve` runs them in this process, `deploy` hands them to the workers of a work pool. Both are methods of a flow
too: `flow.serve(...)`, `flow.deploy(...)`, and `flow.to_deployment(...)` for several at once.
"""

from __future__ import annotations

from headrace.deployments.definition import ConcurrencyLimit, DeploymentDefinition, to_deployment
from headrace.deployments.deploying import DockerImage, deploy, deploy_all
from headrace.deployments.running import arun_deployment, run_deployment
from headrace.deployments.schedules import Cron, Interval, RRule, Schedule
from headrace.deployments.serving import aserve, serve
from headrace.deployments.sources import GitRepository, LocalFolder, RemoteFolder, Source, load_from
from headrace.deployments.submitting import FlowRunFuture, PoolFlow, on_work_pool
from headrace.deployments.triggers import Trigger

__all__ = [
    "ConcurrencyLimit",
    "Cron",
    "DeploymentDefinition",
    "DockerImage",
    "FlowRunFuture",
    "GitRepository",
    "Interval",
    "LocalFolder",
    "PoolFlow",
    "RRule",
    "RemoteFolder",
    "Schedule",
    "Source",
    "Trigger",
    "arun_deployment",
    "aserve",
    "deploy",
    "deploy_all",
    "load_from",
    "on_work_pool",
    "run_deployment",
    "serve",
    "to_deployment",
]
