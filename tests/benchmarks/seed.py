"""Fill a database with a long past: what the web UI, lists and retention have to cope with.

    python -m benchmarks.seed --url postgresql://... --runs 1000000 --task-runs-each 10 --log-lines 1000000

The database has to be migrated (`headrace server database upgrade`, or a server that was started once). The ids of the
run with many task runs and of the run with many log lines are printed as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import datetime
import json
import time

import asyncpg

from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace_harness.history import seed_runs
from headrace_log.rules.positions import MOST_RECORDS_IN_BLOCK, first_position

_CHUNK = 50_000
_LAYER_TASKS = 100

_ONE_RUN = """
insert into state.flow_run (
       flow_run_id, workspace_id, flow_id, flow_name, name, state_id, state_type, state_name, state_at, state_version,
       root_flow_run_id, run_count, attempt, created_at, updated_at, expected_start_at, started_at, ended_at,
       run_seconds, start_delay_seconds
)
select made.id, $1, flow.flow_id, flow.name, $2, gen_random_uuid(), 'COMPLETED', 'Completed', now(), 4,
       made.id, 1, 1, made.at, now(), made.at, made.at, now() - interval '1 second',
       extract(epoch from now() - made.at) - 1, 0.02
  from state.flow,
       (select now() - interval '10 minutes' as at, headrace_seed_id(now() - interval '10 minutes', $3) as id) as made
 where flow.workspace_id = $1
   and flow.name = 'flow-1'
returning flow_run_id, flow_id
"""

_GRAPH = """
insert into state.task_run (
       task_run_id, workspace_id, flow_run_id, task_key, dynamic_key, name, state_id, state_type, state_name, state_at,
       state_version, inputs, run_count, created_at, updated_at, started_at, ended_at, run_seconds
)
select headrace_seed_id($3::timestamptz, number),
       $1,
       $2,
       'pipeline.step_' || number / $5::integer % 8,
       number::text,
       'step_' || number / $5::integer % 8 || '-' || number,
       gen_random_uuid(),
       case when number % 211 = 0 then 'FAILED' else 'COMPLETED' end,
       case when number % 211 = 0 then 'Failed' else 'Completed' end,
       placed.started_at + placed.length,
       3,
       case when number < $5 then '[]'::jsonb else jsonb_build_array(
           jsonb_build_object('parameter', 'left', 'kind', 1, 'source',
                              headrace_seed_id($3::timestamptz, number - $5)::text),
           jsonb_build_object('parameter', 'right', 'kind', 1, 'source',
                              headrace_seed_id($3::timestamptz, number - $5 - number % $5 + (number * 7) % $5)::text)
       ) end,
       1,
       placed.started_at,
       placed.started_at,
       placed.started_at,
       placed.started_at + placed.length,
       extract(epoch from placed.length)
  from (
           select number,
                  $3::timestamptz + make_interval(secs => number / $5::integer * 5 + (number * 31) % 100 / 50.0)
                      as started_at,
                  make_interval(secs => 0.3 + (number * 17) % 100 / 40.0) as length
             from generate_series(0, $4::integer - 1) as number
       ) as placed
"""

_BLOCK = (
    "insert into log.outbox (workspace_id, kind, payload) values ($1, 'log.appended', ''::bytea) returning position"
)

_LEVELS = (20, 20, 20, 10, 20, 30, 20, 20, 10, 40)
_LOG_COLUMNS = ("position", "occurred_at", "workspace_id", "flow_run_id", "level", "source", "logger", "message")


@dataclasses.dataclass(frozen=True, slots=True)
class Seeded:
    """What stands out of what was seeded."""

    graph_run_id: str
    """A flow run of many task runs."""
    log_run_id: str
    """A flow run of many log lines."""


async def seed(url: str, *, runs: int, task_runs_each: int, graph: int, log_lines: int) -> Seeded:
    """Fill a database.

    Args:
        url: Of the migrated database, as its owner.
        runs: How many flow runs.
        task_runs_each: Task runs of each flow run that started.
        graph: Task runs of the one flow run that has many.
        log_lines: Log lines of the one flow run that has many.
    """
    connection = await asyncpg.connect(url)
    try:
        await seed_runs(connection, runs, task_runs_each=task_runs_each)
        graph_run = await connection.fetchrow(_ONE_RUN, DEFAULT_WORKSPACE_ID, "ten-thousand-tasks", runs + 1)
        started_at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=10)
        assert graph_run is not None
        await connection.execute(
            _GRAPH, DEFAULT_WORKSPACE_ID, graph_run["flow_run_id"], started_at, graph, _LAYER_TASKS
        )
        log_run = await connection.fetchrow(_ONE_RUN, DEFAULT_WORKSPACE_ID, "million-lines", runs + 2)
        assert log_run is not None
        await _write_log(connection, log_run["flow_run_id"], started_at, log_lines)
        await connection.execute("vacuum analyze state.task_run")
        await connection.execute("vacuum analyze log.record")
        return Seeded(str(graph_run["flow_run_id"]), str(log_run["flow_run_id"]))
    finally:
        await connection.close()


async def _write_log(connection: asyncpg.Connection, run_id: object, start: datetime.datetime, count: int) -> None:
    step = datetime.timedelta(minutes=10) / max(count, 1)
    for beginning in range(0, count, MOST_RECORDS_IN_BLOCK):
        position = first_position(await connection.fetchval(_BLOCK, DEFAULT_WORKSPACE_ID))
        end = min(beginning + MOST_RECORDS_IN_BLOCK, count)
        for first in range(beginning, end, _CHUNK):
            records = (
                (
                    position + number - beginning,
                    start + step * number,
                    DEFAULT_WORKSPACE_ID,
                    run_id,
                    _LEVELS[number % len(_LEVELS)],
                    1,
                    "headrace.flow_run",
                    f"Row {number} of \x1b[36m{count}\x1b[0m: took {number * 7919 % 1000} ms",
                )
                for number in range(first, min(first + _CHUNK, end))
            )
            await connection.copy_records_to_table("record", schema_name="log", columns=_LOG_COLUMNS, records=records)


def main() -> None:
    """Seed and print."""
    parser = argparse.ArgumentParser(description="Fill a migrated database with a long past.")
    parser.add_argument("--url", required=True, help="of the database, as its owner")
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--task-runs-each", type=int, default=10)
    parser.add_argument("--graph", type=int, default=10_000, help="task runs of one flow run")
    parser.add_argument("--log-lines", type=int, default=1_000_000, help="log lines of one flow run")
    chosen = parser.parse_args()
    started = time.perf_counter()
    seeded = asyncio.run(
        seed(
            chosen.url,
            runs=chosen.runs,
            task_runs_each=chosen.task_runs_each,
            graph=chosen.graph,
            log_lines=chosen.log_lines,
        )
    )
    print(json.dumps(dataclasses.asdict(seeded) | {"seconds": round(time.perf_counter() - started, 1)}, indent=2))


if __name__ == "__main__":
    main()
