"""`LogSinkService` on the wire."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import log_sink_pb2, log_sink_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.paging import decode_page_token, encode_page_token, question_digest
from headrace_log.repository import RecordTail, SinkStore
from headrace_log.rules.records import FollowToken
from headrace_log.rules.sinks import FILE
from headrace_log.wire import sinks as wire

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 200

Context = grpc.aio.ServicerContext[Any, Any]


class LogSinkServicer(log_sink_pb2_grpc.LogSinkServiceServicer):
    """Keeps sinks.

    Args:
        store: Where they are kept.
        tail: Tells where a new sink begins.
        has_files: Whether the server has a place for sinks of files.
        changed: Is called after a change.
    """

    def __init__(self, store: SinkStore, tail: RecordTail, has_files: bool, changed: Callable[[], None]) -> None:
        self._store = store
        self._tail = tail
        self._has_files = has_files
        self._changed = changed

    async def ListLogSinks(
        self, request: log_sink_pb2.ListLogSinksRequest, context: Context
    ) -> log_sink_pb2.ListLogSinksResponse:
        """Return a page of sinks."""
        workspace_id = current_caller().workspace_id
        question = question_digest(log_sink_pb2.ListLogSinksRequest(), "name", workspace_id)
        size = min(request.page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
        match decode_page_token(request.page_token, question):
            case None:
                after = ""
            case (str(after),):
                pass
            case _:
                raise errors.InvalidArgument.of_field("page_token", "must be a token that this call returned")
        found = await self._store.list_sinks(workspace_id, after=after, limit=size + 1)
        page = found[:size]
        token = encode_page_token((page[-1].name,), question) if len(found) > size else ""
        return log_sink_pb2.ListLogSinksResponse(
            log_sinks=[wire.sink_to_proto(sink) for sink in page], next_page_token=token
        )

    async def SetLogSink(
        self, request: log_sink_pb2.SetLogSinkRequest, context: Context
    ) -> log_sink_pb2.SetLogSinkResponse:
        """Make or change a sink."""
        sink = wire.sink_from_proto(request.log_sink, current_caller().workspace_id)
        if sink.kind == FILE and not self._has_files:
            raise errors.FailedPrecondition(
                "the server has no folder for files: set HEADRACE_SERVER_LOG_SINK_FOLDER", reason="NO_LOG_SINK_FOLDER"
            )
        now = await self._tail.settle()
        kept = await self._store.set_sink(dataclasses.replace(sink, token=wire.token_to_text(FollowToken(now, now))))
        self._changed()
        return log_sink_pb2.SetLogSinkResponse(log_sink=wire.sink_to_proto(kept))

    async def DeleteLogSink(
        self, request: log_sink_pb2.DeleteLogSinkRequest, context: Context
    ) -> log_sink_pb2.DeleteLogSinkResponse:
        """Delete a sink."""
        if not await self._store.delete_sink(current_caller().workspace_id, request.name):
            raise errors.NotFound(f"there is no log sink {request.name}", reason="LOG_SINK_NOT_FOUND")
        self._changed()
        return log_sink_pb2.DeleteLogSinkResponse()
