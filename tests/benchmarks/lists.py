"""How long lists, counts, histograms and graphs take over many runs, and whether they read whole tables.

    python -m tests.benchmarks.lists --runs 200000 --task-runs-each 2

Each question is asked of the state service over gRPC; the median of some asks counts.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct

from benchmarks.recorder import make_database
from headrace.api.v1 import (
    flow_run_pb2,
    flow_run_pb2_grpc,
    run_insight_pb2,
    run_insight_pb2_grpc,
    state_pb2,
    task_run_pb2,
    task_run_pb2_grpc,
)
from headrace.ids import uuid7
from headrace_harness.durable import durable_postgres
from headrace_harness.history import seed_runs
from headrace_harness.postgres import with_database
from headrace_harness.services import running_service
from headrace_state.wiring import build

Question = tuple[str, Callable[[], Awaitable[Any]]]
ASKS = 7
BIG_GRAPH = 10_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure what reads many runs.")
    parser.add_argument("--runs", type=int, default=200_000)
    parser.add_argument("--task-runs-each", type=int, default=2)
    parser.add_argument("--bar", type=float, default=50.0, help="milliseconds that a list may take")
    chosen = parser.parse_args()
    with durable_postgres() as postgres_url:
        url = with_database(postgres_url, "bench_recorder")
        asyncio.run(make_database(postgres_url))
        slow = asyncio.run(_measure(url, chosen.runs, chosen.task_runs_each, chosen.bar))
    print(
        f"lists over {chosen.runs} flow runs: " + (f"above {chosen.bar} ms: {', '.join(slow)}" if slow else "all fast")
    )


async def _measure(url: str, runs: int, task_runs_each: int, bar: float) -> list[str]:
    connection = await asyncpg.connect(url)
    started = time.perf_counter()
    await seed_runs(connection, runs, task_runs_each=task_runs_each)
    big = await _seed_graph(connection)
    print(f"seeded in {time.perf_counter() - started:.0f} s")
    slow = []
    async with running_service("state", build, url) as service:
        stubs = (
            flow_run_pb2_grpc.FlowRunServiceStub(service.channel),
            task_run_pb2_grpc.TaskRunServiceStub(service.channel),
            run_insight_pb2_grpc.RunInsightServiceStub(service.channel),
        )
        for name, ask in [*_lists(*stubs[:2]), *_insight(stubs[2], big)]:
            scans = await _whole_reads(connection)
            await ask()
            taken = []
            for _ in range(ASKS):
                begun = time.perf_counter()
                await ask()
                taken.append((time.perf_counter() - begun) * 1000)
            read = (await _whole_reads(connection)) - scans
            print(f"{statistics.median(taken):9.1f} ms  {name}{f'  ({read} whole reads)' if read else ''}", flush=True)
            if statistics.median(taken) > bar and not name.startswith("insight"):
                slow.append(name)
    await connection.close()
    return slow


async def _whole_reads(connection: asyncpg.Connection) -> int:
    await asyncio.sleep(0)
    found: int = await connection.fetchval(
        "select sum(seq_scan) from pg_stat_user_tables where relname in ('flow_run', 'task_run')"
    )
    return found


async def _seed_graph(connection: asyncpg.Connection) -> str:
    run_id = await connection.fetchval("select flow_run_id from state.flow_run where state_type = 'RUNNING' limit 1")
    await connection.execute(
        """
        insert into state.task_run (
               task_run_id, workspace_id, flow_run_id, task_key, name, state_id, state_type, state_name, state_at,
               state_version, inputs, updated_at
        )
        select headrace_seed_id(now(), number), workspace_id, flow_run_id, 'big.task', 'task-' || number,
               gen_random_uuid(), 'COMPLETED', 'Completed', now(), 3,
               jsonb_build_array(jsonb_build_object('parameter', 'x', 'kind', 1, 'source',
                                                    headrace_seed_id(now(), number / 2)::text)),
               now()
          from state.flow_run, generate_series(1, $2::integer) as number
         where flow_run_id = $1
        """,
        run_id,
        BIG_GRAPH,
    )
    return str(run_id)


def _lists(runs: Any, task_runs: Any) -> list[Question]:
    def listed(filter_: flow_run_pb2.FlowRunFilter | None = None, sort: Any = 0) -> Callable[[], Awaitable[Any]]:
        return lambda: runs.ListFlowRuns(flow_run_pb2.ListFlowRunsRequest(filter=filter_, sort=sort))

    def tasks(filter_: task_run_pb2.TaskRunFilter | None = None, sort: Any = 0) -> Callable[[], Awaitable[Any]]:
        return lambda: task_runs.ListTaskRuns(task_run_pb2.ListTaskRunsRequest(filter=filter_, sort=sort))

    def deep(sort: Any) -> Callable[[], Awaitable[Any]]:
        async def walk() -> None:
            token = ""
            for _ in range(20):
                page = await runs.ListFlowRuns(
                    flow_run_pb2.ListFlowRunsRequest(sort=sort, page_size=200, page_token=token)
                )
                token = page.next_page_token

        return walk

    a_filter = flow_run_pb2.FlowRunFilter
    parameters, labels = Struct(), Struct()
    parameters.update({"source": {"table": "none"}})
    labels.update({"team": "data"})
    found: list[Question] = [
        (f"flow runs by {flow_run_pb2.FlowRunSort.Name(sort)[14:]}", listed(sort=sort))
        for sort in flow_run_pb2.FlowRunSort.values()[1:]
    ]
    found.append(("insight: 20 pages of 200 flow runs by ENDED_DESC", deep(flow_run_pb2.FLOW_RUN_SORT_ENDED_DESC)))
    filters: dict[str, flow_run_pb2.FlowRunFilter] = {
        "state type FAILED": a_filter(state_types=[state_pb2.STATE_TYPE_FAILED]),
        "state type COMPLETED": a_filter(state_types=[state_pb2.STATE_TYPE_COMPLETED]),
        "state type RUNNING, SCHEDULED": a_filter(
            state_types=[state_pb2.STATE_TYPE_RUNNING, state_pb2.STATE_TYPE_SCHEDULED]
        ),
        "flow name": a_filter(flow_names=["flow-7"]),
        "flow name that no flow has": a_filter(flow_names=["nobody"]),
        "a frequent tag": a_filter(tags_all=["prod"]),
        "a rare tag": a_filter(tags_all=["rare"]),
        "a tag that no run has": a_filter(tags_any=["nobody"]),
        "none of a tag": a_filter(tags_none=["prod"]),
        "label": a_filter(labels=labels),
        "parameters that no run has": a_filter(parameters=parameters),
        "a part of names that no run has": a_filter(name_contains="zzzz"),
        "text that is rare": a_filter(text="no such table: 123452"),
        "text that is nowhere": a_filter(text="nowhere to be found"),
        "a name": a_filter(names=["run-nobody"]),
        "run time of at least 359.9 s": a_filter(run_time_at_least=Duration(seconds=359, nanos=900_000_000)),
        "creator that no run has": a_filter(creator_ids=["nobody"]),
        "idempotency key that no run has": a_filter(idempotency_keys=["nobody"]),
        "parent that no run has": a_filter(parent_flow_run_ids=[str(uuid7())]),
        "deployment that no run has": a_filter(deployment_ids=[str(uuid7())]),
    }
    found += [(f"flow runs with {name}", listed(filter_)) for name, filter_ in filters.items()]
    found += [
        (f"task runs by {task_run_pb2.TaskRunSort.Name(sort)[14:]}", tasks(sort=sort))
        for sort in task_run_pb2.TaskRunSort.values()[1:6]
    ]
    found.append(
        ("task runs that failed", tasks(task_run_pb2.TaskRunFilter(state_types=[state_pb2.STATE_TYPE_FAILED])))
    )
    found.append(("insight: count of all", lambda: runs.CountFlowRuns(flow_run_pb2.CountFlowRunsRequest())))
    return found


def _insight(stub: Any, big: str) -> list[Question]:
    def span(days: float) -> state_pb2.TimeRange:
        since = state_pb2.TimeRange()
        getattr(since, "from").FromDatetime(datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days))
        return since

    return [
        *(
            (
                f"insight: histogram of {days} days",
                lambda days=days: stub.GetFlowRunHistogram(run_insight_pb2.GetFlowRunHistogramRequest(span=span(days))),
            )
            for days in (1, 7, 31)
        ),
        (
            "insight: histogram of task runs of 7 days",
            lambda: stub.GetTaskRunHistogram(run_insight_pb2.GetTaskRunHistogramRequest(span=span(7))),
        ),
        ("insight: sample of 7 days", lambda: stub.SampleFlowRuns(run_insight_pb2.SampleFlowRunsRequest(span=span(7)))),
        (
            "insight: lateness of 7 days",
            lambda: stub.GetFlowRunLateness(run_insight_pb2.GetFlowRunLatenessRequest(span=span(7))),
        ),
        (
            f"insight: graph of {BIG_GRAPH} task runs in groups",
            lambda: stub.GetFlowRunGraph(run_insight_pb2.GetFlowRunGraphRequest(flow_run_id=big)),
        ),
        (
            f"insight: graph of {BIG_GRAPH} nodes",
            lambda: stub.GetFlowRunGraph(run_insight_pb2.GetFlowRunGraphRequest(flow_run_id=big, max_nodes=BIG_GRAPH)),
        ),
    ]


if __name__ == "__main__":
    main()
