"""Logs of flow runs, from the service that keeps them."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable

import grpc.aio

from headrace.api.v1 import log_pb2, log_pb2_grpc
from headrace_notification.neighbours.calling import TIMEOUT_SECONDS, call

LONGEST_LINE = 500


class NeighbourLogs:
    """Asks the log service.

    Args:
        channel: Returns the channel to a service by name.
    """

    def __init__(self, channel: Callable[[str], grpc.aio.Channel]) -> None:
        self._channel = channel

    async def last_lines(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, count: int) -> list[str]:
        """Return the last lines of a flow run's log, oldest first.

        Raises:
            errors.HeadraceError: The log service does not tell.
        """
        stub = log_pb2_grpc.LogServiceStub(self._channel("log"))
        request = log_pb2.ListLogsRequest(
            filter=log_pb2.LogFilter(flow_run_ids=[str(flow_run_id)], level_at_least=logging.INFO),
            sort=log_pb2.LOG_SORT_OCCURRED_DESC,
            page_size=count,
        )
        response = await call(workspace_id, "notification", lambda: stub.ListLogs(request, timeout=TIMEOUT_SECONDS))
        return [_line(record) for record in reversed(response.logs)]


def _line(record: log_pb2.LogRecord) -> str:
    at = record.occurred_at.ToDatetime()
    text = record.message if len(record.message) <= LONGEST_LINE else record.message[: LONGEST_LINE - 1] + "…"
    return f"{at:%H:%M:%S} {logging.getLevelName(record.level)} {text}"
