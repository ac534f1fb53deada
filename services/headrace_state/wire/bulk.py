"""Bulk operations."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format

from headrace import errors
from headrace.api.v1 import bulk_operation_pb2, flow_run_pb2
from headrace_state.rules.bulk import BulkAction, BulkKind
from headrace_state.rules.rows import Row
from headrace_state.rules.states import StateType
from headrace_state.wire import states, values
from headrace_state.wire.creation import unique

_STATUS = "BULK_OPERATION_STATUS_"


def to_action(message: bulk_operation_pb2.BulkAction) -> BulkAction:
    """Return what becomes of each run.

    Raises:
        errors.InvalidArgument: It changes nothing, or asks for what a bulk operation cannot do.
    """
    kind = BulkKind(message.WhichOneof("action") or "")
    match kind:
        case BulkKind.CANCEL:
            return BulkAction(kind, reason=message.cancel.reason)
        case BulkKind.RETRY:
            if message.retry.scope == flow_run_pb2.RETRY_SCOPE_FROM_TASK:
                raise errors.InvalidArgument.of_field("action.retry.scope", "must not be from a task")
            return BulkAction(kind, retries_all=message.retry.scope == flow_run_pb2.RETRY_SCOPE_ALL)
        case BulkKind.DELETE:
            return BulkAction(kind)
        case BulkKind.SET_STATE:
            wanted = message.set_state
            return BulkAction(
                kind,
                state_type=states.TYPE_NAMES[wanted.type],
                state_name=wanted.name,
                message=wanted.message,
                force=wanted.force,
            )
        case BulkKind.CHANGE_TAGS:
            add, remove = unique(message.change_tags.add), unique(message.change_tags.remove)
            if not add and not remove:
                raise errors.InvalidArgument.of_field("action.change_tags", "must add or remove something")
            return BulkAction(kind, add=tuple(add), remove=tuple(remove))


def action(stored: BulkAction) -> bulk_operation_pb2.BulkAction:
    """Return what becomes of each run."""
    message = bulk_operation_pb2.BulkAction()
    match stored.kind:
        case BulkKind.CANCEL:
            message.cancel.CopyFrom(bulk_operation_pb2.BulkCancel(reason=stored.reason))
        case BulkKind.RETRY:
            scope = flow_run_pb2.RETRY_SCOPE_ALL if stored.retries_all else flow_run_pb2.RETRY_SCOPE_UNFINISHED
            message.retry.scope = scope
        case BulkKind.DELETE:
            message.delete.SetInParent()
        case BulkKind.SET_STATE:
            message.set_state.type = states.type_number(StateType(stored.state_type))
            message.set_state.name = stored.state_name
            message.set_state.message = stored.message
            message.set_state.force = stored.force
        case BulkKind.CHANGE_TAGS:
            message.change_tags.add.extend(stored.add)
            message.change_tags.remove.extend(stored.remove)
    return message


def filter_to_json(message: flow_run_pb2.FlowRunFilter) -> dict[str, Any]:
    """Return a filter as it is stored."""
    stored: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return stored


def bulk_operation(row: Row, *, with_payloads: bool) -> bulk_operation_pb2.BulkOperation:
    """Return the operation in a row.

    Args:
        row: The columns of `bulk_operation`.
        with_payloads: Whether whoever gets it may see parameters, which a filter may hold.
    """
    message = bulk_operation_pb2.BulkOperation(
        bulk_operation_id=str(row["bulk_operation_id"]),
        action=action(BulkAction.from_json(row["action"])),
        filter=json_format.ParseDict(row["filter"], flow_run_pb2.FlowRunFilter(), ignore_unknown_fields=True),
        status=bulk_operation_pb2.BulkOperationStatus.Value(_STATUS + row["status"]),
        run_count=row["run_count"],
        run_count_capped=row["is_capped"],
        looked_at_count=row["looked_at_count"],
        changed_count=row["changed_count"],
        refused_count=row["refused_count"],
        refusals=[bulk_operation_pb2.BulkRefusal(**refusal) for refusal in row["refusals"]],
        created_at=values.from_time(row["created_at"]),
        updated_at=values.from_time(row["updated_at"]),
        ended_at=values.from_time(row["ended_at"]),
    )
    if not with_payloads:
        _forget_parameters(message.filter)
    states.fill_creator(message.creator, row)
    return message


def _forget_parameters(message: flow_run_pb2.FlowRunFilter) -> None:
    message.ClearField("parameters")
    message.ClearField("parameter_conditions")
    for part in (*message.any_of, *message.none_of):
        _forget_parameters(part)


def to_statuses(numbers: Any) -> list[str]:
    """Return the stored names of statuses; unknown ones match nothing."""
    known = bulk_operation_pb2.BulkOperationStatus
    return [known.Name(number).removeprefix(_STATUS) if number in known.values() else "" for number in numbers]
