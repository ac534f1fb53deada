"""Sinks between the wire and the service's own words."""

from __future__ import annotations

import re
import urllib.parse
import uuid

from headrace import errors
from headrace.api.v1 import log_sink_pb2
from headrace_log.rules.records import FollowToken
from headrace_log.rules.sinks import FILE, Sink
from headrace_log.wire.records import follow_token_from_wire, follow_token_to_wire, timestamp

_QUESTION = b"log sink ..."
_HEADER = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OURS = frozenset({"content-type", "content-length", "host", "transfer-encoding", "connection", "headrace-batch"})
_LONGEST_VALUE = 4000


def token_to_text(token: FollowToken) -> str:
    """Return how far a sink is, as it is kept."""
    return follow_token_to_wire(token, _QUESTION)


def token_from_text(text: str) -> FollowToken | None:
    """Return how far a sink is."""
    return follow_token_from_wire(text, _QUESTION)


def sink_from_proto(sink: log_sink_pb2.LogSink, workspace_id: uuid.UUID) -> Sink:
    """Return a sink in the service's words.

    Raises:
        errors.InvalidArgument: A field does not fit its kind; it is named.
    """
    parts = urllib.parse.urlsplit(sink.url)
    if sink.kind == FILE:
        if sink.url or sink.headers:
            raise errors.InvalidArgument.of_field("log_sink.url", "must be empty, as the headers: files have neither")
    elif parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise errors.InvalidArgument.of_field("log_sink.url", "must be an http or https URL without a user in it")
    headers = {name.lower(): value for name, value in sink.headers.items()}
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or name in _OURS:
            raise errors.InvalidArgument.of_field("log_sink.headers", f"{name!r} cannot be the name of a header here")
        if len(value) > _LONGEST_VALUE or not all(32 <= ord(character) < 127 for character in value):
            raise errors.InvalidArgument.of_field("log_sink.headers", f"the value of {name} must be printable ASCII")
    return Sink(workspace_id, sink.name, sink.kind, sink.url, headers, max(0, sink.level_at_least), sink.is_paused)


def sink_to_proto(sink: Sink) -> log_sink_pb2.LogSink:
    """Return a sink as it goes over the wire: its headers by name only."""
    made = log_sink_pb2.LogSink(
        name=sink.name,
        kind=log_sink_pb2.LogSinkKind.ValueType(sink.kind),
        url=sink.url,
        headers=dict.fromkeys(sink.headers, ""),
        level_at_least=sink.level_at_least,
        is_paused=sink.is_paused,
        sent_records=sink.sent_records,
        failures=sink.failures,
        last_error=sink.last_error,
    )
    if sink.sent_at is not None:
        made.sent_at.CopyFrom(timestamp(sink.sent_at))
    return made
