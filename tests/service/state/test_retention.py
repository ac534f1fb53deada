"""What is old goes, what is to be kept stays, and how much room it takes."""

from __future__ import annotations

import datetime
import uuid
from typing import TYPE_CHECKING, Any

import asyncpg
import grpc
import grpc.aio
import pytest

from headrace.api.v1 import artifact_pb2, artifact_pb2_grpc, retention_pb2, retention_pb2_grpc, run_note_pb2_grpc
from headrace.api.v1 import run_note_pb2 as note_pb2
from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace_chassis.clock import SystemClock
from headrace_chassis.database import Database
from headrace_harness.history import seed_runs
from headrace_harness.recording import a_frame, a_life, attempt_of, record
from headrace_harness.services import RunningService
from headrace_harness.state import COMPLETED, RUNNING, StateClient, a_state, new_id
from headrace_state.loops.retention import RetentionSweeper
from headrace_state.queries.retention import PostgresRetention
from headrace_state.rules.retention import DEPLOYMENT, FOR_EVER, TAG, RetentionKind, RetentionRule, RetentionRules

if TYPE_CHECKING:
    Retention = retention_pb2_grpc.RetentionServiceAsyncStub

DEFAULTS = {"FLOW_RUN": 30.0, "BACKGROUND_TASK_RUN": 10.0, "ARTIFACT": 10.0}
FLOW_RUN = retention_pb2.RETENTION_KIND_FLOW_RUN


@pytest.fixture
def retention(service: RunningService) -> Retention:
    """The service of retention."""
    stub: Any = retention_pb2_grpc.RetentionServiceStub(service.channel)
    return stub  # type: ignore[no-any-return]


async def sweep(database: Database, *, keeps_history: bool = True) -> None:
    """Go once through everything."""
    sweeper = RetentionSweeper(PostgresRetention(database, keeps_history=keeps_history), SystemClock(), DEFAULTS)
    while await sweeper.tick():
        pass


async def age(database: Database, flow_run_id: str, days: float) -> None:
    """Let a run have ended so many days ago."""
    async with database.connection() as connection:
        await connection.execute(
            "update flow_run set ended_at = now() - make_interval(secs => $2 * 86400) where flow_run_id = $1",
            flow_run_id,
            days,
        )


async def ended_run(state: StateClient, database: Database, days: float, **fields: Any) -> str:
    """Return a completed run with a task run that ended so many days ago."""
    created = await state.running_run(**fields)
    await record(state, a_frame([attempt_of(created)], a_life(new_id())))
    run_id = created.flow_run.flow_run_id
    await state.propose(run_id, a_state(COMPLETED), created.attempt.token)
    await age(database, run_id, days)
    return run_id


async def left(database: Database, table: str) -> int:
    """Return how many rows a table has."""
    async with database.connection() as connection:
        return int(await connection.fetchval(f"select count(*) from {table}"))


async def test_old_runs_go_with_all_that_belongs_to_them(
    state: StateClient, database: Database, service: RunningService
) -> None:
    old = await ended_run(state, database, 31, parameters=None)
    young = await ended_run(state, database, 29)
    alive = (await state.running_run()).flow_run.flow_run_id
    notes = run_note_pb2_grpc.RunNoteServiceStub(service.channel)
    artifacts = artifact_pb2_grpc.ArtifactServiceStub(service.channel)
    for run_id in (old, young):
        await notes.CreateRunNote(note_pb2.CreateRunNoteRequest(flow_run_id=run_id, text="n"))
        for key in ("", f"of-{run_id}"):
            await artifacts.CreateArtifact(
                artifact_pb2.CreateArtifactRequest(
                    artifact=artifact_pb2.Artifact(flow_run_id=run_id, key=key, markdown="m")
                )
            )
    await sweep(database)
    for run_id in (young, alive):
        assert (await state.get_run(run_id)).flow_run_id == run_id
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await state.get_run(old)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert not await state.task_runs_of(old)
    assert len(await state.task_runs_of(young)) == 1
    assert await left(database, "run_note") == 1
    # The latest of a key outlives its run.
    assert await left(database, "artifact") == 3
    async with database.connection() as connection:
        assert not await connection.fetchval("select count(*) from transition where flow_run_id = $1", old)
        assert await connection.fetchval("select count(*) from transition where flow_run_id = $1", young)


async def test_a_tree_goes_as_a_whole_once_all_of_it_is_final(state: StateClient, database: Database) -> None:
    parent = await state.running_run()
    parent_id = parent.flow_run.flow_run_id
    child = await state.running_run(parent_flow_run_id=parent_id)
    await state.propose(parent_id, a_state(COMPLETED), parent.attempt.token)
    await age(database, parent_id, 100)
    await sweep(database)
    assert (await state.get_run(parent_id)).state.type == COMPLETED
    assert (await state.get_run(child.flow_run.flow_run_id)).state.type == RUNNING
    await state.propose(child.flow_run.flow_run_id, a_state(COMPLETED), child.attempt.token)
    await sweep(database)
    assert await left(database, "flow_run") == 0


async def test_rules_of_deployments_and_tags_go_before(
    state: StateClient, database: Database, retention: Retention
) -> None:
    kept = await ended_run(state, database, 300, tags=["audit", "short"])
    gone = await ended_run(state, database, 3, tags=["short"])
    stays = await ended_run(state, database, 3)
    for rule in (
        retention_pb2.RetentionRule(kind=FLOW_RUN, tag="audit"),
        retention_pb2.RetentionRule(kind=FLOW_RUN, tag="short", keep_days=2),
        retention_pb2.RetentionRule(kind=FLOW_RUN, keep_days=200),
    ):
        answer = await retention.SetRetentionRule(retention_pb2.SetRetentionRuleRequest(rule=rule))
        assert answer.rule.tag == rule.tag
    await sweep(database)
    async with database.connection() as connection:
        ids = {str(row["flow_run_id"]) for row in await connection.fetch("select flow_run_id from flow_run")}
    assert ids == {kept, stays}
    assert gone not in ids
    listed = (await retention.GetRetentionRules(retention_pb2.GetRetentionRulesRequest())).rules
    of_runs = [(rule.tag, rule.keep_days if rule.HasField("keep_days") else None) for rule in listed if rule.kind == 1]
    assert of_runs == [("", 200), ("audit", None), ("short", 2)]
    by_setting = {rule.setting for rule in listed if rule.setting}
    assert "HEADRACE_SERVER_LOG_RETENTION_DAYS" in by_setting
    assert "HEADRACE_SERVER_FLOW_RUN_RETENTION_DAYS" not in by_setting
    request = retention_pb2.DeleteRetentionRuleRequest(kind=FLOW_RUN, tag="short")
    await retention.DeleteRetentionRule(request)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await retention.DeleteRetentionRule(request)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_what_is_more_special_decides() -> None:
    deployment, other = new_id(), new_id()
    rules = RetentionRules(
        [
            RetentionRule("FLOW_RUN", DEPLOYMENT, deployment, 5),
            RetentionRule("FLOW_RUN", TAG, "a", 50),
            RetentionRule("FLOW_RUN", TAG, "b", FOR_EVER),
            RetentionRule("ARTIFACT", "", "", 1),
        ],
        {"FLOW_RUN": 10.0},
    )

    assert rules.days_of_flow_run(uuid.UUID(deployment), ["b"]) == 5
    assert rules.days_of_flow_run(uuid.UUID(other), ["a"]) == 50
    assert rules.days_of_flow_run(None, ["a", "b"]) == FOR_EVER
    assert rules.days_of_flow_run(None, ["c"]) == 10
    assert rules.shortest_of_flow_runs() == 5
    assert rules.days_of(RetentionKind.ARTIFACT) == 1
    assert rules.days_of(RetentionKind.BACKGROUND_TASK_RUN) == FOR_EVER


@pytest.mark.parametrize(
    "rule",
    [
        retention_pb2.RetentionRule(keep_days=1),
        retention_pb2.RetentionRule(kind=retention_pb2.RETENTION_KIND_LOG_RECORD, keep_days=1),
        retention_pb2.RetentionRule(kind=retention_pb2.RETENTION_KIND_ARTIFACT, tag="x", keep_days=1),
        retention_pb2.RetentionRule(kind=FLOW_RUN, deployment_id="x", keep_days=1),
        retention_pb2.RetentionRule(kind=FLOW_RUN, tag="", keep_days=1),
        retention_pb2.RetentionRule(kind=FLOW_RUN, keep_days=0),
        retention_pb2.RetentionRule(kind=FLOW_RUN, keep_days=-1),
    ],
)
async def test_a_rule_must_make_sense(retention: Retention, rule: retention_pb2.RetentionRule) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await retention.SetRetentionRule(retention_pb2.SetRetentionRuleRequest(rule=rule))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.usefixtures("breaks_invariants")
async def test_old_versions_of_artifacts_and_background_task_runs_go(
    database: Database, service: RunningService
) -> None:
    artifacts = artifact_pb2_grpc.ArtifactServiceStub(service.channel)
    for key in ("a", "a", "", "b"):
        await artifacts.CreateArtifact(
            artifact_pb2.CreateArtifactRequest(artifact=artifact_pb2.Artifact(key=key, markdown="m"))
        )
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=11)
    async with database.connection() as connection:
        await connection.execute("update artifact set updated_at = $1", past)
        for ended in (past, None):
            await connection.execute(
                """
                insert into task_run (task_run_id, workspace_id, state_id, state_type, state_name, state_at,
                                      state_version, ended_at)
                values (gen_random_uuid(), $1, gen_random_uuid(), $2, 'x', now(), 1, $3)
                """,
                DEFAULT_WORKSPACE_ID,
                "RUNNING" if ended is None else "COMPLETED",
                ended,
            )
    await sweep(database)
    async with database.connection() as connection:
        rows = await connection.fetch("select key, is_latest from artifact order by key")
        types = [row["state_type"] for row in await connection.fetch("select state_type from task_run")]
    assert [(row["key"], row["is_latest"]) for row in rows] == [("a", True), ("b", True)]
    assert types == ["RUNNING"]


@pytest.mark.usefixtures("breaks_invariants")
async def test_many_old_runs_go_in_stretches(database: Database, database_url: str, retention: Retention) -> None:
    owner = await asyncpg.connect(database_url)
    await seed_runs(owner, 1500, days=60, task_runs_each=1)
    await owner.close()
    await sweep(database, keeps_history=False)
    async with database.connection() as connection:
        oldest = await connection.fetchval("select min(ended_at) from flow_run")
        orphans = await connection.fetchval(
            """
            select count(*)
              from task_run
             where not exists (select 1 from flow_run where flow_run.flow_run_id = task_run.flow_run_id)
            """
        )
        await connection.execute("analyze flow_run")
    assert oldest > datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=31)
    assert 700 < await left(database, "flow_run") < 800
    assert orphans == 0
    sizes = await retention.GetTableSizes(retention_pb2.GetTableSizesRequest())
    by_name = {(size.service, size.table): size for size in sizes.tables}
    runs = by_name["state", "flow_run"]
    assert runs.kind == FLOW_RUN
    assert runs.row_count > 700
    assert runs.data_bytes > 100_000
    assert by_name["log", "record"].partition_count > 1
    assert sizes.database_bytes > runs.data_bytes + runs.index_bytes
    biggest = [size.data_bytes + size.index_bytes for size in sizes.tables]
    assert biggest == sorted(biggest, reverse=True)
