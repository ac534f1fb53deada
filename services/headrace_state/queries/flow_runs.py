"""Flow runs in Postgres: units of work and creation."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from headrace import errors
from headrace.ids import uuid7
from headrace_chassis.database import Connection, Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Outbox
from headrace_state.queries import line, run_rows
from headrace_state.queries.floors import Floors
from headrace_state.queries.flow_run_unit import PostgresFlowRunUnit, Tools, count_states, history_since
from headrace_state.queries.statements import SQL
from headrace_state.repository.flow_runs import CreatedFlowRun, FlowRunUnit, Held, NewFlowRun
from headrace_state.rules.states import StateType, is_final
from headrace_state.wire import changes

Result = TypeVar("Result")


class PostgresFlowRuns:
    """Implements `repository.flow_runs.FlowRuns`."""

    def __init__(self, database: Database, outbox: Outbox, wakeups: Wakeups, floors: Floors | None = None) -> None:
        self._database = database
        self._tools = Tools(database, outbox, wakeups, floors or Floors())

    async def run(self, workspace_id: uuid.UUID, work: Callable[[FlowRunUnit], Awaitable[Result]]) -> Result:
        """Do `work` in one transaction; again from the start if it lost against another."""

        async def in_transaction(connection: Connection) -> Result:
            return await work(PostgresFlowRunUnit(connection, workspace_id, self._tools))

        return await self._database.run(in_transaction)

    async def create(self, workspace_id: uuid.UUID, runs: Sequence[NewFlowRun]) -> list[CreatedFlowRun]:
        """Create runs, or find those that exist by id or idempotency key, in the given order."""
        keyed = {name: slots for new in runs for name, slots in new.keyed_limits.items()}
        async with self._database.connection() as connection:
            if keyed:
                # Before the runs: one that is due finds its limit.
                await connection.execute(SQL.set_limits, workspace_id, list(keyed), list(keyed.values()))
            flows, now = await _resolve_flows(connection, workspace_id, runs)
            roots = await _load_roots(connection, workspace_id, runs)
            rows = [_new_row(new, workspace_id, flows, roots, now) for new in runs]
            # The same run may be asked for twice in one call; the second finds the first.
            firsts = list({new.flow_run_id: place for place, new in reversed(list(enumerate(runs)))}.values())
            new_runs, new_rows = [runs[place] for place in firsts], [rows[place] for place in firsts]
            made = await self._insert_holding(connection, workspace_id, new_runs, new_rows)
            self._tell([row for row in new_rows if row["flow_run_id"] in made])
            is_new = {place for place in firsts if runs[place].flow_run_id in made}
            missing = [(runs[place], rows[place]) for place in range(len(runs)) if place not in is_new]
            found = await _find(connection, workspace_id, missing) if missing else {}
        return [
            CreatedFlowRun(rows[place] | dict(new.payloads), True, _held(rows[place], new))
            if place in is_new
            else found[new.flow_run_id]
            for place, new in enumerate(runs)
        ]

    async def _insert_holding(
        self,
        connection: Connection,
        workspace_id: uuid.UUID,
        runs: Sequence[NewFlowRun],
        rows: Sequence[dict[str, Any]],
    ) -> set[uuid.UUID]:
        wanted = [
            (new.flow_run_id, new.attempt.lease_id, name)
            for row, new in zip(rows, runs, strict=True)
            if new.attempt is not None
            for name in row["limits"]
        ]
        if not wanted:
            return await self._insert(connection, runs, rows)
        async with connection.transaction():
            made = await self._insert(connection, runs, rows)
            limits, _ = await line.lock_limits(connection, workspace_id, [name for _, _, name in wanted])
            # Who begins an attempt with its run asks nobody. Others wait for the slots that it takes if some are free.
            free = {limit.name: limit.slots - limit.taken for limit in limits if not limit.is_rate}
            held = []
            for flow_run_id, lease_id, name in wanted:
                if flow_run_id in made and free.get(name, 0) > 0:
                    held.append((lease_id, name))
                    free[name] -= 1
            await connection.execute(
                SQL.hold_slots, workspace_id, [lease_id for lease_id, _ in held], [name for _, name in held]
            )
        return made

    def _tell(self, rows: Sequence[dict[str, Any]]) -> None:
        if rows:
            count_states(rows)
            self._tools.outbox.wake()
            if queued := _queued(rows):
                self._tools.queued(queued)

    async def _insert(
        self, connection: Connection, runs: Sequence[NewFlowRun], rows: Sequence[dict[str, Any]]
    ) -> set[uuid.UUID]:
        made = await connection.fetch(
            SQL.insert_flow_runs,
            run_rows.as_json(list(rows)),
            run_rows.as_json(
                [
                    {"flow_run_id": row["flow_run_id"], "workspace_id": row["workspace_id"], **new.payloads}
                    for row, new in zip(rows, runs, strict=True)
                    if any(new.payloads.values())
                ]
            ),
            run_rows.as_json([run_rows.history_row(row, proposal_id=row["state_id"]) for row in rows]),
            run_rows.as_json(_queued(rows)),
            run_rows.as_json(
                [
                    run_rows.lease_row(
                        row, new.attempt.lease_id, new.attempt.token, row["state_at"], new.attempt.lease_seconds
                    )
                    for row, new in zip(rows, runs, strict=True)
                    if new.attempt is not None
                ]
            ),
            [row["flow_run_id"] for row in rows],
            [row["workspace_id"] for row in rows],
            [changes.flow_run_state(row, None) for row in rows],
        )
        return {row["flow_run_id"] for row in made}

    async def update(
        self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, columns: Mapping[str, Any], payloads: Mapping[str, Any]
    ) -> None:
        """Change columns and payloads of a run beside its state, and tell others."""

        async def work(connection: Connection) -> None:
            row = await connection.fetchrow(SQL.lock_flow_run, workspace_id, flow_run_id)
            if row is None:
                raise errors.NotFound(f"there is no flow run {flow_run_id}")
            if payloads and row["run_count"]:
                raise errors.FailedPrecondition(
                    f"{' and '.join(sorted(payloads))} can be changed before the run has started only",
                    reason="RUN_STARTED",
                )
            if columns:
                values = run_rows.as_json([dict(columns)])[1:-1]
                await connection.execute(SQL.update_flow_run, workspace_id, flow_run_id, list(columns), values)
            if payloads:
                values = run_rows.as_json([dict(payloads)])[1:-1]
                await connection.execute(SQL.update_payloads, workspace_id, flow_run_id, list(payloads), values)
            [changed] = await connection.fetch(SQL.load_flow_run, workspace_id, flow_run_id)
            await connection.execute(
                SQL.append_outbox,
                [workspace_id],
                [changes.FLOW_RUN_UPDATED],
                [changes.flow_run_state(changed, changed)],
            )
            self._database.after_commit(connection, self._tools.outbox.wake)

        await self._database.run(work)

    async def delete(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID) -> None:
        """Delete a run that is final or was never started, with its task runs and history."""

        async def work(connection: Connection) -> None:
            row = await connection.fetchrow(SQL.lock_flow_run, workspace_id, flow_run_id)
            if row is None:
                raise errors.NotFound(f"there is no flow run {flow_run_id}")
            was_started = row["lease_id"] is not None or row["attempt"] > 0
            if was_started and not is_final(row["state_type"]):
                raise errors.FailedPrecondition(
                    f"the run is {row['state_name']}; cancel it first", reason="RUN_NOT_FINAL"
                )
            await connection.execute(SQL.delete_flow_run, workspace_id, flow_run_id, history_since(flow_run_id))

        await self._database.run(work)

    async def list_descendants(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID) -> list[uuid.UUID]:
        """Return the subflows below a run that are not final, nearest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_descendants, workspace_id, flow_run_id)
        return [row["flow_run_id"] for row in rows]


async def _resolve_flows(
    connection: Connection, workspace_id: uuid.UUID, runs: Sequence[NewFlowRun]
) -> tuple[dict[uuid.UUID | str, tuple[uuid.UUID, str]], datetime.datetime]:
    names = sorted({new.flow_name for new in runs if new.flow_id is None})
    ids = sorted({new.flow_id for new in runs if new.flow_id is not None})
    found: list[Any] = []
    if names:
        arguments = (workspace_id, [uuid7() for _ in names], names)
        found = await connection.fetch(SQL.resolve_flows, *arguments)
        if len({row["name"] for row in found}) < len(names):
            # Another transaction made one of them in between; now it is visible.
            found = await connection.fetch(SQL.resolve_flows, *arguments)
    if ids:
        found = [*found, *await connection.fetch(SQL.find_flows, workspace_id, ids)]
    flows: dict[uuid.UUID | str, tuple[uuid.UUID, str]] = {}
    for row in found:
        flows[row["flow_id"]] = flows[row["name"]] = (row["flow_id"], row["name"])
    for flow_id in ids:
        if flow_id not in flows:
            raise errors.NotFound(f"there is no flow {flow_id}")
    return flows, found[0]["now"]


async def _load_roots(
    connection: Connection, workspace_id: uuid.UUID, runs: Sequence[NewFlowRun]
) -> dict[uuid.UUID, uuid.UUID]:
    parents = {new.columns["parent_flow_run_id"] for new in runs if new.columns.get("parent_flow_run_id")}
    if not parents:
        return {}
    rows = await connection.fetch(SQL.load_roots, workspace_id, list(parents))
    roots = {row["flow_run_id"]: row["root_flow_run_id"] for row in rows}
    for parent in parents:
        if parent not in roots:
            raise errors.NotFound(f"there is no flow run {parent} to be the parent")
    return roots


def _queued(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [run_rows.due_row(row) for row in rows if row["state_type"] == StateType.SCHEDULED]


def _new_row(
    new: NewFlowRun,
    workspace_id: uuid.UUID,
    flows: dict[uuid.UUID | str, tuple[uuid.UUID, str]],
    roots: dict[uuid.UUID, uuid.UUID],
    now: datetime.datetime,
) -> dict[str, Any]:
    flow_id, flow_name = flows[new.flow_id if new.flow_id is not None else new.flow_name]
    parent = new.columns.get("parent_flow_run_id")
    row = run_rows.new_run(new, workspace_id, roots[parent] if parent else new.flow_run_id, now)
    row["flow_id"], row["flow_name"] = flow_id, flow_name
    return row


async def _find(
    connection: Connection, workspace_id: uuid.UUID, missing: Sequence[tuple[NewFlowRun, dict[str, Any]]]
) -> dict[uuid.UUID, CreatedFlowRun]:
    by_id = {
        row["flow_run_id"]: row
        for row in await connection.fetch(SQL.load_flow_runs, workspace_id, [new.flow_run_id for new, _ in missing])
    }
    keyed = [row for new, row in missing if new.flow_run_id not in by_id and row["idempotency_key"] is not None]
    by_key = {
        (row["flow_id"], row["idempotency_key"]): row
        for row in await connection.fetch(
            SQL.load_flow_run_by_key,
            workspace_id,
            [row["flow_id"] for row in keyed],
            [row["idempotency_key"] for row in keyed],
        )
    }
    found: dict[uuid.UUID, CreatedFlowRun] = {}
    for new, row in missing:
        if new.flow_run_id in by_id:
            existing = by_id[new.flow_run_id]
            found[new.flow_run_id] = CreatedFlowRun(existing, False, _repeated_attempt(existing, new))
        elif (row["flow_id"], row["idempotency_key"]) in by_key:
            found[new.flow_run_id] = CreatedFlowRun(by_key[row["flow_id"], row["idempotency_key"]], False)
        else:
            raise errors.AlreadyExists(f"the id {new.flow_run_id} is taken")
    return found


def _held(row: dict[str, Any], new: NewFlowRun) -> Held | None:
    if new.attempt is None:
        return None
    expires_at = row["state_at"] + datetime.timedelta(seconds=new.attempt.lease_seconds)
    return Held(row["attempt"], new.attempt.token, expires_at, new.attempt.lease_seconds)


def _repeated_attempt(existing: Any, new: NewFlowRun) -> Held | None:
    # Who made the run with this id and lost the answer asks again: the attempt is still the first one.
    # Nobody else may learn its token by guessing the id.
    is_first = existing["attempt"] == 1 and existing["lease_id"] is not None
    is_maker = all(existing[name] == new.columns.get(name, "") for name in ("creator_kind", "creator_id"))
    if new.attempt is None or not is_first or not is_maker:
        return None
    return Held(1, existing["attempt_token"], None, new.attempt.lease_seconds)
