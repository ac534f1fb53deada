"""`ArtifactService`."""

from __future__ import annotations

from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import artifact_pb2, artifact_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.pages import asked_page
from headrace_state.repository.artifacts import Artifacts
from headrace_state.servicers.masks import masked
from headrace_state.servicers.own_runs import OwnRuns
from headrace_state.wire import artifacts as wire
from headrace_state.wire import filters, values

Context = grpc.aio.ServicerContext[Any, Any]

_CHANGEABLE = ("content", "description", "metadata", *wire.CONTENTS)


class ArtifactServicer(artifact_pb2_grpc.ArtifactServiceServicer):
    """Keeps artifacts."""

    def __init__(self, artifacts: Artifacts, own: OwnRuns) -> None:
        self._artifacts = artifacts
        self._own = own

    async def CreateArtifact(
        self, request: artifact_pb2.CreateArtifactRequest, context: Context
    ) -> artifact_pb2.CreateArtifactResponse:
        """Create an artifact, which becomes the latest version of its key."""
        caller = current_caller()
        new = wire.to_new_artifact(request.artifact)
        if new.flow_run_id is not None:
            await self._own.require(caller, new.flow_run_id)
        row = await self._artifacts.create(caller.workspace_id, new)
        return artifact_pb2.CreateArtifactResponse(artifact=wire.artifact(row))

    async def GetArtifact(
        self, request: artifact_pb2.GetArtifactRequest, context: Context
    ) -> artifact_pb2.GetArtifactResponse:
        """Return one artifact."""
        artifact_id = values.to_id(request.artifact_id, "artifact_id")
        row = await self._artifacts.load(current_caller().workspace_id, artifact_id)
        if row is None:
            raise errors.NotFound(f"there is no artifact {artifact_id}")
        return artifact_pb2.GetArtifactResponse(artifact=wire.artifact(row))

    async def ListArtifacts(
        self, request: artifact_pb2.ListArtifactsRequest, context: Context
    ) -> artifact_pb2.ListArtifactsResponse:
        """Return a page of artifacts."""
        workspace_id = current_caller().workspace_id
        if request.sort not in artifact_pb2.ArtifactSort.values():
            raise errors.InvalidArgument.of_field("sort", "must be an order of artifacts")
        sort = artifact_pb2.ArtifactSort.ValueType(request.sort or artifact_pb2.ARTIFACT_SORT_ID_DESC)
        order = artifact_pb2.ArtifactSort.Name(sort).removeprefix("ARTIFACT_SORT_")
        page = asked_page(request, workspace_id, request.filter, order)
        chosen = filters.to_artifact_filter(request.filter)
        rows, key = await self._artifacts.list_page(workspace_id, chosen, order, page.after, page.size)
        return artifact_pb2.ListArtifactsResponse(
            artifacts=[wire.artifact(row) for row in rows], next_page_token=page.next_token(key)
        )

    async def UpdateArtifact(
        self, request: artifact_pb2.UpdateArtifactRequest, context: Context
    ) -> artifact_pb2.UpdateArtifactResponse:
        """Change the named fields of an artifact."""
        caller = current_caller()
        workspace_id = caller.workspace_id
        artifact_id = values.to_id(request.artifact.artifact_id, "artifact.artifact_id")
        fields = masked(request.artifact, request.update_mask, _CHANGEABLE)
        before = await self._artifacts.load(workspace_id, artifact_id)
        if before is None:
            raise errors.NotFound(f"there is no artifact {artifact_id}")
        await self._own.require(caller, before["flow_run_id"])
        field = wire.content_field(request.artifact)
        if not wire.is_content_of(field, before["kind"]):
            raise errors.InvalidArgument.of_field(
                f"artifact.{field}", f"is not the content of an artifact of kind {before['kind']}"
            )
        row = await self._artifacts.update(workspace_id, artifact_id, wire.to_change(request.artifact, fields))
        if row is None:
            raise errors.NotFound(f"there is no artifact {artifact_id}")
        return artifact_pb2.UpdateArtifactResponse(artifact=wire.artifact(row))

    async def DeleteArtifact(
        self, request: artifact_pb2.DeleteArtifactRequest, context: Context
    ) -> artifact_pb2.DeleteArtifactResponse:
        """Delete an artifact."""
        caller = current_caller()
        artifact_id = values.to_id(request.artifact_id, "artifact_id")
        if caller.is_run:
            row = await self._artifacts.load(caller.workspace_id, artifact_id)
            await self._own.require(caller, row["flow_run_id"] if row is not None else None)
        if not await self._artifacts.delete(caller.workspace_id, artifact_id):
            raise errors.NotFound(f"there is no artifact {artifact_id}")
        return artifact_pb2.DeleteArtifactResponse()
