"""Lists, counts and histories of runs."""

from __future__ import annotations

import base64
from typing import Any

import grpc
import grpc.aio
import orjson
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from headrace.api.v1 import deployment_pb2, flow_pb2, flow_run_pb2, state_pb2, task_run_pb2
from headrace.internal.v1 import state_pb2 as internal
from headrace_harness.recording import a_frame, a_life, a_transition, attempt_of, record
from headrace_harness.state import (
    COMPLETED,
    FAILED,
    PENDING,
    RUNNING,
    SCHEDULED,
    PlayedScheduler,
    StateClient,
    a_state,
    new_id,
    now,
)


def a_struct(**values: Any) -> Struct:
    """Return a Struct."""
    struct = Struct()
    struct.update(values)
    return struct


def since(stamp: Timestamp) -> state_pb2.TimeRange:
    """Return the span from a time on."""
    span = state_pb2.TimeRange()
    getattr(span, "from").CopyFrom(stamp)
    return span


def a_condition(path: str, equals: Any = None, *, exists: bool = True) -> flow_run_pb2.ValueCondition:
    """Return a condition on the value at a dotted path: what it equals, or whether it exists."""
    condition = flow_run_pb2.ValueCondition(path=path.split("."))
    if equals is None:
        condition.exists = exists
    else:
        condition.equals.CopyFrom(a_struct(value=equals).fields["value"])
    return condition


async def names_of(state: StateClient, **chosen: Any) -> set[str]:
    """Return the names of the flow runs that match a filter; counting finds as many."""
    filter_ = flow_run_pb2.FlowRunFilter(**chosen)
    response = await state.runs.ListFlowRuns(flow_run_pb2.ListFlowRunsRequest(filter=filter_))
    counted = await state.runs.CountFlowRuns(flow_run_pb2.CountFlowRunsRequest(filter=filter_))
    assert sum(count.count for count in counted.counts) == len(response.flow_runs)
    assert not counted.capped
    return {run.name for run in response.flow_runs}


async def test_flow_runs_are_found_by_every_field(state: StateClient) -> None:
    pool, queue, deployment, version, schedule = (new_id() for _ in range(5))
    deployed = internal.ScheduledRun(
        flow_run_id=new_id(), flow_name="report", name="deployed", scheduled_at=now(), work_pool_id=pool,
        work_queue_id=queue, deployment_id=deployment, deployment_version_id=version, flow_version="v2",
        auto_scheduled=True, deployment_name="nightly", work_pool_name="pool", work_queue_name="queue",
        creator=state_pb2.Creator(
            kind=state_pb2.CREATOR_KIND_SCHEDULE, creator_id=schedule, display_name="every night"
        ),
    )  # fmt: skip
    await state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=[deployed]))
    # Held under a token of its own, so that it runs on however long the questions take.
    parent = await state.running_run(
        name="parent", tags=["prod", "nightly"], labels=a_struct(team="data", tier=1), idempotency_key="once",
        parameters=a_struct(day="2026-03-05", nested={"a": [1, 2]}), own_token=new_id(),
    )  # fmt: skip
    parent_id, task_run_id = parent.flow_run.flow_run_id, new_id()
    child = await state.running_run(
        name="child", parent_flow_run_id=parent_id, parent_task_run_id=task_run_id, tags=["prod"]
    )
    await state.propose(child.flow_run.flow_run_id, a_state(FAILED, "TimedOut", "took 100% of_it"), child.attempt.token)
    every = {"deployed", "parent", "child"}
    later = now()
    later.seconds += 60
    expected: list[tuple[dict[str, Any], set[str]]] = [
        ({}, every),
        ({"flow_run_ids": [parent_id, new_id()]}, {"parent"}),
        ({"flow_ids": [parent.flow_run.flow_id]}, {"parent", "child"}),
        ({"flow_names": ["report", "none"]}, {"deployed"}),
        ({"deployment_ids": [deployment]}, {"deployed"}),
        ({"work_pool_ids": [pool]}, {"deployed"}),
        ({"work_queue_ids": [queue]}, {"deployed"}),
        ({"worker_names": ["nobody"]}, set()),
        ({"state_types": [FAILED, SCHEDULED]}, {"deployed", "child"}),
        ({"state_names": ["TimedOut"]}, {"child"}),
        ({"names": ["parent"]}, {"parent"}),
        ({"name_contains": "AREN"}, {"parent"}),
        ({"text": "epor"}, {"deployed"}),
        ({"text": "100% of_"}, {"child"}),
        ({"text": "100_"}, set()),
        ({"tags_all": ["prod", "nightly"]}, {"parent"}),
        ({"tags_any": ["nightly", "prod"]}, {"parent", "child"}),
        ({"tags_none": ["nightly"]}, {"deployed", "child"}),
        ({"labels": a_struct(team="data")}, {"parent"}),
        ({"labels": a_struct(tier=2)}, set()),
        ({"parameters": a_struct(nested={"a": [2]})}, {"parent"}),
        ({"parameters": a_struct(day="x")}, set()),
        ({"flow_versions": ["v2"]}, {"deployed"}),
        ({"deployment_version_ids": [version]}, {"deployed"}),
        ({"idempotency_keys": ["once"]}, {"parent"}),
        ({"parent_flow_run_ids": [parent_id]}, {"child"}),
        ({"parent_task_run_ids": [task_run_id]}, {"child"}),
        ({"root_flow_run_ids": [parent_id]}, {"child"}),
        ({"has_parent": True}, {"child"}),
        ({"has_parent": False}, {"parent", "deployed"}),
        ({"creator_ids": [schedule]}, {"deployed"}),
        ({"auto_scheduled": True}, {"deployed"}),
        ({"auto_scheduled": False}, {"parent", "child"}),
        ({"created": since(later)}, set()),
        ({"created": state_pb2.TimeRange(until=later)}, every),
        ({"expected_start": state_pb2.TimeRange(until=later)}, every),
        ({"next_scheduled_start": state_pb2.TimeRange(until=later)}, {"deployed"}),
        ({"started": state_pb2.TimeRange(until=later)}, {"parent", "child"}),
        ({"ended": state_pb2.TimeRange(until=later)}, {"child"}),
        ({"run_time_at_least": Duration(seconds=60)}, set()),
        ({"run_time_at_most": Duration(seconds=60)}, every),
        ({"state_types_none": [FAILED, RUNNING]}, {"deployed"}),
        ({"deployment_names": ["nightly"]}, {"deployed"}),
        ({"work_pool_names": ["pool"]}, {"deployed"}),
        ({"work_queue_names": ["queue", "other"]}, {"deployed"}),
        ({"has_deployment": True}, {"deployed"}),
        ({"has_deployment": False}, {"parent", "child"}),
        ({"untagged": True}, {"deployed"}),
        ({"untagged": False}, {"parent", "child"}),
        ({"label_keys": ["tier", "team"]}, {"parent"}),
        ({"label_keys": ["tier", "nothing"]}, set()),
        ({"parameter_conditions": [a_condition("nested.a.1", 2)]}, {"parent"}),
        ({"parameter_conditions": [a_condition("nested.a.0", 2)]}, set()),
        ({"parameter_conditions": [a_condition("nested.a", [1, 2])]}, {"parent"}),
        ({"parameter_conditions": [a_condition("nested.a", [2])]}, set()),
        ({"parameter_conditions": [a_condition("day", "2026-03-05"), a_condition("nested")]}, {"parent"}),
        ({"parameter_conditions": [a_condition("nested", exists=False)]}, {"deployed", "child"}),
        ({"run_count_at_least": 1}, {"parent", "child"}),
        ({"run_count_at_most": 0}, {"deployed"}),
        ({"state_entered": state_pb2.TimeRange(until=later)}, every),
        ({"updated": since(later)}, set()),
        ({"creator_kinds": [state_pb2.CREATOR_KIND_SCHEDULE]}, {"deployed"}),
        ({"creator_names": ["every night"]}, {"deployed"}),
        ({"tags_all": ["prod"], "state_types": [RUNNING]}, {"parent"}),
        (
            {"any_of": [flow_run_pb2.FlowRunFilter(names=["parent"]), flow_run_pb2.FlowRunFilter(has_deployment=True)]},
            {"parent", "deployed"},
        ),
        ({"any_of": [flow_run_pb2.FlowRunFilter(names=["parent"])], "has_deployment": True}, set()),
        (
            {
                "none_of": [
                    flow_run_pb2.FlowRunFilter(names=["parent"]),
                    flow_run_pb2.FlowRunFilter(has_deployment=True),
                ]
            },
            {"child"},
        ),
        ({"none_of": [flow_run_pb2.FlowRunFilter(none_of=[flow_run_pb2.FlowRunFilter(names=["parent"])])]}, {"parent"}),
    ]
    for chosen, names in expected:
        assert await names_of(state, **chosen) == names, chosen
    covered = {field for chosen, _ in expected for field in chosen}
    assert covered == {field.name for field in flow_run_pb2.FlowRunFilter.DESCRIPTOR.fields}


async def test_flow_runs_come_in_every_order_page_by_page(state: StateClient) -> None:
    for number in range(7):
        created = await state.create_run(name=f"n{number * 3 % 7}", flow_name="f")
        if number % 3:
            started = await state.propose(created.flow_run.flow_run_id, a_state(RUNNING))
            if number % 2:
                await state.propose(created.flow_run.flow_run_id, a_state(COMPLETED), started.attempt.token)

    def key(sort: str, run: flow_run_pb2.FlowRun) -> Any:
        last = float("-inf") if sort.endswith("DESC") else float("inf")
        field = {
            "EXPECTED_START": run.expected_start_at, "NEXT_SCHEDULED_START": run.next_scheduled_start_at,
            "STARTED": run.started_at, "ENDED": run.ended_at,
        }.get(sort.rpartition("_")[0])  # fmt: skip
        if field is not None:
            return (field.ToMicroseconds() if field.ByteSize() else last, run.flow_run_id)
        if sort.startswith("NAME"):
            return (run.name, run.flow_run_id)
        if sort.startswith("RUN_TIME"):
            return (run.total_run_time.ToMicroseconds(), run.flow_run_id)
        return run.flow_run_id

    for number in flow_run_pb2.FlowRunSort.values():
        runs: list[flow_run_pb2.FlowRun] = []
        token = ""
        while True:
            response = await state.runs.ListFlowRuns(
                flow_run_pb2.ListFlowRunsRequest(sort=number, page_size=2, page_token=token)
            )
            runs += response.flow_runs
            token = response.next_page_token
            if not token:
                break
        sort = flow_run_pb2.FlowRunSort.Name(number or flow_run_pb2.FLOW_RUN_SORT_ID_DESC).removeprefix(
            "FLOW_RUN_SORT_"
        )
        assert len(runs) == 7
        keys = [key(sort, run) for run in runs]
        assert keys == sorted(keys, reverse=sort.endswith("DESC")), sort


async def test_a_page_token_belongs_to_its_question(state: StateClient) -> None:
    for _ in range(3):
        await state.create_run()
    first = await state.runs.ListFlowRuns(flow_run_pb2.ListFlowRunsRequest(page_size=1))
    for request in (
        flow_run_pb2.ListFlowRunsRequest(
            page_size=1, page_token=first.next_page_token, sort=flow_run_pb2.FLOW_RUN_SORT_ID_ASC
        ),
        flow_run_pb2.ListFlowRunsRequest(page_size=1, page_token="nonsense"),
        flow_run_pb2.ListFlowRunsRequest(page_size=-1),
        flow_run_pb2.ListFlowRunsRequest(sort=99),  # type: ignore[arg-type]
        flow_run_pb2.ListFlowRunsRequest(filter=flow_run_pb2.FlowRunFilter(flow_ids=["x"])),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await state.runs.ListFlowRuns(request)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT, request


async def test_task_runs_are_found_by_every_field(state: StateClient) -> None:
    attempt = attempt_of(await state.running_run())
    flow_id = (await state.get_run(attempt.flow_run_id)).flow_id
    root_id = (await state.running_run()).flow_run.flow_run_id
    # Held under a token of its own, so that its task run stays PENDING however long the questions take.
    other = attempt_of(await state.running_run(parent_flow_run_id=root_id, own_token=new_id()))
    first, second, third, child = new_id(), new_id(), new_id(), new_id()
    spec = task_run_pb2.TaskRunSpec(
        task_key="load", dynamic_key="1", name="load-1", tags=["db"], labels=a_struct(a=1), cache_key="ck",
        task_version="t1", child_flow_run_id=child,
    )  # fmt: skip
    failed = a_life(first, FAILED)
    failed[0].spec.CopyFrom(spec)
    failed[-1].state.message = "no such table"
    await record(state, a_frame([attempt], [*failed, *a_life(second)]))
    await record(state, a_frame([other], [a_transition(third, PENDING, 1, run_count=0)]))
    later = now()
    later.seconds += 60
    every = {first, second, third}
    expected: list[tuple[dict[str, Any], set[str]]] = [
        ({}, every),
        ({"task_run_ids": [second]}, {second}),
        ({"flow_run_ids": [attempt.flow_run_id]}, {first, second}),
        ({"task_keys": ["load"]}, {first}),
        ({"state_types": [COMPLETED, PENDING]}, {second, third}),
        ({"state_names": ["Failed"]}, {first}),
        ({"names": ["load-1"]}, {first}),
        ({"name_contains": "LOAD"}, {first}),
        ({"text": "such t"}, {first}),
        ({"tags_all": ["db"]}, {first}),
        ({"tags_any": ["db", "x"]}, {first}),
        ({"tags_none": ["db"]}, {second, third}),
        ({"labels": a_struct(a=1)}, {first}),
        ({"has_child_flow_run": True}, {first}),
        ({"has_child_flow_run": False}, {second, third}),
        ({"created": since(later)}, set()),
        ({"started": state_pb2.TimeRange(until=later)}, {first, second}),
        ({"ended": state_pb2.TimeRange(until=later)}, {first, second}),
        ({"run_time_at_least": Duration(seconds=2)}, {first, second}),
        ({"run_time_at_most": Duration(seconds=1)}, {third}),
        ({"cache_keys": ["ck"]}, {first}),
        ({"state_types_none": [FAILED]}, {second, third}),
        ({"dynamic_keys": ["1"]}, {first}),
        ({"task_versions": ["t1"]}, {first}),
        ({"untagged": True}, {second, third}),
        ({"label_keys": ["a"]}, {first}),
        ({"run_count_at_least": 1}, {first, second}),
        ({"run_count_at_most": 0}, {third}),
        ({"expected_start": since(later)}, set()),
        ({"state_entered": state_pb2.TimeRange(until=later)}, every),
        ({"child_flow_run_ids": [child]}, {first}),
        ({"flow_ids": [flow_id]}, every),
        ({"deployment_ids": [flow_id]}, set()),
        ({"root_flow_run_ids": [attempt.flow_run_id]}, {first, second}),
        ({"root_flow_run_ids": [root_id]}, {third}),
        ({"background": True}, set()),
        ({"background": False}, every),
        ({"any_of": [task_run_pb2.TaskRunFilter(child_flow_run_ids=[child])]}, {first}),
        ({"none_of": [task_run_pb2.TaskRunFilter(root_flow_run_ids=[root_id])]}, {first, second}),
    ]
    for chosen, ids in expected:
        filter_ = task_run_pb2.TaskRunFilter(**chosen)
        listed = await state.task_runs.ListTaskRuns(task_run_pb2.ListTaskRunsRequest(filter=filter_))
        counted = await state.task_runs.CountTaskRuns(task_run_pb2.CountTaskRunsRequest(filter=filter_))
        assert {run.task_run_id for run in listed.task_runs} == ids, chosen
        assert sum(count.count for count in counted.counts) == len(ids)
    covered = {field for chosen, _ in expected for field in chosen}
    assert covered == {field.name for field in task_run_pb2.TaskRunFilter.DESCRIPTOR.fields}
    recent = task_run_pb2.TaskRunFilter(created=since(Timestamp(seconds=1)))
    for number in task_run_pb2.TaskRunSort.values():
        found, token = [], ""
        while True:
            page = await state.task_runs.ListTaskRuns(
                task_run_pb2.ListTaskRunsRequest(filter=recent, sort=number, page_size=1, page_token=token)
            )
            found += [run.task_run_id for run in page.task_runs]
            token = page.next_page_token
            if not token:
                break
        assert sorted(found) == sorted(every), number


@pytest.mark.parametrize("sort", ["NAME_ASC", "NAME_DESC", "RUN_TIME_DESC"])
async def test_all_task_runs_are_not_sorted_without_an_index(state: StateClient, sort: str) -> None:
    request = task_run_pb2.ListTaskRunsRequest(sort=task_run_pb2.TaskRunSort.Value(f"TASK_RUN_SORT_{sort}"))
    with pytest.raises(grpc.aio.AioRpcError, match="needs a filter") as caught:
        await state.task_runs.ListTaskRuns(request)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def a_token(like: str, key: list[Any]) -> str:
    """Return a token for the question of another one, with a key of one's own."""
    question = base64.urlsafe_b64decode(like + "=" * (-len(like) % 4))[:12]
    return base64.urlsafe_b64encode(question + orjson.dumps(key)).rstrip(b"=").decode()


FORGED_KEYS: list[list[Any]] = [
    [],
    [None],
    ["x"],
    [1, 2, 3],
    [None, None],
    ["a", {"u": "0" * 32}],
    [{"t": "2026-01-01T00:00:00+00:00"}, "x"],
    [{"t": "0001-01-01T00:00:00+23:00"}, {"u": "0" * 32}],
    [2**63, {"u": "0" * 32}],
    [True, {"u": "0" * 32}],
    ["\0", {"u": "0" * 32}],
]


@pytest.mark.parametrize("key", FORGED_KEYS)
async def test_a_forged_token_is_refused_and_breaks_nothing(state: StateClient, key: list[Any]) -> None:
    for _ in range(2):
        await state.create_run()
    for sort in flow_run_pb2.FlowRunSort.values():
        request = flow_run_pb2.ListFlowRunsRequest(page_size=1, sort=sort)
        request.page_token = a_token((await state.runs.ListFlowRuns(request)).next_page_token, key)
        by_name = sort in (flow_run_pb2.FLOW_RUN_SORT_NAME_ASC, flow_run_pb2.FLOW_RUN_SORT_NAME_DESC)
        if by_name and key == FORGED_KEYS[5]:
            continue
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await state.runs.ListFlowRuns(request)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT, (sort, key)


async def test_histories_come_page_by_page(state: StateClient) -> None:
    created = await state.running_run()
    run_id = created.flow_run.flow_run_id
    for number in range(5):
        await state.propose(run_id, a_state(RUNNING, f"Step {number}"), created.attempt.token)
    names, token = [], ""
    while True:
        page = await state.runs.ListFlowRunStates(
            flow_run_pb2.ListFlowRunStatesRequest(flow_run_id=run_id, page_size=4, page_token=token)
        )
        names += [each.name for each in page.states]
        token = page.next_page_token
        if not token:
            break
    assert names == ["Running", *(f"Step {number}" for number in range(5))]


async def test_some_runs_are_got_at_once_in_the_order_asked_for(state: StateClient) -> None:
    ids = [(await state.create_run()).flow_run.flow_run_id for _ in range(3)]
    asked = [ids[2], new_id(), ids[0]]
    response = await state.runs.BatchGetFlowRuns(flow_run_pb2.BatchGetFlowRunsRequest(flow_run_ids=asked))
    assert [run.flow_run_id for run in response.flow_runs] == [ids[2], ids[0]]


async def test_flows_are_kept_found_changed_and_deleted(state: StateClient, scheduler: PlayedScheduler) -> None:
    made = await state.flows.CreateFlow(
        flow_pb2.CreateFlowRequest(name="etl", description="d", tags=["a"], labels=a_struct(x=1))
    )
    again = await state.flows.CreateFlow(flow_pb2.CreateFlowRequest(name="etl"))
    assert made.created
    assert not again.created
    assert again.flow == made.flow
    other = (await state.flows.CreateFlow(flow_pb2.CreateFlowRequest(name="other"))).flow
    expected: list[tuple[dict[str, Any], set[str]]] = [
        ({"flow_ids": [other.flow_id]}, {"other"}),
        ({"names": ["etl"]}, {"etl"}),
        ({"name_contains": "TH"}, {"other"}),
        ({"tags_all": ["a"]}, {"etl"}),
        ({"tags_any": ["a"]}, {"etl"}),
        ({"tags_none": ["a"]}, {"other"}),
        ({"labels": a_struct(x=1)}, {"etl"}),
        ({"created": state_pb2.TimeRange(until=now())}, {"etl", "other"}),
        ({"untagged": True}, {"other"}),
        ({"untagged": False}, {"etl"}),
        ({"text": "D"}, {"etl"}),
        ({"label_keys": ["x"]}, {"etl"}),
        ({"updated": since(Timestamp(seconds=1))}, {"etl", "other"}),
        ({"any_of": [flow_pb2.FlowFilter(untagged=True), flow_pb2.FlowFilter(names=["etl"])]}, {"etl", "other"}),
        ({"none_of": [flow_pb2.FlowFilter(untagged=True)]}, {"etl"}),
    ]
    for chosen, names in expected:
        response = await state.flows.ListFlows(flow_pb2.ListFlowsRequest(filter=flow_pb2.FlowFilter(**chosen)))
        assert {flow.name for flow in response.flows} == names, chosen
    assert {field for chosen, _ in expected for field in chosen} == set(flow_pb2.FlowFilter.DESCRIPTOR.fields_by_name)
    for number in flow_pb2.FlowSort.values():
        first = await state.flows.ListFlows(flow_pb2.ListFlowsRequest(sort=number, page_size=1))
        second = await state.flows.ListFlows(
            flow_pb2.ListFlowsRequest(sort=number, page_size=1, page_token=first.next_page_token)
        )
        assert {first.flows[0].name, second.flows[0].name} == {"etl", "other"}
        assert not second.next_page_token

    update = flow_pb2.UpdateFlowRequest(flow=flow_pb2.Flow(flow_id=made.flow.flow_id, tags=["b", "b"]))
    update.update_mask.paths.extend(["tags", "description"])
    changed = (await state.flows.UpdateFlow(update)).flow
    assert (list(changed.tags), changed.description, changed.labels) == (["b"], "", made.flow.labels)
    update.update_mask.paths.append("name")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await state.flows.UpdateFlow(update)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT

    running = await state.running_run(flow_id=made.flow.flow_id)
    delete = flow_pb2.DeleteFlowRequest(flow_id=made.flow.flow_id)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await state.flows.DeleteFlow(delete)
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    await record(state, a_frame([attempt_of(running)], a_life(new_id())))
    await state.propose(running.flow_run.flow_run_id, a_state(COMPLETED), running.attempt.token)
    scheduler.deployments.append(deployment_pb2.Deployment(flow_id=made.flow.flow_id, name="nightly"))
    with pytest.raises(grpc.aio.AioRpcError, match="nightly"):
        await state.flows.DeleteFlow(delete)
    scheduler.deployments.clear()
    await state.flows.DeleteFlow(delete)
    get = flow_pb2.GetFlowRequest(flow_id=made.flow.flow_id)
    for gone in (state.flows.GetFlow(get), state.flows.DeleteFlow(delete)):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await gone
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert await names_of(state) == set()


async def test_a_run_is_changed_and_deleted_when_it_may_be(state: StateClient) -> None:
    waiting = (await state.create_run(parameters=a_struct(n=1))).flow_run
    change = flow_run_pb2.FlowRun(
        flow_run_id=waiting.flow_run_id, name="new", notes="why", parameters=a_struct(n=2), tags=["t"],
        retry_policy=flow_run_pb2.RetryPolicy(retries=3),
    )  # fmt: skip
    changed = (await state.runs.UpdateFlowRun(flow_run_pb2.UpdateFlowRunRequest(flow_run=change))).flow_run
    for field, value in change.ListFields():
        assert getattr(changed, field.name) == value
    started = await state.propose(waiting.flow_run_id, a_state(RUNNING))
    for refused in (
        state.runs.UpdateFlowRun(flow_run_pb2.UpdateFlowRunRequest(flow_run=change)),
        state.runs.DeleteFlowRun(flow_run_pb2.DeleteFlowRunRequest(flow_run_id=waiting.flow_run_id)),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await refused
        assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    attempt = task_run_pb2.RecordAttempt(flow_run_id=waiting.flow_run_id, token=started.attempt.token)
    task_run_id = new_id()
    await record(state, a_frame([attempt], a_life(task_run_id)))
    await state.propose(waiting.flow_run_id, a_state(COMPLETED), started.attempt.token)
    await state.runs.DeleteFlowRun(flow_run_pb2.DeleteFlowRunRequest(flow_run_id=waiting.flow_run_id))
    for gone in (state.get_run(waiting.flow_run_id), state.task_run(task_run_id)):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await gone
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND
