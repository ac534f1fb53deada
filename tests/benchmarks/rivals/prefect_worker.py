"""What a stock process worker runs for `beside_prefect`, and how it is deployed. Run by Prefect's interpreter.

prefect_worker.py deploy POOL    makes pool and deployment, and prints the deployment's id
"""

from __future__ import annotations

import asyncio
import os
import pathlib
import sys
import time

from prefect import flow, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.utilities.callables import parameter_schema


@flow
def first_line(key: str) -> None:
    """Note when the code is reached."""
    folder = pathlib.Path(os.environ["BENCH_NOTES"])
    (folder / f"{key}.part").write_text(repr(time.time()))
    (folder / f"{key}.part").rename(folder / key)


async def deploy(pool: str) -> None:
    """Make a pool and a deployment of the flow, in the folder of this file."""
    here = pathlib.Path(__file__)
    step = {"prefect.deployments.steps.set_working_directory": {"directory": str(here.parent)}}
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
        made = await client.create_deployment(
            flow_id=await client.create_flow(first_line),
            name=pool,
            entrypoint=f"{here.name}:first_line",
            pull_steps=[step],
            parameter_openapi_schema=parameter_schema(first_line).model_dump_for_openapi(),
            work_pool_name=pool,
        )
    print(made)


if __name__ == "__main__":
    asyncio.run(deploy(sys.argv[2]))
