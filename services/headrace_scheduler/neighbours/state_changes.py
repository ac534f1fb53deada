"""The outbox of the state service: runs that are to be stopped, as soon as that is known."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import grpc
import grpc.aio

from headrace.api.v1 import state_pb2
from headrace.internal.v1 import changes_pb2, outbox_pb2, outbox_pb2_grpc
from headrace.rpc import status
from headrace_scheduler.wire import values

KIND = "flow-run.cancelling"
"""Of all states the only one that is looked for: each replica reads what it asks for by itself."""

LOOK_SECONDS = 0.2
"""How often it is looked for at most: runs go on while they are being stopped."""


class StateChanges:
    """Follows changes of flow runs.

    Args:
        channel: To the state service, with the internal token.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._outbox = outbox_pb2_grpc.OutboxServiceStub(channel)

    async def cancelling(self) -> AsyncIterator[list[uuid.UUID]]:
        """Yield runs that entered CANCELLING from now on; never ends by itself.

        What happens before or after is not seen: whoever holds runs hears of it when their leases are renewed.

        Raises:
            errors.Unavailable: The state service does not answer, or no longer.
        """
        request = outbox_pb2.FollowOutboxRequest(
            consumer="scheduler",
            kinds=[KIND],
            from_now=True,
            service="state",
            least_interval=values.from_seconds(LOOK_SECONDS),
        )
        try:
            async for batch in self._outbox.FollowOutbox(request):
                found = [
                    flow_run_id for entry in batch.entries if (flow_run_id := _cancelling(entry.payload)) is not None
                ]
                if found:
                    yield found
        except grpc.RpcError as error:
            raise status.from_rpc_error(error) from error


def _cancelling(payload: bytes) -> uuid.UUID | None:
    run = changes_pb2.FlowRunStateChanged.FromString(payload).flow_run
    is_cancelling = run.state.type == state_pb2.STATE_TYPE_CANCELLING
    return uuid.UUID(run.flow_run_id) if is_cancelling else None
