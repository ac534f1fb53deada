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


@flow
def first_line(key: str) -> None:
    """Note when the code is reached."""
    folder = pathlib.Path(os.environ["BENCH_NOTES"])
    (folder / f"{key}.part").write_text(repr(time.time()))
    (folder / f"{key}.part").rename(folder / key)


async def deploy(pool: str) -> None:
    """Make a pool and a deployment of the flow, in the folder of this file."""
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
    here = pathlib.Path(__file__)
    deployment = await first_line.ato_deployment("bench")
    deployment.work_pool_name = pool
    deployment.entrypoint = f"{here.name}:first_line"
    deployment.pull_steps = [{"prefect.deployments.steps.set_working_directory": {"directory": str(here.parent)}}]
    print(await deployment.aapply())


if __name__ == "__main__":
    asyncio.run(deploy(sys.argv[2]))
