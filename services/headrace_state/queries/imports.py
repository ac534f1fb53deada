"""The history of other servers, into Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from headrace import errors
from headrace_chassis.database import Connection, Database
from headrace_state.queries import run_rows
from headrace_state.queries.statements import SQL
from headrace_state.rules.imports import Imported, Outcomes, Past, PastArtifact, PastFlowRun, PastTaskRun, roots_of


class PostgresImports:
    """Implements `repository.imports.Imports`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def store(self, workspace_id: uuid.UUID, past: Past) -> Outcomes:
        """Store all of it, or nothing; what is there stays as it is."""

        async def work(connection: Connection) -> Outcomes:
            return Outcomes(
                await _store_flow_runs(connection, workspace_id, past.flow_runs),
                await _store_task_runs(connection, workspace_id, past.task_runs),
                await _store_artifacts(connection, workspace_id, past.artifacts),
            )

        return await self._database.run(work)


async def _store_flow_runs(
    connection: Connection, workspace_id: uuid.UUID, runs: Sequence[PastFlowRun]
) -> list[Imported]:
    if not runs:
        return []
    found = await connection.fetch(SQL.find_flows, workspace_id, list({run.flow_id for run in runs}))
    flows = {row["flow_id"]: row["name"] for row in found}
    for run in runs:
        if run.flow_id not in flows:
            raise errors.NotFound(f"there is no flow {run.flow_id}")
    parents = [run.parent_flow_run_id for run in runs if run.parent_flow_run_id is not None]
    above = await connection.fetch(SQL.load_roots, workspace_id, parents) if parents else []
    roots = roots_of(runs, {row["flow_run_id"]: row["root_flow_run_id"] for row in above})
    first = {run.flow_run_id: run for run in reversed(runs)}
    rows = [
        {
            **run.columns,
            "flow_run_id": run.flow_run_id,
            "workspace_id": workspace_id,
            "flow_id": run.flow_id,
            "flow_name": flows[run.flow_id],
            "parent_flow_run_id": run.parent_flow_run_id if run.parent_flow_run_id in roots else None,
            "root_flow_run_id": roots[run.flow_run_id],
        }
        for run in first.values()
    ]
    payloads = [
        {"flow_run_id": run.flow_run_id, "workspace_id": workspace_id, **run.payloads}
        for run in first.values()
        if any(run.payloads.values())
    ]
    history = [{**row, "workspace_id": workspace_id} for run in first.values() for row in run.history]
    as_json = run_rows.as_json
    made = await connection.fetch(
        SQL.insert_flow_runs, as_json(rows), as_json(payloads), as_json(history), "[]", "[]", [], [], []
    )
    known = await connection.fetch(SQL.load_roots, workspace_id, list(first))
    return _outcomes(
        [run.flow_run_id for run in runs],
        {row["flow_run_id"] for row in made},
        {row["flow_run_id"] for row in known},
    )


async def _store_task_runs(
    connection: Connection, workspace_id: uuid.UUID, runs: Sequence[PastTaskRun]
) -> list[Imported]:
    if not runs:
        return []
    first = {run.task_run_id: run for run in reversed(runs)}
    rows = [{**run.columns, "task_run_id": run.task_run_id, "workspace_id": workspace_id} for run in first.values()]
    history = [{**row, "workspace_id": workspace_id} for run in first.values() for row in run.history]
    made = await connection.fetch(SQL.import_task_runs, run_rows.as_json(rows), run_rows.as_json(history))
    known = await connection.fetch(SQL.known_task_runs, workspace_id, list(first))
    return _outcomes(
        [run.task_run_id for run in runs],
        {row["task_run_id"] for row in made},
        {row["task_run_id"] for row in known},
    )


async def _store_artifacts(
    connection: Connection, workspace_id: uuid.UUID, artifacts: Sequence[PastArtifact]
) -> list[Imported]:
    if not artifacts:
        return []
    first = {artifact.artifact_id: artifact for artifact in reversed(artifacts)}
    # In one order in all transactions, so that none waits for another that waits for it.
    keys = sorted({artifact.key for artifact in artifacts} - {""})
    for key in keys:
        await connection.execute(SQL.lock_key, workspace_id, key)
    rows: list[dict[str, Any]] = [
        {**artifact.columns, "artifact_id": artifact.artifact_id, "key": artifact.key, "workspace_id": workspace_id}
        for artifact in first.values()
    ]
    made = {row["artifact_id"] for row in await connection.fetch(SQL.import_artifacts, run_rows.as_json(rows))}
    for key in keys:
        await connection.execute(SQL.demote_artifact, workspace_id, key)
        await connection.execute(SQL.promote_artifact, workspace_id, key)
    known = await connection.fetch(SQL.known_artifacts, workspace_id, list(first))
    return _outcomes([each.artifact_id for each in artifacts], made, {row["artifact_id"] for row in known})


def _outcomes(asked: Sequence[uuid.UUID], made: Collection[uuid.UUID], known: Collection[uuid.UUID]) -> list[Imported]:
    outcomes = []
    left = set(made)
    for each in asked:
        if each in left:
            # The same one may be asked for twice in one call; the second finds the first.
            left.discard(each)
            outcomes.append(Imported.CREATED)
        else:
            # Rows that were made by the same statement are seen by later ones.
            outcomes.append(Imported.THERE_BEFORE if each in known else Imported.CONFLICT)
    return outcomes
