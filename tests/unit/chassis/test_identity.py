"""What a process remembers of the identity service."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from headrace import errors
from headrace.api.v1 import workspace_pb2
from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace.internal.v1 import identity_pb2, identity_pb2_grpc
from headrace_chassis import identity
from headrace_chassis.identity import IdentityClient
from headrace_chassis.local.channel import LocalChannel
from headrace_chassis.local.server import LocalServer
from headrace_chassis.resolving import INTERNAL_TOKEN_KEY, WORKSPACE_KEY, LocalCallerResolver
from headrace_chassis.validation import Validator

LAB = uuid.UUID("00000000-0000-7000-8000-00000000000a")


class Identity(identity_pb2_grpc.IdentityInternalServiceServicer):
    """Knows one workspace, until it is told otherwise."""

    def __init__(self) -> None:
        self.known = {"lab": LAB}
        self.is_away = False
        self.calls = 0

    async def ResolveWorkspace(self, request: identity_pb2.ResolveWorkspaceRequest, context: Any) -> Any:
        self.calls += 1
        if self.is_away:
            raise errors.DeadlineExceeded("away")
        if request.workspace not in self.known:
            raise errors.NotFound("no such workspace")
        return identity_pb2.ResolveWorkspaceResponse(
            workspace=workspace_pb2.Workspace(workspace_id=str(self.known[request.workspace]))
        )

    async def GetInstallation(self, request: identity_pb2.GetInstallationRequest, context: Any) -> Any:
        self.calls += 1
        if self.is_away:
            raise errors.DeadlineExceeded("away")
        return identity_pb2.GetInstallationResponse(installation_id="i")


class Asked:
    """A client, the service behind it, and the time."""

    def __init__(self) -> None:
        self.service = Identity()  # type: ignore[abstract] # only what is asked here
        self.now = 100.0
        server = LocalServer(
            resolver=LocalCallerResolver(), internal_token="t", validator=Validator(), default_deadline_seconds=5
        )
        server.add_servicer(self.service)
        channel = LocalChannel(server, lambda pairs: (*pairs, (INTERNAL_TOKEN_KEY, "t")))
        self.client = IdentityClient(lambda: channel, monotonic=lambda: self.now)


@pytest.fixture
async def asked() -> Asked:
    return Asked()


async def test_a_workspace_is_asked_for_once_in_a_while(asked: Asked) -> None:
    for _ in range(3):
        assert await asked.client.find_workspace("lab") == LAB
    assert asked.service.calls == 1
    asked.now += identity.KEPT_SECONDS
    assert await asked.client.find_workspace("lab") == LAB
    assert asked.service.calls == 2


async def test_a_workspace_that_is_made_later_is_found_soon(asked: Asked) -> None:
    for _ in range(2):
        with pytest.raises(errors.NotFound, match="no workspace new"):
            await asked.client.find_workspace("new")
    assert asked.service.calls == 1
    asked.service.known["new"] = LAB
    asked.now += identity.MISSING_KEPT_SECONDS
    assert await asked.client.find_workspace("new") == LAB


async def test_what_was_known_holds_while_the_service_is_away(asked: Asked) -> None:
    await asked.client.find_workspace("lab")
    asked.service.is_away = True
    asked.now += identity.KEPT_SECONDS
    assert await asked.client.find_workspace("lab") == LAB
    with pytest.raises(errors.Unavailable):
        await asked.client.find_workspace("other")


async def test_what_is_remembered_is_bounded(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "KEPT_LIMIT", 2)
    asked.service.known |= {"a": LAB, "b": LAB}
    for name in ("lab", "a", "b", "lab"):
        await asked.client.find_workspace(name)
    assert asked.service.calls == 4


async def test_the_installation_is_empty_until_it_is_known_and_then_stays(asked: Asked) -> None:
    asked.service.is_away = True
    assert await asked.client.installation_id() == ""
    asked.service.is_away = False
    assert await asked.client.installation_id() == "i"
    asked.service.is_away = True
    assert await asked.client.installation_id() == "i"


async def test_a_local_caller_acts_in_the_workspace_that_it_names(asked: Asked) -> None:
    resolver = LocalCallerResolver(asked.client)
    assert (await resolver.resolve({WORKSPACE_KEY: "lab"}, "")).workspace_id == LAB
    assert (await resolver.resolve({}, "")).workspace_id == DEFAULT_WORKSPACE_ID
    assert (await resolver.resolve({WORKSPACE_KEY: str(DEFAULT_WORKSPACE_ID)}, "")).workspace_id == DEFAULT_WORKSPACE_ID
    assert asked.service.calls == 1
    with pytest.raises(errors.NotFound):
        await resolver.resolve({WORKSPACE_KEY: str(uuid.uuid4())}, "")
