"""Runs of many days, written straight into the database: what lists, graphs and retention have to cope with."""

from __future__ import annotations

import asyncpg

from headrace.ids import DEFAULT_WORKSPACE_ID

FLOWS = 20

_FLOWS = """
insert into state.flow (flow_id, workspace_id, name, description)
select headrace_seed_id(now() - interval '400 days', number), $1, 'flow-' || number, ''
  from generate_series(1, $2::integer) as number
"""

# The time in front, as in every id, then the number: ids follow the times, as they do in life.
_MAKE_ID = """
create or replace function headrace_seed_id(at timestamptz, number bigint) returns uuid language sql immutable as $$
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7'
            || lpad(to_hex((number >> 28)::integer & 4095), 3, '0') || '8'
            || lpad(to_hex(number & 268435455), 15, '0'))::uuid
$$
"""

_FLOW_RUNS = """
insert into state.flow_run (
       flow_run_id, workspace_id, flow_id, flow_name, name, state_id, state_type, state_name, state_message, state_at,
       state_version, deployment_id, deployment_name, tags, labels, parent_flow_run_id, root_flow_run_id, run_count,
       attempt, created_at, updated_at, expected_start_at, next_scheduled_start_at, started_at, ended_at, run_seconds,
       start_delay_seconds, creator_kind, creator_id
)
select run.id,
       $1,
       flow.flow_id,
       flow.name,
       'run-' || md5(run.number::text),
       gen_random_uuid(),
       run.type,
       initcap(run.type),
       case when run.type = 'FAILED' then 'no such table: ' || run.number else '' end,
       run.at,
       4,
       case when run.number % 2 = 0 then flow.flow_id end,
       case when run.number % 2 = 0 then 'nightly' else '' end,
       case when run.number % 1000 = 0 then array['rare', 'prod']
            when run.number % 10 = 0 then array['prod'] else '{}' end,
       case when run.number % 1000 = 1 then jsonb_build_object('team', 'data', 'number', run.number) else '{}' end,
       null,
       run.id,
       case when run.type = 'SCHEDULED' then 0 else 1 end,
       case when run.type = 'SCHEDULED' then 0 else 1 end,
       run.at,
       run.at,
       run.at,
       case when run.type = 'SCHEDULED' then run.at + interval '30 days' end,
       case when run.type <> 'SCHEDULED' then run.at end,
       case when run.type not in ('SCHEDULED', 'RUNNING') then run.at + make_interval(secs => run.seconds) end,
       case when run.type not in ('SCHEDULED', 'RUNNING') then run.seconds else 0 end,
       case when run.type <> 'SCHEDULED' then 0.05 end,
       'USER',
       'someone'
  from (
           select number,
                  at,
                  headrace_seed_id(at, number) as id,
                  (number * 7919) % 3600 / 10.0 as seconds,
                  case when number % 500 = 0 then 'SCHEDULED'
                       when number % 500 = 1 then 'RUNNING'
                       when number % 50 = 2 then 'FAILED'
                       when number % 200 = 3 then 'CRASHED'
                       else 'COMPLETED' end as type
             from (
                      select number,
                             now() - (($2::bigint - number) / $2::double precision) * make_interval(days => $3) as at
                        from generate_series(1::bigint, $2::bigint) as number
                  ) as placed
       ) as run
  join state.flow
    on flow.workspace_id = $1
   and flow.name = 'flow-' || (1 + run.number % $4::integer)
"""

_PAYLOADS = """
insert into state.flow_run_payload (flow_run_id, workspace_id, parameters)
select flow_run.flow_run_id,
       flow_run.workspace_id,
       jsonb_build_object(
           'day', to_char(flow_run.created_at, 'YYYY-MM-DD'), 'source', jsonb_build_object('table', flow_run.name)
       )
  from state.flow_run
 where flow_run.workspace_id = $1
"""

_TASK_RUNS = """
insert into state.task_run (
       task_run_id, workspace_id, flow_run_id, task_key, dynamic_key, name, state_id, state_type, state_name, state_at,
       state_version, run_count, created_at, updated_at, started_at, ended_at, run_seconds
)
select headrace_seed_id(owner.created_at, owner.number * $2::integer + place),
       $1,
       owner.flow_run_id,
       'tasks.task_' || place,
       place::text,
       'task_' || place,
       gen_random_uuid(),
       case when owner.number % 97 = 0 then 'FAILED' else 'COMPLETED' end,
       case when owner.number % 97 = 0 then 'Failed' else 'Completed' end,
       owner.created_at,
       3,
       1,
       owner.created_at,
       owner.created_at,
       owner.created_at,
       owner.created_at + interval '1 second',
       1
  from (
           select flow_run_id, created_at, row_number() over (order by flow_run_id) as number
             from state.flow_run
            where workspace_id = $1
              and state_type <> 'SCHEDULED'
       ) as owner
 cross join generate_series(0, $2::integer - 1) as place
"""


async def seed_runs(connection: asyncpg.Connection, runs: int, *, days: int = 30, task_runs_each: int = 0) -> None:
    """Store flow runs of the last days, evenly over time, of `FLOWS` flows, most of them completed.

    Every 1,000th has the tag `rare`, every 10th `prod`; every 50th failed; half of them are of deployments, which have
    the ids of their flows.

    Args:
        connection: To a migrated database, as its owner.
        runs: How many flow runs.
        days: Over how many days.
        task_runs_each: Task runs of each flow run that started.
    """
    await connection.execute(_MAKE_ID)
    await connection.execute(_FLOWS, DEFAULT_WORKSPACE_ID, FLOWS)
    await connection.execute(_FLOW_RUNS, DEFAULT_WORKSPACE_ID, runs, days, FLOWS)
    await connection.execute(_PAYLOADS, DEFAULT_WORKSPACE_ID)
    if task_runs_each:
        await connection.execute(_TASK_RUNS, DEFAULT_WORKSPACE_ID, task_runs_each)
    for table in ("flow", "flow_run", "flow_run_payload", "task_run"):
        await connection.execute(f"vacuum analyze state.{table}")
