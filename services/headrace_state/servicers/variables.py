"""`VariableService`."""

from __future__ import annotations

from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import variable_pb2, variable_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.pages import asked_page
from headrace_state.repository.variables import Variables
from headrace_state.rules.variables import MOST_BYTES, VariableFilter, is_too_large
from headrace_state.wire import values
from headrace_state.wire.creation import unique
from headrace_state.wire.variables import variable

Context = grpc.aio.ServicerContext[Any, Any]


class VariableServicer(variable_pb2_grpc.VariableServiceServicer):
    """Keeps variables."""

    def __init__(self, variables: Variables) -> None:
        self._variables = variables

    async def SetVariable(
        self, request: variable_pb2.SetVariableRequest, context: Context
    ) -> variable_pb2.SetVariableResponse:
        """Set a variable."""
        value = values.to_json(request.value, "value")
        if is_too_large(value):
            raise errors.InvalidArgument.of_field("value", f"must not be larger than {MOST_BYTES // 1024} KiB as JSON")
        if request.variable_id:
            variable_id = values.to_id(request.variable_id, "variable_id")
            replaced = await self._variables.replace(
                current_caller().workspace_id, variable_id, request.name, value, unique(request.tags)
            )
            if replaced is None:
                raise errors.NotFound(f"there is no variable {variable_id}")
            return variable_pb2.SetVariableResponse(variable=variable(replaced))
        row = await self._variables.set(
            current_caller().workspace_id,
            request.name,
            value,
            unique(request.tags),
            overwrite=request.overwrite,
        )
        if row is None:
            raise errors.AlreadyExists(f"the variable {request.name} exists; set overwrite to replace its value")
        return variable_pb2.SetVariableResponse(variable=variable(row))

    async def GetVariable(
        self, request: variable_pb2.GetVariableRequest, context: Context
    ) -> variable_pb2.GetVariableResponse:
        """Return one variable."""
        row = await self._variables.load(current_caller().workspace_id, request.name)
        if row is None:
            raise errors.NotFound(f"there is no variable {request.name}")
        return variable_pb2.GetVariableResponse(variable=variable(row))

    async def ListVariables(
        self, request: variable_pb2.ListVariablesRequest, context: Context
    ) -> variable_pb2.ListVariablesResponse:
        """List variables by name."""
        workspace_id = current_caller().workspace_id
        chosen = VariableFilter(
            request.name_contains,
            tuple(request.names),
            tuple(request.tags_all),
            tuple(request.tags_any),
            values.to_ids(request.variable_ids, "variable_ids"),
        )
        page = asked_page(request, workspace_id, repr(chosen), key=(str,))
        rows, key = await self._variables.list_page(workspace_id, chosen, page.after_name, page.size)
        return variable_pb2.ListVariablesResponse(
            variables=[variable(row) for row in rows], next_page_token=page.next_token(key)
        )

    async def DeleteVariable(
        self, request: variable_pb2.DeleteVariableRequest, context: Context
    ) -> variable_pb2.DeleteVariableResponse:
        """Delete a variable."""
        if not await self._variables.delete(current_caller().workspace_id, request.name):
            raise errors.NotFound(f"there is no variable {request.name}")
        return variable_pb2.DeleteVariableResponse()
