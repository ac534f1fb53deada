"""Fills a Prefect server through Prefect's own client. Run by an interpreter that has it, with PREFECT_API_URL set."""

from __future__ import annotations

import asyncio
import datetime
import uuid
from typing import Any

import httpx
from prefect import flow, get_client, get_run_logger, task
from prefect.artifacts import (
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
)
from prefect.automations import Automation
from prefect.blocks.core import Block
from prefect.blocks.notifications import SlackWebhook
from prefect.blocks.system import Secret
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, GlobalConcurrencyLimitCreate, WorkPoolCreate
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions, WorkPool
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from prefect.events.actions import CancelFlowRun, RunDeployment, SendNotification
from prefect.events.schemas.automations import CompoundTrigger, EventTrigger, Posture
from prefect.filesystems import LocalFileSystem
from prefect.runtime import task_run
from prefect.states import Cancelled, Completed, Scheduled
from prefect.utilities.callables import parameter_schema
from prefect.variables import Variable
from pydantic import SecretStr

PLAIN_RUNS = 450
"""Runs beside those of flows that are executed: more than two pages."""


class Warehouse(Block):
    """Where the data are."""

    url: str
    password: SecretStr
    token: Secret


@task(tags=["gpu"], retries=1, retry_delay_seconds=0)
def double(number: int) -> int:
    """Double a number, at the second try where it is odd."""
    get_run_logger().info("doubling %s", number)
    if number % 2 and task_run.run_count == 1:
        raise ValueError("odd")
    return number * 2


@flow
def child(number: int) -> int:
    """A flow within a flow."""
    get_run_logger().warning("child of %s", number)
    return double(number)


@flow(description="Everything at once.")
def everything(count: int = 3) -> int:
    """Call tasks and a subflow, and leave artifacts."""
    total = sum(future.result() for future in [double.submit(number) for number in range(count)])
    create_markdown_artifact("# done", key="report", description="first")
    create_markdown_artifact("# done again", key="report")
    create_table_artifact([{"a": 1, "b": "x"}, {"a": 2, "b": None}], key="rows")
    create_progress_artifact(42.5, key="progress")
    create_link_artifact("https://example.org/x", "there", key="there")
    create_image_artifact("https://example.org/x.png", key="picture")
    return total + child(count)


@flow
def broken() -> None:
    """Fail."""
    raise RuntimeError("broken as asked")


async def fill() -> None:
    """Make one of each kind, and some of the more."""
    everything.with_options(name="everything")(2)
    for _ in range(2):
        broken(return_state=True)
    async with get_client() as client:
        await _pools(client)
        deployments = await _deployments(client)
        later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30)
        await client.create_flow_run_from_deployment(
            deployments[0], name="asked-for", state=Scheduled(scheduled_time=later), parameters={"count": 5}
        )
        await _limits(client)
        await _blocks()
        await _automations(deployments)
        await _plain_runs(client)
    await Variable.aset("region", "eu-west-1", tags=["prod"])
    await Variable.aset("mapping", {"a": [1, 2.5, None], "deep": {"b": True}})


async def _pools(client: PrefectClient) -> None:
    made: WorkPool = await client.create_work_pool(
        WorkPoolCreate(
            name="fast",
            type="process",
            description="the fast ones",
            base_job_template={
                "job_configuration": {"command": "{{ command }}"},
                "variables": {"type": "object", "properties": {"command": {"type": "string"}}},
            },
            concurrency_limit=7,
        )
    )
    await client.create_work_queue("urgent", work_pool_name=made.name, priority=1, concurrency_limit=2)
    await client.create_work_queue("later", work_pool_name=made.name, priority=9, description="in the night")
    await client.create_work_pool(
        WorkPoolCreate(name="asleep", type="docker", is_paused=True, base_job_template=made.base_job_template)
    )


async def _deployments(client: PrefectClient) -> list[uuid.UUID]:
    anchor = datetime.datetime(2026, 1, 5, 6, tzinfo=datetime.UTC)
    flow_id = await client.create_flow(everything)
    schema = parameter_schema(everything).model_dump_for_openapi()
    every_eight = IntervalSchedule(interval=datetime.timedelta(hours=8), anchor_date=anchor)
    cron = CronSchedule(cron="0 3 * * *", timezone="Europe/Berlin")
    several: dict[str, dict[str, Any]] = {
        "nightly": {
            "schedules": [
                DeploymentScheduleCreate(schedule=cron, active=True, slug="three"),
                DeploymentScheduleCreate(schedule=every_eight, active=False, parameters={"count": 5}),
            ],
            "concurrency_limit": 2,
            "concurrency_options": ConcurrencyOptions(
                collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW, grace_period_seconds=90
            ),
            "work_queue_name": "urgent",
            "job_variables": {"command": "echo"},
        },
        "weekly": {
            "schedules": [DeploymentScheduleCreate(schedule=RRuleSchedule(rrule="FREQ=WEEKLY;BYDAY=MO"))],
            "paused": True,
        },
        "by-hand": {"tags": ["prod", "manual"], "description": "Started by **people**.", "version": "1.2"},
    }
    step = {"prefect.deployments.steps.set_working_directory": {"id": "here", "directory": "/tmp"}}
    return [
        await client.create_deployment(
            flow_id=flow_id,
            name=name,
            parameters={"count": 1},
            parameter_openapi_schema=schema,
            entrypoint="flows.py:everything",
            pull_steps=[step],
            work_pool_name="fast",
            **more,
        )
        for name, more in several.items()
    ]


async def _limits(client: PrefectClient) -> None:
    await client.create_concurrency_limit("gpu", 4)
    await client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="database", limit=5))
    await client.create_global_concurrency_limit(
        GlobalConcurrencyLimitCreate(name="api", limit=100, slot_decay_per_second=2.5, active=False)
    )


async def _blocks() -> None:
    token = Secret(value="s3cret-token")
    await token.save("warehouse-token")
    await Warehouse(url="postgresql://db/main", password=SecretStr("hunter2"), token=token).save("main")
    await SlackWebhook(url=SecretStr("https://hooks.slack.example/x")).save("ops")
    await LocalFileSystem(basepath="/results")._save(is_anonymous=True)


async def _automations(deployments: list[uuid.UUID]) -> None:
    failed = EventTrigger(
        expect={"prefect.flow-run.Failed"},
        match_related={"prefect.resource.id": [f"prefect.deployment.{deployments[0]}"]},
        posture=Posture.Reactive,
        threshold=2,
        within=datetime.timedelta(minutes=5),
    )
    silent = EventTrigger(
        after={"prefect.flow-run.Running"},
        expect={"prefect.flow-run.*"},
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        within=datetime.timedelta(minutes=10),
    )
    run = RunDeployment(deployment_id=deployments[2], parameters={"count": 2})
    await Automation(name="again", trigger=failed, actions=[run], tags=["prod"]).acreate()
    both = CompoundTrigger(require="all", within=datetime.timedelta(hours=1), triggers=[failed, silent])
    await Automation(name="stop", trigger=both, actions=[CancelFlowRun()], enabled=False).acreate()
    block = await SlackWebhook.aload("ops")
    tell = SendNotification(block_document_id=block._block_document_id, subject="s", body="b")
    await Automation(name="tell", trigger=silent, actions=[tell]).acreate()


async def _plain_runs(client: PrefectClient) -> None:
    flow_id = await client.create_flow(everything)
    # Its database takes one at a time, and gives up on others where it is slow.
    limit = asyncio.Semaphore(2)
    raw: httpx.AsyncClient = client._client

    async def make(number: int) -> None:
        state = Cancelled(message="not today") if number % 7 == 0 else Completed()
        body = {
            "flow_id": str(flow_id),
            "name": f"plain-{number}",
            "parameters": {"count": number},
            "tags": ["plain"],
            "state": {"type": state.type.value, "name": state.name, "message": state.message},
            "idempotency_key": f"plain {number}",
        }
        async with limit:
            (await raw.post("/flow_runs/", json=body)).raise_for_status()

    await asyncio.gather(*(make(number) for number in range(PLAIN_RUNS)))
    await client.create_task_run(double, flow_run_id=None, dynamic_key="bg", state=Completed())


if __name__ == "__main__":
    asyncio.run(fill())
