"""Verdicts of the server as the engine knows them."""

from __future__ import annotations

from typing import Any

from headrace import errors
from headrace.api.v1 import state_pb2
from headrace.engine.backend import Verdict
from headrace.recording.wire import state_from_proto
from headrace.states import State


def verdict_from_proto(message: state_pb2.Verdict, token: str) -> Verdict:
    """Return what was decided.

    Raises:
        errors.Internal: The answer holds no verdict that this client knows.
    """
    match message.WhichOneof("verdict"):
        case "accepted":
            return Verdict(outcome="accepted", state=_state(message.accepted), token=token)
        case "rejected":
            rejected = message.rejected
            return Verdict(outcome="rejected", state=_state(rejected), reason=rejected.reason, code=rejected.code)
        case "wait":
            wait = message.wait
            delay = wait.delay.ToNanoseconds() / 1e9
            return Verdict(outcome="wait", reason=wait.reason, code=wait.code, delay_seconds=max(0.05, delay))
        case "aborted":
            aborted = message.aborted
            return Verdict(outcome="aborted", state=_state(aborted), reason=aborted.reason, code=aborted.code)
    raise errors.Internal("the server answered without a verdict that this client knows")


def _state(holder: Any) -> State[Any] | None:
    return state_from_proto(holder.state) if holder.HasField("state") else None
