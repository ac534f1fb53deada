"""Leaves behind what commands of Prefect's client show and change; the mark keeps names apart. Prints ids as JSON."""

from __future__ import annotations

import json
import pathlib
import sys

from prefect import flow, get_client, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.blocks.system import Secret
from prefect.client.schemas.actions import WorkPoolCreate

MARK = sys.argv[1] if len(sys.argv) > 1 else ""


@task
def add(a: int, b: int) -> int:
    """Add, and say so."""
    get_run_logger().info("adding %s", a)
    return a + b


@flow(log_prints=True)
def shown(n: int = 1) -> int:
    """Leave lines and an artifact behind."""
    for line in range(5):
        print("line", line)
    create_markdown_artifact("# hello", key=f"text-{MARK}")
    return add(n, 1)


def deploy() -> str:
    """Deploy the flow into a pool of its own; return the deployment's id."""
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=f"mill-{MARK}", type="process"))
        client.create_work_queue(name="fast", work_pool_name=f"mill-{MARK}", priority=1)
    source = shown.from_source(source=str(pathlib.Path(__file__).parent), entrypoint="shown.py:shown")
    return str(
        source.deploy(
            name=f"daily-{MARK}",
            work_pool_name=f"mill-{MARK}",
            work_queue_name="fast",
            cron="0 3 * * *",
            parameters={"n": 2},
            print_next_steps=False,
        )
    )


if __name__ == "__main__":
    state = shown(3, return_state=True)
    Secret(value="x").save(f"hidden-{MARK}")
    run_id = state.state_details.flow_run_id
    with get_client(sync_client=True) as api:
        [task_run] = [run for run in api.read_task_runs() if run.flow_run_id == run_id]
    print(json.dumps({"run": str(run_id), "task": str(task_run.id), "deployment": deploy()}))
