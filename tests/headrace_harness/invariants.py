"""What must hold in the state service's database, whatever happened: checked by SQL over all runs.

async with database.connection() as connection:
    await assert_invariants(connection, at_rest=True)
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable
from typing import TypeAlias

import asyncpg

from headrace_state.rules.states import FINAL, LEGAL

AnyConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"


@dataclasses.dataclass(frozen=True, slots=True)
class Invariant:
    """One thing that must hold; its statement returns what breaks it, a sentence a row."""

    name: str
    statement: str
    only_at_rest: bool = False


_FINAL = ", ".join(f"'{state_type}'" for state_type in sorted(FINAL))
_LEGAL = ", ".join(f"('{before}', '{after}')" for before in sorted(LEGAL) for after in sorted(LEGAL[before]))

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "every run reaches a final state, and is where its last transition left it",
        f"""
        select format('%s %s ended as %s', 'flow run', flow_run_id, state_type)
          from state.flow_run
         where state_type not in ({_FINAL})
         union all
        select format('%s %s ended as %s', 'task run', task_run_id, state_type)
          from state.task_run
         where state_type not in ({_FINAL})
        """,
        only_at_rest=True,
    ),
    Invariant(
        "a run becomes final once each time that it is open",
        f"""
        select format('%s went from %s to %s', run_id, before, state_type)
          from (
                   select run_id,
                          state_type,
                          lag(state_type) over (partition by run_id order by version) as before
                     from state.transition
               ) as step
         where before in ({_FINAL})
           and state_type in ({_FINAL})
        """,
    ),
    Invariant(
        "a task run completes once each time that it is tried",
        """
        select format('%s completed %s times in attempt %s without a start between', run_id, count(*), attempt)
          from (
                   select run_id,
                          attempt,
                          state_type,
                          count(*) filter (where state_type in ('SCHEDULED', 'PENDING', 'RUNNING'))
                              over (partition by run_id order by version) as starts
                     from state.transition
                    where run_id <> flow_run_id
               ) as step
         where state_type = 'COMPLETED'
         group by run_id, attempt, starts
        having count(*) > 1
        """,
    ),
    Invariant(
        "no run is tried more often than its policy grants",
        """
        select format(
                   'flow run %s used %s retries and %s infrastructure retries of %s',
                   flow_run_id, retries_used, infrastructure_retries_used, retry_policy
               )
          from state.flow_run
         where retries_used > coalesce((retry_policy ->> 'retries')::integer, 0)
            or infrastructure_retries_used > coalesce((retry_policy ->> 'infrastructure_retries')::integer, 0)
        """,
    ),
    Invariant(
        "transitions of a flow run form a legal path without gaps",
        f"""
        select format('flow run %s: version %s %s, then %s %s', run_id, was_version, before, version, state_type)
          from (
                   select run_id,
                          version,
                          state_type,
                          occurred_at,
                          lag(version) over path as was_version,
                          lag(state_type) over path as before,
                          lag(occurred_at) over path as was_at
                     from state.transition
                    where run_id = flow_run_id
                   window path as (partition by run_id order by version)
               ) as step
         where was_version is not null
           and (
                   version <> was_version + 1
                or occurred_at < was_at
                or (before, state_type) not in ({_LEGAL})
               )
        """,
    ),
    Invariant(
        "versions of a task run increase",
        """
        select format('task run %s has %s transitions of version %s', run_id, count(*), version)
          from state.transition
         where run_id is distinct from flow_run_id
         group by run_id, version
        having count(*) > 1
        """,
    ),
    Invariant(
        "the row of a run says what its last transition says",
        """
        select format('flow run %s: %s version %s, last is %s', run.flow_run_id, run.state_type, run.state_version,
                      last.version)
          from state.flow_run as run
          left join lateral (
                   select version, state_type, state_id
                     from state.transition
                    where run_id = run.flow_run_id
                    order by version desc
                    limit 1
               ) as last on true
         where (run.state_version, run.state_type, run.state_id)
               is distinct from (last.version, last.state_type, last.state_id)
         union all
        select format('task run %s: %s version %s, last is %s', run.task_run_id, run.state_type, run.state_version,
                      last.version)
          from state.task_run as run
          left join lateral (
                   select version, state_type, state_id
                     from state.transition
                    where run_id = run.task_run_id
                    order by version desc
                    limit 1
               ) as last on true
         where (run.state_version, run.state_type, run.state_id)
               is distinct from (last.version, last.state_type, last.state_id)
        """,
    ),
    Invariant(
        "leases and runs agree on who is executed",
        f"""
        select format('flow run %s is %s and names the lease %s', run.flow_run_id, run.state_type, run.lease_id)
          from state.flow_run as run
          left join state.lease on lease.lease_id = run.lease_id and lease.flow_run_id = run.flow_run_id
         where run.lease_id is not null
           and (lease.lease_id is null or run.state_type in ({_FINAL}))
         union all
        select format('flow run %s is %s without a lease', flow_run_id, state_type)
          from state.flow_run
         where lease_id is null
           and state_type in ('PENDING', 'RUNNING', 'CANCELLING')
         union all
        select format('the lease %s is for flow run %s, which does not know it', lease.lease_id, lease.flow_run_id)
          from state.lease
          left join state.flow_run as run on run.lease_id = lease.lease_id
         where lease.flow_run_id is not null
           and run.flow_run_id is null
        """,
    ),
    Invariant(
        "slots are held by live leases, and never more than there are",
        """
        select format('a slot of %s is held by the lease %s, which is gone', slot.limit_name, slot.lease_id)
          from state.lease_slot as slot
          left join state.lease on lease.lease_id = slot.lease_id
         where lease.lease_id is null
         union all
        select format('%s of %s slots of %s are taken', sum(slot.slots), max(bound.slots), bound.name)
          from state.lease_slot as slot
          join state.concurrency_limit as bound
            on bound.workspace_id = slot.workspace_id
           and bound.name = slot.limit_name
         group by bound.workspace_id, bound.name
        having sum(slot.slots) > max(bound.slots)
        """,
    ),
    Invariant(
        "nobody holds or awaits anything at rest",
        """
        select format('the lease %s of %s %s is left', lease_id, holder_kind, holder_id)
          from state.lease
         union all
        select format('a slot of %s is left', limit_name)
          from state.lease_slot
         union all
        select format('%s %s waits for %s', holder_kind, holder_id, names)
          from state.waiter
        """,
        only_at_rest=True,
    ),
    Invariant(
        "exactly the runs that wait stand in the queue",
        """
        select format('flow run %s is %s and %s in the queue', run.flow_run_id, run.state_type,
                      case when due.flow_run_id is null then 'not' else 'still' end)
          from state.flow_run as run
          full join state.due_run as due on due.flow_run_id = run.flow_run_id
         where (run.state_type = 'SCHEDULED' and run.lease_id is null)
               is distinct from (due.flow_run_id is not null)
        """,
    ),
)


async def violations(
    connection: AnyConnection, *, at_rest: bool = False, acknowledged: Iterable[uuid.UUID | str] = ()
) -> list[str]:
    """Return what breaks an invariant, in sentences.

    Args:
        connection: To the database, allowed to read the schema `state`.
        at_rest: Whether everything that was started must be over.
        acknowledged: Ids of states that the service has acknowledged: all must be there.
    """
    found: list[str] = []
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        for invariant in INVARIANTS:
            if at_rest or not invariant.only_at_rest:
                rows = await connection.fetch(invariant.statement)
                found += [f"{invariant.name}: {row[0]}" for row in rows]
        ids = [str(state_id) for state_id in acknowledged]
        rows = await connection.fetch(
            """
            select wanted.state_id
              from unnest($1::uuid[]) as wanted (state_id)
              left join state.transition on transition.state_id = wanted.state_id
             where transition.state_id is null
            """,
            ids,
        )
        found += [f"what was acknowledged is in the database: {row['state_id']} is not" for row in rows]
    return found


async def assert_invariants(
    connection: AnyConnection, *, at_rest: bool = False, acknowledged: Iterable[uuid.UUID | str] = ()
) -> None:
    """Fail with all sentences of `violations`, if there are any."""
    found = await violations(connection, at_rest=at_rest, acknowledged=acknowledged)
    assert not found, "\n".join(found[:50])
