"""Deployments: flows made runnable on schedules and by request.

`serve` runs them in this process, `deploy` hands them to the workers of a work pool. Both are methods of a flow
too: `flow.serve(...)`, `flow.deploy(...)`, and `flow.to_deployment(...)` for several at once.
"""

from __future__ import annotations

from headrace.deployments.definition import ConcurrencyLimit, DeploymentDefinition, to_deployment
from headrace.deployments.deploying import deploy, run_deployment
from headrace.deployments.schedules import Cron, Interval, RRule, Schedule
from headrace.deployments.serving import serve

__all__ = [
    "ConcurrencyLimit",
    "Cron",
    "DeploymentDefinition",
    "Interval",
    "RRule",
    "Schedule",
    "deploy",
    "run_deployment",
    "serve",
    "to_deployment",
]
