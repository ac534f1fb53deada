"""What the state service tells of attempts."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable

import grpc.aio

from headrace import errors
from headrace.internal.v1 import state_pb2, state_pb2_grpc
from headrace.rpc.status import from_rpc_error
from headrace_chassis.caller import set_caller
from headrace_chassis.resolving import service_caller
from headrace_identity.rules.run_tokens import Attempt

_TIMEOUT_SECONDS = 4.0


class StateAttempts:
    """Implements `repository.Attempts`.

    Args:
        channel: Returns the channel to a service by name.
    """

    def __init__(self, channel: Callable[[str], grpc.aio.Channel]) -> None:
        self._channel = channel

    async def load(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, attempt_token: uuid.UUID) -> Attempt:
        """Return how an attempt stands.

        Raises:
            errors.Unavailable: The state service does not answer.
        """
        stub = state_pb2_grpc.StateInternalServiceStub(self._channel("state"))
        wanted = state_pb2.AttemptRef(flow_run_id=str(flow_run_id), token=str(attempt_token))
        token = set_caller(service_caller("identity", workspace_id))
        try:
            response = await stub.GetAttempt(state_pb2.GetAttemptRequest(attempt=wanted), timeout=_TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise errors.Unavailable(f"the state service does not tell about runs: {from_rpc_error(error)}") from error
        finally:
            token.var.reset(token)
        ended_at = response.ended_at.ToDatetime(datetime.UTC) if response.HasField("ended_at") else None
        return Attempt(response.is_current, ended_at)
