"""The leases of attempts in Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from headrace_chassis.database import Connection, Database
from headrace_state.queries import run_rows
from headrace_state.queries.background import LEASE_SECONDS
from headrace_state.queries.statements import SQL
from headrace_state.repository.leases import AttemptRef, Renewal
from headrace_state.rules.facts import State
from headrace_state.rules.rows import Row
from headrace_state.rules.states import USUAL_NAMES, StateType


class PostgresLeases:
    """Implements `repository.leases.Leases`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def renew(
        self, workspace_id: uuid.UUID, attempts: Sequence[AttemptRef], lease_seconds: float | None
    ) -> list[Renewal]:
        """Renew the leases of attempts; see `repository.leases.Leases.renew`."""
        if not attempts:
            return []

        async def work(connection: Connection) -> list[Row]:
            return list(
                await connection.fetch(
                    SQL.renew_leases,
                    workspace_id,
                    [attempt.flow_run_id for attempt in attempts],
                    [attempt.token for attempt in attempts],
                    lease_seconds,
                )
            )

        rows = await self._database.run(work)
        renewals = [_renewal(attempt, row) for attempt, row in zip(attempts, rows, strict=True)]
        if all(renewal.state is not None for renewal in renewals):
            return renewals
        return await self._renew_background(workspace_id, renewals)

    async def _renew_background(self, workspace_id: uuid.UUID, renewals: Sequence[Renewal]) -> list[Renewal]:
        """Renew those that are no flow runs as attempts of background tasks."""
        tokens = [renewal.attempt.token for renewal in renewals if renewal.state is None]

        async def work(connection: Connection) -> list[Row]:
            return list(await connection.fetch(SQL.renew_background_leases, workspace_id, tokens, LEASE_SECONDS))

        rows = await self._database.run(work)
        found = {(row["task_run_id"], row["token"]): row for row in rows}
        return [
            _background_renewal(renewal, found.get((renewal.attempt.flow_run_id, renewal.attempt.token)))
            for renewal in renewals
        ]


def _background_renewal(renewal: Renewal, row: Row | None) -> Renewal:
    if renewal.state is not None or row is None:
        return renewal
    state = None
    if row["is_cancelling"]:
        state = State(
            state_id=row["token"],
            type=StateType.CANCELLING,
            name=USUAL_NAMES[StateType.CANCELLING],
            message="it was cancelled",
            at=row["lease_expires_at"],
            version=0,
            details={},
            result=None,
        )
    return Renewal(
        attempt=renewal.attempt,
        is_renewed=True,
        expires_at=row["lease_expires_at"],
        state=state,
        is_current=True,
    )


def _renewal(attempt: AttemptRef, row: Row) -> Renewal:
    exists = row["state_id"] is not None
    return Renewal(
        attempt=attempt,
        is_renewed=row["expires_at"] is not None,
        expires_at=row["expires_at"],
        state=run_rows.state_of(row) if exists else None,
        is_current=exists and row["attempt_token"] == attempt.token,
    )
