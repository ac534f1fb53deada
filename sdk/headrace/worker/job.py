"""What a worker hands to the process that executes one flow run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

API_KEY = "HEADRACE_API_KEY"
"""The variable with what a process proves itself with."""

_SEPARATOR = b"\n"
_TOLD = (
    "api_url",
    "grpc_address",
    "grpc_tls",
    "environment",
    "working_directory",
    "command",
    "stream_output",
    "calls_hooks",
)


@dataclass(frozen=True, slots=True)
class Job:
    """Everything that the process needs, so that user code starts without asking anybody."""

    assignment: bytes
    """A serialized `headrace.api.v1.Assignment`, its run already RUNNING."""
    api_url: str
    """The server's HTTP address."""
    grpc_address: str
    """The server's gRPC address, so that the process need not ask for it."""
    grpc_tls: bool = False
    """Whether it is reached over TLS."""
    environment: dict[str, str] = field(default_factory=dict)
    """Variables on top of the worker's own."""
    working_directory: str | None = None
    """Where the process starts; None is the worker's own folder."""
    command: str | None = None
    """Starts the process in place of the worker's own way; it is given the job on its standard input and has to end
    in `headrace.worker.child`, for example `/opt/other/bin/python -m headrace.worker.child`."""
    stream_output: bool = False
    """Whether the output is shown by the worker too, beside the run's log."""
    calls_hooks: bool = False
    """Whether the process is to call the hooks of a run whose own process was killed, in place of executing it."""
    flow_run_id: str = ""
    """The flow run; with the next three, for launchers whose processes fetch the rest by themselves."""
    flow_run_name: str = ""
    attempt_token: str = ""
    attempt_number: int = 1
    configuration: Mapping[str, Any] = field(default_factory=dict)
    """The pool's job template with its values."""

    def to_bytes(self) -> bytes:
        """Return the job as bytes: a line of JSON, then the assignment."""
        head = {name: getattr(self, name) for name in _TOLD}
        return json.dumps(head, separators=(",", ":")).encode() + _SEPARATOR + self.assignment

    @classmethod
    def from_bytes(cls, data: bytes) -> Job:
        """Return the job that `to_bytes` wrote."""
        head, _, assignment = data.partition(_SEPARATOR)
        return cls(assignment=assignment, **json.loads(head))
