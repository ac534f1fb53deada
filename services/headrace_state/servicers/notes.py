"""`RunNoteService`."""

from __future__ import annotations

import uuid
from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import run_note_pb2, run_note_pb2_grpc
from headrace.ids import uuid7
from headrace_chassis.caller import current_caller
from headrace_chassis.pages import asked_page
from headrace_state.repository.notes import RunNotes
from headrace_state.rules.rows import Row
from headrace_state.servicers.own_runs import OwnRuns, maker
from headrace_state.wire import creation, states, values

Context = grpc.aio.ServicerContext[Any, Any]


class RunNoteServicer(run_note_pb2_grpc.RunNoteServiceServicer):
    """Keeps notes on flow runs."""

    def __init__(self, notes: RunNotes, own: OwnRuns) -> None:
        self._notes = notes
        self._own = own

    async def CreateRunNote(
        self, request: run_note_pb2.CreateRunNoteRequest, context: Context
    ) -> run_note_pb2.CreateRunNoteResponse:
        """Add a note to a flow run."""
        caller = current_caller()
        flow_run_id = values.to_id(request.flow_run_id, "flow_run_id")
        await self._own.require(caller, flow_run_id)
        row = await self._notes.create(
            caller.workspace_id,
            flow_run_id,
            values.to_optional_id(request.run_note_id, "run_note_id") or uuid7(),
            request.text,
            creation.creator_of(*maker(caller)),
        )
        return run_note_pb2.CreateRunNoteResponse(run_note=_note(row))

    async def ListRunNotes(
        self, request: run_note_pb2.ListRunNotesRequest, context: Context
    ) -> run_note_pb2.ListRunNotesResponse:
        """Return a page of the notes on a flow run, oldest first."""
        workspace_id = current_caller().workspace_id
        flow_run_id = values.to_id(request.flow_run_id, "flow_run_id")
        page = asked_page(request, workspace_id, request.flow_run_id, key=(uuid.UUID,))
        rows = await self._notes.list_page(workspace_id, flow_run_id, page.after_id, page.lookahead)
        shown, token = page.split(rows, lambda row: (row["run_note_id"],))
        return run_note_pb2.ListRunNotesResponse(run_notes=map(_note, shown), next_page_token=token)

    async def DeleteRunNote(
        self, request: run_note_pb2.DeleteRunNoteRequest, context: Context
    ) -> run_note_pb2.DeleteRunNoteResponse:
        """Delete a note."""
        run_note_id = values.to_id(request.run_note_id, "run_note_id")
        flow_run_id = values.to_id(request.flow_run_id, "flow_run_id")
        if not await self._notes.delete(current_caller().workspace_id, flow_run_id, run_note_id):
            raise errors.NotFound(f"there is no note {run_note_id} on the flow run {flow_run_id}")
        return run_note_pb2.DeleteRunNoteResponse()


def _note(row: Row) -> run_note_pb2.RunNote:
    message = run_note_pb2.RunNote(
        run_note_id=str(row["run_note_id"]),
        flow_run_id=str(row["flow_run_id"]),
        text=row["text"],
        created_at=values.from_time(row["created_at"]),
    )
    states.fill_creator(message.author, row)
    return message
