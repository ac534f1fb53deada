"""Assets."""

from __future__ import annotations

from headrace.api.v1 import asset_pb2
from headrace.ids import uuid7
from headrace_state.rules.assets import (
    AssetFilter,
    KnownAsset,
    MaterializationFilter,
    MaterializationReport,
    NewMaterialization,
)
from headrace_state.rules.rows import Row
from headrace_state.wire import values
from headrace_state.wire.filters import to_span


def to_report(request: asset_pb2.RecordMaterializationsRequest) -> MaterializationReport:
    """Return what a task run made, and from what.

    Raises:
        errors.InvalidArgument: A value is not what its field is for.
    """
    return MaterializationReport(
        flow_run_id=values.to_optional_id(request.flow_run_id, "flow_run_id"),
        task_run_id=values.to_optional_id(request.task_run_id, "task_run_id"),
        materializations=[
            NewMaterialization(
                values.to_optional_id(made.materialization_id, "materializations.materialization_id") or uuid7(),
                _known(made.asset),
                values.to_object(made.metadata, f"materializations[{place}].metadata"),
            )
            for place, made in enumerate(request.materializations)
        ],
        succeeded=request.succeeded,
        materialized_by=request.materialized_by,
        message=request.message,
        upstream_assets=[_known(asset) for asset in request.upstream_assets],
        upstream_task_run_ids=values.to_ids(request.upstream_task_run_ids, "upstream_task_run_ids"),
    )


def _known(message: asset_pb2.Asset) -> KnownAsset:
    return KnownAsset(message.key, message.name, message.description, message.url, list(message.owners))


def to_filter(message: asset_pb2.AssetFilter) -> AssetFilter:
    """Return which assets are meant.

    Raises:
        errors.InvalidArgument: A value is not what its field is for.
    """
    return AssetFilter(
        asset_ids=values.to_ids(message.asset_ids, "filter.asset_ids"),
        keys=tuple(message.keys),
        key_prefix=message.key_prefix,
        text=message.text,
        owners=tuple(message.owners),
        materialized=to_span(message, "materialized"),
    )


def to_materialization_filter(request: asset_pb2.ListMaterializationsRequest) -> MaterializationFilter:
    """Return which materializations are meant.

    Raises:
        errors.InvalidArgument: An id is none.
    """
    return MaterializationFilter(
        asset_ids=values.to_ids(request.asset_ids, "asset_ids"),
        flow_run_ids=values.to_ids(request.flow_run_ids, "flow_run_ids"),
        task_run_ids=values.to_ids(request.task_run_ids, "task_run_ids"),
        succeeded=request.succeeded if request.HasField("succeeded") else None,
    )


def asset(row: Row) -> asset_pb2.Asset:
    """Return an asset with its last materialization."""
    message = asset_pb2.Asset(
        asset_id=str(row["asset_id"]),
        key=row["key"],
        name=row["name"],
        description=row["description"],
        url=row["url"],
        owners=row["owners"],
        created_at=values.from_time(row["created_at"]),
        updated_at=values.from_time(row["updated_at"]),
    )
    if row["last_materialization_id"] is not None and row["last_succeeded"] is not None:
        message.last_materialization.CopyFrom(
            asset_pb2.Materialization(
                materialization_id=str(row["last_materialization_id"]),
                asset_id=str(row["asset_id"]),
                asset_key=row["key"],
                flow_run_id=values.from_id(row["last_flow_run_id"]),
                task_run_id=values.from_id(row["last_task_run_id"]),
                succeeded=row["last_succeeded"],
                materialized_by=row["last_materialized_by"],
                metadata=values.from_object(row["last_metadata"]),
                message=row["last_message"],
                created_at=values.from_time(row["last_materialized_at"]),
            )
        )
    return message


def materialization(row: Row) -> asset_pb2.Materialization:
    """Return a materialization."""
    return asset_pb2.Materialization(
        materialization_id=str(row["materialization_id"]),
        asset_id=str(row["asset_id"]),
        asset_key=row["asset_key"],
        flow_run_id=values.from_id(row["flow_run_id"]),
        task_run_id=values.from_id(row["task_run_id"]),
        succeeded=row["succeeded"],
        materialized_by=row["materialized_by"],
        metadata=values.from_object(row["metadata"]),
        message=row["message"],
        created_at=values.from_time(row["created_at"]),
    )


def dependency(row: Row) -> asset_pb2.AssetDependency:
    """Return that an asset is made from another."""
    return asset_pb2.AssetDependency(
        asset_id=str(row["asset_id"]),
        upstream_asset_id=str(row["upstream_asset_id"]),
        last_at=values.from_time(row["last_at"]),
    )
