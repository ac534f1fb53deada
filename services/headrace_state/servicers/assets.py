"""`AssetService`."""

from __future__ import annotations

import uuid
from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import asset_pb2, asset_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.pages import asked_page
from headrace_state.repository.assets import Assets
from headrace_state.servicers.own_runs import OwnRuns
from headrace_state.wire import assets as wire
from headrace_state.wire import values

DEFAULT_DEPTH = 10

Context = grpc.aio.ServicerContext[Any, Any]


class AssetServicer(asset_pb2_grpc.AssetServiceServicer):
    """Keeps assets, their materializations and their lineage."""

    def __init__(self, assets: Assets, own: OwnRuns) -> None:
        self._assets = assets
        self._own = own

    async def RecordMaterializations(
        self, request: asset_pb2.RecordMaterializationsRequest, context: Context
    ) -> asset_pb2.RecordMaterializationsResponse:
        """Record that a task run made assets, and what it made them from."""
        for place, made in enumerate(request.materializations):
            if not made.asset.key:
                raise errors.InvalidArgument.of_field(f"materializations[{place}].asset.key", "must be set")
        caller = current_caller()
        report = wire.to_report(request)
        if report.flow_run_id is not None:
            await self._own.require(caller, report.flow_run_id)
        rows = await self._assets.record(caller.workspace_id, report)
        return asset_pb2.RecordMaterializationsResponse(materializations=map(wire.materialization, rows))

    async def GetAsset(self, request: asset_pb2.GetAssetRequest, context: Context) -> asset_pb2.GetAssetResponse:
        """Return one asset."""
        asset_id = values.to_id(request.asset_id, "asset_id")
        row = await self._assets.load(current_caller().workspace_id, asset_id)
        if row is None:
            raise _not_found(asset_id)
        return asset_pb2.GetAssetResponse(asset=wire.asset(row))

    async def ListAssets(self, request: asset_pb2.ListAssetsRequest, context: Context) -> asset_pb2.ListAssetsResponse:
        """Return a page of assets, by their keys."""
        workspace_id = current_caller().workspace_id
        page = asked_page(request, workspace_id, request.filter)
        rows, key = await self._assets.list_page(workspace_id, wire.to_filter(request.filter), page.after, page.size)
        return asset_pb2.ListAssetsResponse(assets=map(wire.asset, rows), next_page_token=page.next_token(key))

    async def ListMaterializations(
        self, request: asset_pb2.ListMaterializationsRequest, context: Context
    ) -> asset_pb2.ListMaterializationsResponse:
        """Return a page of materializations, newest first."""
        workspace_id = current_caller().workspace_id
        question = asset_pb2.ListMaterializationsRequest()
        question.CopyFrom(request)
        question.ClearField("page_size")
        question.ClearField("page_token")
        page = asked_page(request, workspace_id, question)
        chosen = wire.to_materialization_filter(request)
        rows, key = await self._assets.list_materializations(workspace_id, chosen, page.after, page.size)
        return asset_pb2.ListMaterializationsResponse(
            materializations=map(wire.materialization, rows), next_page_token=page.next_token(key)
        )

    async def GetAssetLineage(
        self, request: asset_pb2.GetAssetLineageRequest, context: Context
    ) -> asset_pb2.GetAssetLineageResponse:
        """Return what an asset is made from, and what is made from it."""
        workspace_id = current_caller().workspace_id
        asset_id = values.to_id(request.asset_id, "asset_id")
        if await self._assets.load(workspace_id, asset_id) is None:
            raise _not_found(asset_id)
        lineage = await self._assets.load_lineage(
            workspace_id,
            asset_id,
            upstream=request.direction != asset_pb2.LINEAGE_DIRECTION_DOWNSTREAM,
            downstream=request.direction != asset_pb2.LINEAGE_DIRECTION_UPSTREAM,
            depth=request.max_depth or DEFAULT_DEPTH,
        )
        return asset_pb2.GetAssetLineageResponse(
            assets=map(wire.asset, lineage.assets),
            dependencies=map(wire.dependency, lineage.dependencies),
            truncated=lineage.is_truncated,
        )

    async def DeleteAsset(
        self, request: asset_pb2.DeleteAssetRequest, context: Context
    ) -> asset_pb2.DeleteAssetResponse:
        """Delete an asset."""
        asset_id = values.to_id(request.asset_id, "asset_id")
        if not await self._assets.delete(current_caller().workspace_id, asset_id):
            raise _not_found(asset_id)
        return asset_pb2.DeleteAssetResponse()


def _not_found(asset_id: uuid.UUID) -> errors.NotFound:
    return errors.NotFound(f"there is no asset {asset_id}")
