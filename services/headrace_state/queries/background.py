"""Background tasks in Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from headrace_chassis.database import Connection, Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Outbox
from headrace_state.queries.recording import store_frame
from headrace_state.queries.statements import SQL
from headrace_state.repository.background import CHANNEL
from headrace_state.rules.background import Fate, Lost, NewBackgroundTask, Server, judge_loss
from headrace_state.rules.frames import Frame, only
from headrace_state.rules.rows import Row
from headrace_state.rules.states import StateType
from headrace_state.wire import background, changes

LEASE_SECONDS = 10.0
"""How long a task server may be silent before another gets what it has."""

KEPT_SECONDS = 100 * 365 * 86_400.0
"""How long a lease holds of a task run of which no signs of life come: it never expires."""

GONE_SECONDS = 30.0
"""A task server that was silent for so long is not listed."""


class PostgresBackgroundTasks:
    """Implements `repository.background.BackgroundTasks`."""

    def __init__(self, database: Database, outbox: Outbox, wakeups: Wakeups) -> None:
        self._database = database
        self._outbox = outbox
        self._wakeups = wakeups

    async def create(self, workspace_id: uuid.UUID, tasks: Sequence[NewBackgroundTask], frame: Frame) -> int:
        """Queue task runs that were not queued before, and record their first states; return how many."""

        async def work(connection: Connection) -> int:
            rows = await connection.fetch(
                SQL.insert_background_tasks,
                workspace_id,
                [task.task_run_id for task in tasks],
                [task.task_key for task in tasks],
                [task.due_at for task in tasks],
                ["{" + ",".join(map(str, task.waits_for)) + "}" for task in tasks],
                [task.parameters for task in tasks],
                [background.reference_text(task.parameters_reference) for task in tasks],
                [task.queued_by for task in tasks],
            )
            queued = {str(row["task_run_id"]) for row in rows}
            if queued:
                await self._record(connection, only(frame, queued))
            self._database.after_commit(connection, self._wake)
            return len(queued)

        return await self._database.run(work)

    async def cancel(self, workspace_id: uuid.UUID, task_run_id: uuid.UUID) -> bool:
        """Cancel a task run that waits, or note that its server has to; return whether it is over."""

        async def work(connection: Connection) -> bool:
            row = await connection.fetchrow(SQL.lock_background_task, workspace_id, task_run_id)
            if row is None:
                return True
            if row["token"] is None:
                fate = Fate(StateType.CANCELLED, message="it was cancelled before it started", is_queued=False)
                await self._settle(connection, workspace_id, {task_run_id: fate})
                return True
            await connection.execute(SQL.cancel_background_task, workspace_id, task_run_id)
            self._database.after_commit(connection, self._wake)
            return False

        return await self._database.run(work)

    async def queued_by(
        self, workspace_id: uuid.UUID, task_run_ids: Sequence[uuid.UUID]
    ) -> dict[uuid.UUID, uuid.UUID | None]:
        """Return which flow runs queued those of the task runs that are not over."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_queuers, workspace_id, list(task_run_ids))
        return {row["task_run_id"]: row["queued_by"] for row in rows}

    async def claim(self, workspace_id: uuid.UUID, server: Server, limit: int) -> list[Row]:
        """Give task runs to a server, in the order of the queue."""

        async def work(connection: Connection) -> list[Row]:
            return list(
                await connection.fetch(
                    SQL.claim_background_tasks,
                    workspace_id,
                    list(server.task_keys),
                    server.server_id,
                    limit,
                    LEASE_SECONDS,
                    server.keeps_tokens,
                )
            )

        return await self._database.run(work)

    async def give_back(self, workspace_id: uuid.UUID, tokens: Sequence[uuid.UUID]) -> None:
        """Put task runs back that a server has and does not begin."""

        async def work(connection: Connection) -> None:
            await connection.fetch(SQL.return_background_tasks, workspace_id, list(tokens))
            self._database.after_commit(connection, self._wake)

        await self._database.run(work)

    async def keep(self, workspace_id: uuid.UUID, tokens: Sequence[uuid.UUID]) -> None:
        """Leave task runs to those who have them, for ever."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL.keep_background_tasks, workspace_id, list(tokens), KEPT_SECONDS)

    async def list_cancels(self, workspace_id: uuid.UUID, server: Server) -> list[uuid.UUID]:
        """Return what a server has and has to end."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_background_cancels, workspace_id, server.server_id)
        return [row["task_run_id"] for row in rows]

    async def greet(self, workspace_id: uuid.UUID, server: Server) -> None:
        """Note a sign of life."""
        async with self._database.transaction() as connection:
            await connection.execute(
                SQL.set_task_server,
                workspace_id,
                server.server_id,
                server.name,
                list(server.task_keys),
                server.slots,
                server.client_version,
            )

    async def part(self, workspace_id: uuid.UUID, server: Server) -> None:
        """Note that a server is not connected any more."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL.delete_task_server, workspace_id, server.server_id)

    async def list_servers(self, workspace_id: uuid.UUID) -> tuple[list[Row], list[Row]]:
        """Return the servers that are there, and what waits and runs for each task."""
        async with self._database.connection() as connection:
            servers: list[Row] = list(await connection.fetch(SQL.list_task_servers, workspace_id, GONE_SECONDS))
            backlogs: list[Row] = list(await connection.fetch(SQL.list_task_backlogs, workspace_id))
        return servers, backlogs

    async def reap(self, limit: int) -> int:
        """Settle task runs whose servers have gone; return how many."""

        async def work(connection: Connection) -> int:
            rows = await connection.fetch(SQL.list_lost_background_tasks, limit)
            for workspace_id in {row["workspace_id"] for row in rows}:
                lost = {row["task_run_id"]: row for row in rows if row["workspace_id"] == workspace_id}
                runs = await connection.fetch(SQL.lock_task_runs, workspace_id, list(lost))
                fates = {
                    run["task_run_id"]: judge_loss(
                        Lost(
                            run["state_type"],
                            lost[run["task_run_id"]]["deliveries"],
                            lost[run["task_run_id"]]["is_cancelling"],
                        )
                    )
                    for run in runs
                }
                await self._settle(connection, workspace_id, fates)
            return len(rows)

        return await self._database.run(work)

    async def ready(self, limit: int) -> int:
        """Let go what waited for task runs that are over; return how many."""

        async def work(connection: Connection) -> int:
            rows = await connection.fetch(SQL.ready_background_tasks, limit)
            if rows:
                self._database.after_commit(connection, self._wake)
            return len(rows)

        return await self._database.run(work)

    async def drop_servers(self) -> None:
        """Forget servers that gave no sign of life for long."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL.drop_task_servers, GONE_SECONDS)

    async def _settle(self, connection: Connection, workspace_id: uuid.UUID, fates: dict[uuid.UUID, Fate]) -> None:
        moved = {task_run_id: fate for task_run_id, fate in fates.items() if fate.state is not None}
        if moved:
            runs = await connection.fetch(SQL.lock_task_runs, workspace_id, list(moved))
            frame = background.frame_of(workspace_id, [(run, moved[run["task_run_id"]]) for run in runs])
            await self._record(connection, frame)
        again = [task_run_id for task_run_id, fate in fates.items() if fate.is_queued]
        over = [task_run_id for task_run_id, fate in fates.items() if not fate.is_queued]
        if again:
            await connection.execute(SQL.free_background_tasks, again)
        if over:
            await connection.execute(SQL.finish_background_tasks, workspace_id, over)
        self._database.after_commit(connection, self._wake)

    async def _record(self, connection: Connection, frame: Frame) -> None:
        await store_frame(connection, frame, [0] * len(frame.tokens), frozenset(frame.flow_run_ids))
        told = [payload for payload in frame.told if payload]
        await connection.execute(
            SQL.append_outbox, [frame.workspace_id] * len(told), [changes.TASK_RUN_STATES] * len(told), told
        )
        self._database.after_commit(connection, self._outbox.wake)

    def _wake(self) -> None:
        self._wakeups.notify(CHANNEL)
