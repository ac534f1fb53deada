"""Blocks, variables, limits, artifacts, events and automations, by Prefect's own functions and commands."""

from __future__ import annotations

import json
import pathlib
import uuid

from headrace.api.v1 import artifact_pb2, artifact_pb2_grpc
from headrace_harness.machine import only
from headrace_harness.observer import Observer
from headrace_harness.prefect_client import PrefectMachine
from headrace_harness.stack import Stack

FLOWS = pathlib.Path(__file__).parent / "flows"


async def test_flows_use_and_leave_behind_what_they_do_on_their_own_server(
    stock: PrefectMachine, stack: Stack, observer: Observer
) -> None:
    """And our own client sees the same things, in its own words."""
    mark = uuid.uuid4().hex[:8]
    stock.take(FLOWS / "things.py")
    done = await stock.prefect_python("things.py", mark, seconds=480)
    assert done.out.splitlines()[-1] == "done"
    run = only(await observer.runs_of(f"things-{mark}"))
    asked = artifact_pb2.ListArtifactsRequest(filter=artifact_pb2.ArtifactFilter(flow_run_ids=[run.flow_run_id]))
    page = await stack.stub(artifact_pb2_grpc.ArtifactServiceStub).ListArtifacts(asked)
    kinds = {artifact.key.removesuffix(f"-{mark}"): artifact.kind for artifact in page.artifacts}
    assert kinds == {
        "text": artifact_pb2.ARTIFACT_KIND_MARKDOWN,
        "table": artifact_pb2.ARTIFACT_KIND_TABLE,
        "link": artifact_pb2.ARTIFACT_KIND_MARKDOWN,
        "image": artifact_pb2.ARTIFACT_KIND_IMAGE,
        "progress": artifact_pb2.ARTIFACT_KIND_PROGRESS,
    }


async def test_commands_manage_what_flows_use(stock: PrefectMachine) -> None:
    mark = uuid.uuid4().hex[:8]
    automation = {
        "name": f"zombies-{mark}",
        "trigger": {
            "type": "event",
            "posture": "Proactive",
            "after": ["prefect.flow-run.heartbeat"],
            "expect": ["prefect.flow-run.*"],
            "match": {"prefect.resource.id": ["prefect.flow-run.*"]},
            "for_each": ["prefect.resource.id"],
            "threshold": 1,
            "within": 540,
        },
        "actions": [{"type": "change-flow-run-state", "state": "CRASHED", "message": "no heartbeats"}],
    }
    (stock.folder / "automation.json").write_text(json.dumps(automation))
    commands = (
        f"variable set v_{mark} 1 --tag x",
        f"variable get v_{mark}",
        f"gcl create g-{mark} --limit 3",
        f"gcl update g-{mark} --limit 4",
        f"gcl delete g-{mark}",
        f"concurrency-limit create t-{mark} 2",
        f"concurrency-limit delete t-{mark}",
        "block register -m prefect.blocks.system",
        "block type inspect secret",
        "block ls",
        "automation create -f automation.json",
        f"automation pause zombies-{mark}",
        f"automation delete zombies-{mark} --no-prompt",
        "work-pool get-default-base-job-template --type process",
    )
    for command in commands:
        await stock.prefect(*command.split())
