"""Workspaces through the service's own gRPC, with real Postgres."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import TypeAlias

import grpc.aio
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from headrace import errors
from headrace.api.v1 import options_pb2, workspace_pb2, workspace_pb2_grpc
from headrace.ids import DEFAULT_WORKSPACE_ID, uuid7
from headrace.internal.v1 import identity_pb2, identity_pb2_grpc
from headrace.rpc.status import from_rpc_error
from headrace_chassis.caller import Caller
from headrace_chassis.resolving import Metadata, UnprovenCallers
from headrace_harness.services import RunningService, running_service
from headrace_identity.wiring import build

Stub: TypeAlias = "workspace_pb2_grpc.WorkspaceServiceAsyncStub"


class Visitor(UnprovenCallers):
    """Lets in one principal with a few permissions in one workspace."""

    def __init__(self, workspace_id: uuid.UUID, *permissions: str) -> None:
        self._workspace_id = workspace_id
        self._permissions = frozenset(permissions)

    async def resolve(self, metadata: Metadata, correlation_id: str) -> Caller:
        return Caller(self._workspace_id, "visitor", "user", "Visitor", self._permissions, correlation_id)


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[RunningService]:
    async with running_service("identity", build, database_url) as running:
        yield running


@pytest.fixture
def workspaces(service: RunningService) -> Stub:
    return stub_of(service)


def stub_of(service: RunningService) -> Stub:
    return workspace_pb2_grpc.WorkspaceServiceStub(service.channel)


@contextlib.contextmanager
def refused(expected: type[errors.HeadraceError], *words: str) -> Iterator[None]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield
    error = from_rpc_error(caught.value)
    assert isinstance(error, expected)
    for word in words:
        assert word in error.message


async def create(stub: Stub, handle: str, **fields: str) -> workspace_pb2.Workspace:
    response = await stub.CreateWorkspace(workspace_pb2.CreateWorkspaceRequest(handle=handle, **fields))
    return response.workspace


async def test_one_workspace_exists_after_installation(workspaces: Stub) -> None:
    listed = await workspaces.ListWorkspaces(workspace_pb2.ListWorkspacesRequest())
    assert [workspace.workspace_id for workspace in listed.workspaces] == [str(DEFAULT_WORKSPACE_ID)]
    assert listed.workspaces[0].handle == "default"


async def test_a_workspace_is_found_by_its_id_and_by_its_handle(workspaces: Stub) -> None:
    made = await create(workspaces, "research", name="Research", description="for later")
    for named in (made.workspace_id, "research"):
        found = await workspaces.GetWorkspace(workspace_pb2.GetWorkspaceRequest(workspace=named))
        assert found.workspace == made
    assert made.name == "Research"
    assert made.description == "for later"
    assert made.created_at.seconds > 0


async def test_a_workspace_without_a_name_is_called_by_its_handle(workspaces: Stub) -> None:
    assert (await create(workspaces, "research")).name == "research"


async def test_the_same_request_again_returns_the_same_workspace(workspaces: Stub) -> None:
    workspace_id = str(uuid7())
    first = await create(workspaces, "research", workspace_id=workspace_id)
    second = await create(workspaces, "research", workspace_id=workspace_id)
    assert first == second


async def test_a_taken_handle_is_refused(workspaces: Stub) -> None:
    await create(workspaces, "research")
    with refused(errors.AlreadyExists, "handle research"):
        await create(workspaces, "research")


async def test_a_taken_id_is_refused(workspaces: Stub) -> None:
    made = await create(workspaces, "research")
    with refused(errors.AlreadyExists, made.workspace_id):
        await create(workspaces, "other", workspace_id=made.workspace_id)


@pytest.mark.parametrize(
    "handle", ["", "Research", "-research", "re search", "x" * 101, "6f1b2c3d-0000-4000-8000-000000000001"]
)
async def test_a_handle_that_is_not_allowed_is_refused(workspaces: Stub, handle: str) -> None:
    with refused(errors.InvalidArgument, "handle"):
        await create(workspaces, handle)


async def test_a_workspace_that_is_not_there_is_not_found(workspaces: Stub) -> None:
    for named in ("nowhere", str(uuid7())):
        with refused(errors.NotFound, named):
            await workspaces.GetWorkspace(workspace_pb2.GetWorkspaceRequest(workspace=named))


async def test_pages_hold_every_workspace_once_in_order(workspaces: Stub) -> None:
    for number in range(7):
        await create(workspaces, f"w{number}")
    handles, token = [], ""
    while True:
        page = await workspaces.ListWorkspaces(workspace_pb2.ListWorkspacesRequest(page_size=3, page_token=token))
        handles += [workspace.handle for workspace in page.workspaces]
        token = page.next_page_token
        if not token:
            break
    assert handles == ["default", *(f"w{number}" for number in range(7))]


async def test_a_page_token_of_another_list_is_refused(workspaces: Stub) -> None:
    with refused(errors.InvalidArgument, "page_token"):
        await workspaces.ListWorkspaces(workspace_pb2.ListWorkspacesRequest(page_token="AAAA"))


async def test_an_update_changes_what_the_mask_names_and_nothing_else(workspaces: Stub) -> None:
    made = await create(workspaces, "research", name="Research", description="for later")
    request = workspace_pb2.UpdateWorkspaceRequest(
        workspace=workspace_pb2.Workspace(workspace_id=made.workspace_id, name="Ignored"),
        update_mask=FieldMask(paths=["description"]),
    )
    changed = (await workspaces.UpdateWorkspace(request)).workspace
    assert (changed.name, changed.description) == ("Research", "")
    assert changed.updated_at.ToNanoseconds() > made.updated_at.ToNanoseconds()


async def test_an_update_without_a_mask_changes_what_is_set(workspaces: Stub) -> None:
    made = await create(workspaces, "research", description="for later")
    request = workspace_pb2.UpdateWorkspaceRequest(
        workspace=workspace_pb2.Workspace(workspace_id=made.workspace_id, handle="lab")
    )
    changed = (await workspaces.UpdateWorkspace(request)).workspace
    assert (changed.handle, changed.description) == ("lab", "for later")


@pytest.mark.parametrize(
    ("change", "paths", "field"),
    [
        ({"handle": "Not A Handle"}, ["handle"], "workspace.handle"),
        ({"name": " "}, ["name"], "workspace.name"),
        ({"account_id": "x"}, ["account_id"], "update_mask"),
    ],
)
async def test_an_update_that_is_not_allowed_is_refused(
    workspaces: Stub, change: dict[str, str], paths: list[str], field: str
) -> None:
    workspace = workspace_pb2.Workspace(workspace_id=str(DEFAULT_WORKSPACE_ID))
    for name, value in change.items():
        setattr(workspace, name, value)
    request = workspace_pb2.UpdateWorkspaceRequest(workspace=workspace, update_mask=FieldMask(paths=paths))
    with refused(errors.InvalidArgument, field):
        await workspaces.UpdateWorkspace(request)


async def test_an_update_to_a_taken_handle_is_refused(workspaces: Stub) -> None:
    made = await create(workspaces, "research")
    request = workspace_pb2.UpdateWorkspaceRequest(
        workspace=workspace_pb2.Workspace(workspace_id=made.workspace_id, handle="default")
    )
    with refused(errors.AlreadyExists, "default"):
        await workspaces.UpdateWorkspace(request)


async def test_the_local_caller_may_do_everything_in_the_default_workspace(workspaces: Stub) -> None:
    caller = await workspaces.GetCaller(workspace_pb2.GetCallerRequest())
    assert caller.kind == workspace_pb2.PRINCIPAL_KIND_LOCAL
    assert caller.workspace.workspace_id == str(DEFAULT_WORKSPACE_ID)
    assert options_pb2.PERMISSION_ACCOUNT_ADMIN in caller.permissions
    assert options_pb2.PERMISSION_INTERNAL not in caller.permissions


async def test_who_does_not_administer_the_account_sees_only_the_own_workspace(database_url: str) -> None:
    async with running_service("identity", build, database_url) as service:
        hidden = await create(stub_of(service), "hidden")
    visitor = Visitor(DEFAULT_WORKSPACE_ID, "PERMISSION_WORKSPACE_VIEW", "PERMISSION_WORKSPACE_EDIT")
    async with running_service("identity", build, database_url, resolver=visitor) as service:
        stub = stub_of(service)
        listed = await stub.ListWorkspaces(workspace_pb2.ListWorkspacesRequest())
        assert [workspace.handle for workspace in listed.workspaces] == ["default"]
        caller = await stub.GetCaller(workspace_pb2.GetCallerRequest())
        assert list(caller.permissions) == [
            options_pb2.PERMISSION_WORKSPACE_VIEW,
            options_pb2.PERMISSION_WORKSPACE_EDIT,
        ]
        with refused(errors.NotFound):
            await stub.GetWorkspace(workspace_pb2.GetWorkspaceRequest(workspace=hidden.workspace_id))
        with refused(errors.NotFound):
            await stub.UpdateWorkspace(
                workspace_pb2.UpdateWorkspaceRequest(
                    workspace=workspace_pb2.Workspace(workspace_id=hidden.workspace_id, name="Mine")
                )
            )
        with refused(errors.PermissionDenied, "account-admin"):
            await create(stub, "mine")


async def test_neighbours_resolve_workspaces_and_others_may_not(service: RunningService) -> None:
    inside = identity_pb2_grpc.IdentityInternalServiceStub(service.internal_channel)
    found = await inside.ResolveWorkspace(identity_pb2.ResolveWorkspaceRequest(workspace="default"))
    assert found.workspace.workspace_id == str(DEFAULT_WORKSPACE_ID)
    with refused(errors.NotFound):
        await inside.ResolveWorkspace(identity_pb2.ResolveWorkspaceRequest(workspace="nowhere"))
    outside = identity_pb2_grpc.IdentityInternalServiceStub(service.channel)
    with refused(errors.PermissionDenied):
        await outside.ResolveWorkspace(identity_pb2.ResolveWorkspaceRequest(workspace="default"))


async def test_the_installation_is_the_database(service: RunningService) -> None:
    inside = identity_pb2_grpc.IdentityInternalServiceStub(service.internal_channel)
    first = await inside.GetInstallation(identity_pb2.GetInstallationRequest())
    second = await inside.GetInstallation(identity_pb2.GetInstallationRequest())
    assert first == second
    assert uuid.UUID(first.installation_id).int > 0
