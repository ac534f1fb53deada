"""What this process knows from the identity service: workspaces by name, and which installation this is.

Answers are kept for a while, so that calls need not ask each time.
"""

from __future__ import annotations

import collections
import time
import uuid
from collections.abc import Callable

import grpc
import grpc.aio

from headrace import errors
from headrace.internal.v1 import identity_pb2, identity_pb2_grpc
from headrace.rpc.status import from_rpc_error

KEPT_SECONDS = 30.0
"""After this long a workspace is asked for again."""

MISSING_KEPT_SECONDS = 2.0
"""After this long a workspace that was not there is asked for again."""

KEPT_LIMIT = 1_000
"""Most names that are kept; the oldest makes room."""

_TIMEOUT_SECONDS = 5.0


class IdentityClient:
    """Asks the identity service, and remembers.

    Args:
        channel: Returns the channel to it, with the internal token.
        monotonic: Seconds that never go back.
    """

    def __init__(
        self, channel: Callable[[], grpc.aio.Channel], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._channel = channel
        self._monotonic = monotonic
        self._kept: collections.OrderedDict[str, tuple[float, uuid.UUID | None]] = collections.OrderedDict()
        self._installation_id = ""

    async def find_workspace(self, named: str) -> uuid.UUID:
        """Return the id of the workspace with an id or handle.

        Raises:
            errors.NotFound: There is none.
            errors.InvalidArgument: It cannot be the name of one.
            errors.Unavailable: The identity service does not answer, and never told.
        """
        expires_at, workspace_id = self._kept.get(named, (0.0, None))
        if expires_at <= self._monotonic():
            try:
                workspace_id = await self._ask(named)
            except errors.Unavailable:
                # What was so a while ago is better than nothing while identity is away.
                if workspace_id is None:
                    raise
            else:
                self._keep(named, workspace_id)
        if workspace_id is None:
            raise errors.NotFound(f"there is no workspace {named}", reason="WORKSPACE_NOT_FOUND")
        return workspace_id

    async def installation_id(self) -> str:
        """Return which installation the database is, "" while that cannot be told."""
        if not self._installation_id:
            stub = identity_pb2_grpc.IdentityInternalServiceStub(self._channel())
            try:
                response = await stub.GetInstallation(identity_pb2.GetInstallationRequest(), timeout=_TIMEOUT_SECONDS)
            except grpc.aio.AioRpcError:
                return ""
            self._installation_id = response.installation_id
        return self._installation_id

    async def _ask(self, named: str) -> uuid.UUID | None:
        stub = identity_pb2_grpc.IdentityInternalServiceStub(self._channel())
        request = identity_pb2.ResolveWorkspaceRequest(workspace=named)
        try:
            response = await stub.ResolveWorkspace(request, timeout=_TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            cause = from_rpc_error(error)
            if isinstance(cause, errors.NotFound):
                return None
            if isinstance(cause, errors.DeadlineExceeded):
                raise errors.Unavailable("the identity service does not answer") from error
            raise cause from error
        return uuid.UUID(response.workspace.workspace_id)

    def _keep(self, named: str, workspace_id: uuid.UUID | None) -> None:
        seconds = KEPT_SECONDS if workspace_id is not None else MISSING_KEPT_SECONDS
        self._kept[named] = (self._monotonic() + seconds, workspace_id)
        self._kept.move_to_end(named)
        if len(self._kept) > KEPT_LIMIT:
            self._kept.popitem(last=False)
