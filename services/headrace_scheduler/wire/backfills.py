"""Backfills to and from the wire."""

from __future__ import annotations

from headrace.api.v1 import backfill_pb2 as pb
from headrace.api.v1 import state_pb2
from headrace_scheduler.rules.backfill import Backfill, Item, ItemState, Order, Status
from headrace_scheduler.rules.schedule import Rule
from headrace_scheduler.wire import deployments, schedules, values

_ORDERS = {
    pb.BACKFILL_ORDER_UNSPECIFIED: Order.ASC,
    pb.BACKFILL_ORDER_ASC: Order.ASC,
    pb.BACKFILL_ORDER_DESC: Order.DESC,
}
_STATUSES = {pb.BackfillStatus.Value(f"BACKFILL_STATUS_{status}"): status for status in Status}


def to_order(order: pb.BackfillOrder.ValueType) -> Order:
    """Return in which order runs are made."""
    return _ORDERS.get(order, Order.ASC)


def to_status(status: pb.BackfillStatus.ValueType) -> Status | None:
    """Return a status, None for one that is not known."""
    return _STATUSES.get(status)


def to_rule(message: pb.BackfillRange) -> Rule | None:
    """Return the rule that is given in place of a schedule, None if none is."""
    return schedules.to_rule(message.rule) if message.HasField("rule") else None


def from_backfill(backfill: Backfill) -> pb.Backfill:
    """Return a backfill as a message."""
    progress = backfill.progress
    return pb.Backfill(
        backfill_id=str(backfill.backfill_id),
        deployment_id=str(backfill.deployment_id),
        deployment_version_id=str(backfill.version_id),
        name=backfill.name,
        status=pb.BackfillStatus.Value(f"BACKFILL_STATUS_{backfill.status}"),
        message=backfill.message,
        concurrency=backfill.concurrency,
        order=pb.BackfillOrder.Value(f"BACKFILL_ORDER_{backfill.order}"),
        progress=pb.BackfillProgress(
            total=progress.total,
            waiting=progress.of(ItemState.WAITING),
            active=progress.of(ItemState.ACTIVE),
            completed=progress.of(ItemState.COMPLETED),
            failed=progress.of(ItemState.FAILED),
            crashed=progress.of(ItemState.CRASHED),
            cancelled=progress.of(ItemState.CANCELLED),
        ),
        creator=deployments.from_creator(backfill.creator),
        created_at=values.from_time(backfill.created_at),
        updated_at=values.from_time(backfill.updated_at),
        ended_at=values.from_time(backfill.ended_at),
    )


def from_item(item: Item) -> pb.BackfillRun:
    """Return a run of a backfill as a message."""
    is_over = item.state not in (ItemState.WAITING, ItemState.ACTIVE)
    end_state = f"STATE_TYPE_{item.state}" if is_over else "STATE_TYPE_UNSPECIFIED"
    return pb.BackfillRun(
        number=item.number,
        slot_at=values.from_time(item.slot_at),
        parameters=values.from_object(item.parameters),
        flow_run_id=str(item.flow_run_id) if item.flow_run_id is not None else "",
        end_state=state_pb2.StateType.Value(end_state),
        tries=item.tries,
    )
