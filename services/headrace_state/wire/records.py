"""What the recording stream answers."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from headrace.api.v1 import task_run_pb2
from headrace_state.rules.facts import State
from headrace_state.wire import states, values

LEASE_LOST = "LEASE_LOST"
_LOST_REASON = "the run was given to another attempt, or is over"


def opened(heartbeat_seconds: float, frames_in_flight: int, transitions: int) -> task_run_pb2.RecordResponse:
    """Return that the stream stands."""
    return task_run_pb2.RecordResponse(
        opened=task_run_pb2.RecordOpened(
            heartbeat_interval=values.from_seconds(heartbeat_seconds),
            max_frames_in_flight=frames_in_flight,
            max_transitions_per_frame=transitions,
        )
    )


def ack(sequence: int) -> task_run_pb2.RecordResponse:
    """Return that all frames up to one are committed."""
    return task_run_pb2.RecordResponse(ack=task_run_pb2.RecordAck(sequence=sequence))


def refused(sequence: int, reason: str, code: str) -> task_run_pb2.RecordResponse:
    """Return that a frame can never be taken."""
    return task_run_pb2.RecordResponse(refused=task_run_pb2.RecordRefused(sequence=sequence, reason=reason, code=code))


def lost(flow_run_id: str) -> task_run_pb2.AttemptLost:
    """Return that an attempt may no longer write."""
    return task_run_pb2.AttemptLost(flow_run_id=flow_run_id, code=LEASE_LOST, reason=_LOST_REASON)


def renewed(expires_at: datetime.datetime | None) -> task_run_pb2.RecordResponse:
    """Return that leases were renewed."""
    return task_run_pb2.RecordResponse(
        renewed=task_run_pb2.RecordRenewed(lease_expires_at=values.from_time(expires_at))
    )


def signal(flow_run_id: str, state: State) -> task_run_pb2.RunSignal:
    """Return what a run has to do."""
    return task_run_pb2.RunSignal(flow_run_id=flow_run_id, state=states.from_state(state))


def renew_response(
    expires_at: datetime.datetime | None, lost_ids: Iterable[str], asked: Iterable[tuple[str, State]]
) -> task_run_pb2.RenewAttemptsResponse:
    """Return what became of attempts whose leases were to be renewed."""
    return task_run_pb2.RenewAttemptsResponse(
        lease_expires_at=values.from_time(expires_at),
        lost=[lost(flow_run_id) for flow_run_id in lost_ids],
        signals=[signal(flow_run_id, state) for flow_run_id, state in asked],
    )
