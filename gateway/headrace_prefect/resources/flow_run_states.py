"""States of flow runs: proposing, resuming, listing them."""

from __future__ import annotations

from typing import Any

from headrace import errors
from headrace.api.v1 import flow_run_pb2, state_pb2
from headrace_prefect.answers import Answer, not_found, ok
from headrace_prefect.attempts import attempt_token_of
from headrace_prefect.bodies import fields, runs
from headrace_prefect.bodies.fields import Body, Field, Fields
from headrace_prefect.request import Request
from headrace_prefect.resources import subflows
from headrace_prefect.resources.flow_runs import BULK, chosen_runs, load
from headrace_prefect.resources.routes import Route
from headrace_prefect.shapes.scalars import to_struct
from headrace_prefect.shapes.states import decided, state_json, verdict_json

_SET: Fields = {
    "state": Field(runs.state, required=True),
    "force": Field(fields.boolean, default=False),
}
_RESUME: Fields = {"run_input": Field(fields.json_object)}
_PAGE = 200


async def set_flow_run_state(request: Request) -> Answer:
    """Propose a state for a flow run; the rules decide."""
    body = request.body(_SET)
    try:
        answer = await _propose(request, request.path["id"], body)
    except errors.NotFound:
        raise not_found("Flow run") from None
    return ok(answer, 201 if answer["status"] == "ACCEPT" else 200)


async def bulk_set_flow_run_state(request: Request) -> Answer:
    """Propose a state for the first flow runs that a filter chooses."""
    body = request.body({**BULK, **_SET})
    # Of a state's id a proposal is known: each run gets one of its own.
    body["state"]["state_details"]["transition_id"] = None
    results = []
    for run in await chosen_runs(request, body):
        try:
            answer = await _propose(request, run.flow_run_id, body)
        except errors.NotFound as error:
            answer = decided("ABORT", None, error.message)
        results.append({"flow_run_id": run.flow_run_id, **answer})
    return ok({"results": results})


async def resume_flow_run(request: Request) -> Answer:
    """Resume a paused flow run with the input that it asks for."""
    given = request.body(_RESUME)["run_input"]
    run = await load(request)
    if run.state.type != state_pb2.STATE_TYPE_PAUSED:
        return ok(decided("ABORT", None, "Cannot resume a flow run that is not paused."))
    asked = flow_run_pb2.ResumeFlowRunRequest(flow_run_id=run.flow_run_id)
    if run.state.details.run_input_keyset.get("response"):
        asked.run_input.CopyFrom(to_struct(given or {}))
    try:
        response = await request.call(request.services.flow_runs.ResumeFlowRun, asked)
    except errors.InvalidArgument as error:
        refused = decided("REJECT", state_json(run.state, flow_run_id=run.flow_run_id), f"Reason: {error.message}")
        # Prefect's server says so, too.
        refused["details"]["type"] = "abort_details"
        return ok(refused)
    answer = verdict_json(response.verdict, flow_run_id=run.flow_run_id)
    return ok(answer, 201 if answer["status"] == "ACCEPT" else 200)


async def read_flow_run_states(request: Request) -> Answer:
    """Return the states that a flow run went through, oldest first."""
    flow_run_id = _id_in_query(request, "flow_run_id")
    asked = flow_run_pb2.ListFlowRunStatesRequest(flow_run_id=flow_run_id, page_size=_PAGE)
    states: list[Any] = []
    while True:
        try:
            page = await request.call(request.services.flow_runs.ListFlowRunStates, asked)
        except errors.NotFound:
            return ok([])
        states += [state_json(state, flow_run_id=flow_run_id) for state in page.states]
        if not page.next_page_token:
            return ok(states)
        asked.page_token = page.next_page_token


async def read_flow_run_state(request: Request) -> Answer:
    """Return one state of a flow run."""
    asked = flow_run_pb2.GetFlowRunStateRequest(state_id=request.path["id"])
    try:
        found = await request.call(request.services.flow_runs.GetFlowRunState, asked)
    except errors.NotFound:
        raise not_found("Flow run state") from None
    return ok(state_json(found.state, flow_run_id=found.flow_run_id))


async def _propose(request: Request, flow_run_id: str, body: Body) -> dict[str, Any]:
    asked = flow_run_pb2.ProposeFlowRunStateRequest(
        flow_run_id=flow_run_id,
        state=runs.to_state(body["state"]),
        force=body["force"],
        own_token=attempt_token_of(flow_run_id),
    )
    # Prefect's client says of every error that it is not retriable, and its server retries flow runs all the same.
    asked.state.details.ClearField("retriable")
    try:
        response = await request.call(request.services.flow_runs.ProposeFlowRunState, asked)
    except errors.FailedPrecondition as error:
        # Another attempt has the run: whoever proposes has to stop.
        return decided("ABORT", None, error.message)
    verdict = response.verdict
    if verdict.WhichOneof("verdict") in ("accepted", "rejected"):
        await subflows.follow(request, flow_run_id)
    return verdict_json(verdict, flow_run_id=flow_run_id)


def _id_in_query(request: Request, name: str) -> str:
    return str(fields.parse({name: Field(fields.identifier, required=True)}, request.query, "query")[name])


ROUTES = (
    Route("POST", "/flow_runs/{id:uuid}/set_state", set_flow_run_state),
    Route("POST", "/flow_runs/bulk_set_state", bulk_set_flow_run_state),
    Route("POST", "/flow_runs/{id:uuid}/resume", resume_flow_run),
    Route("GET", "/flow_run_states/", read_flow_run_states),
    Route("GET", "/flow_run_states/{id:uuid}", read_flow_run_state),
)
