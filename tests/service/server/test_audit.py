"""The audit log, from the guard of any service to the chain that identity keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import grpc.aio
import pytest

from headrace import errors
from headrace.api.v1 import audit_pb2, audit_pb2_grpc, variable_pb2, variable_pb2_grpc, work_pool_pb2_grpc
from headrace.api.v1 import work_pool_pb2 as pools
from headrace.internal.v1 import audit_pb2 as internal_pb2
from headrace.internal.v1 import audit_pb2_grpc as internal_pb2_grpc
from headrace.rpc.status import from_rpc_error
from headrace_harness.servers import eventually
from headrace_harness.stack import Stack, running_stack


@pytest.fixture
async def stack(database_url: str) -> AsyncIterator[Stack]:
    async with running_stack(database_url) as made:
        yield made


async def entries(stack: Stack, **wanted: Any) -> list[audit_pb2.AuditEntry]:
    stub = stack.stub(audit_pb2_grpc.AuditServiceStub)
    return list((await stub.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(**wanted))).entries)


async def until_there(stack: Stack, count: int, **wanted: Any) -> list[audit_pb2.AuditEntry]:
    """Return the entries that fit, the oldest first, once there are `count`."""
    found: list[audit_pb2.AuditEntry] = []

    async def are_there() -> bool:
        found[:] = await entries(stack, **wanted)
        return len(found) >= count

    await eventually(are_there)
    return found[::-1]


async def set_variable(stack: Stack, name: str, value: float) -> None:
    stub = stack.stub(variable_pb2_grpc.VariableServiceStub)
    request = variable_pb2.SetVariableRequest(name=name, overwrite=True)
    request.value.number_value = value
    await stub.SetVariable(request)


async def test_a_change_is_there_with_who_what_and_digests(stack: Stack) -> None:
    await set_variable(stack, "limit", 1)
    await set_variable(stack, "limit", 2)
    answer = await stack.http.delete("/v1/variables/limit", headers={"user-agent": "a browser"})
    assert answer.status_code == 200
    first, second, deleted = await until_there(stack, 3, object_kind="variables")
    assert [entry.action for entry in (first, second, deleted)] == [
        "VariableService.SetVariable",
        "VariableService.SetVariable",
        "VariableService.DeleteVariable",
    ]
    assert first.principal_kind == "local"
    assert first.permission == "variables_edit"
    assert first.object_id == "limit"
    assert first.outcome == audit_pb2.AUDIT_OUTCOME_DONE
    assert first.address == "127.0.0.1"
    assert "grpc" in first.user_agent
    assert deleted.user_agent == "a browser"
    assert first.before_digest == ""
    assert first.after_digest != second.after_digest
    assert (second.before_digest, deleted.before_digest) == (first.after_digest, second.after_digest)
    assert deleted.after_digest == ""
    assert second.previous_hash == first.hash


async def test_what_fails_is_there_with_its_reason_and_changes_nothing(stack: Stack) -> None:
    stub = stack.stub(work_pool_pb2_grpc.WorkPoolServiceStub)
    with pytest.raises(grpc.aio.AioRpcError):
        await stub.DeleteWorkPool(pools.DeleteWorkPoolRequest(work_pool_name="none"))
    (failed,) = await until_there(stack, 1, outcome=audit_pb2.AUDIT_OUTCOME_FAILED)
    assert (failed.object_kind, failed.object_id) == ("work-pools", "none")
    assert failed.reason
    assert failed.after_digest == ""


async def test_reading_and_what_programs_report_are_not_there(stack: Stack) -> None:
    stub = stack.stub(variable_pb2_grpc.VariableServiceStub)
    await stub.ListVariables(variable_pb2.ListVariablesRequest())
    await stack.http.post("/v1/flows", json={"name": "a-flow"})
    await set_variable(stack, "last", 1)
    found = await until_there(stack, 1)
    assert [entry.action for entry in found] == ["VariableService.SetVariable"]


async def test_denied_attempts_are_there(stack: Stack) -> None:
    stub = stack.stub(internal_pb2_grpc.AuditInternalServiceStub)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stub.AppendAuditEntries(internal_pb2.AppendAuditEntriesRequest())
    # The public address does not serve what services say to each other, so that it is not even denied.
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
    wrong = (("headrace-internal-token", "guessed"),)
    variables = stack.stub(variable_pb2_grpc.VariableServiceStub)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await variables.ListVariables(variable_pb2.ListVariablesRequest(), metadata=wrong)
    assert isinstance(from_rpc_error(raised.value), errors.Unauthenticated)
    (denied,) = await until_there(stack, 1, without_workspace=True)
    assert denied.outcome == audit_pb2.AUDIT_OUTCOME_DENIED
    assert denied.principal_kind == "anonymous"
    assert denied.reason == "INTERNAL_TOKEN_WRONG"


async def test_the_chain_tells_when_somebody_changed_it(stack: Stack, database_url: str) -> None:
    for number in range(5):
        await set_variable(stack, f"v{number}", number)
    await until_there(stack, 5)
    stub = stack.stub(audit_pb2_grpc.AuditServiceStub)
    whole = await stub.GetAuditVerification(audit_pb2.GetAuditVerificationRequest())
    assert (whole.whole, whole.checked, whole.last_sequence) == (True, 5, 5)
    connection = await asyncpg.connect(database_url)
    try:
        # Not even who owns the database changes an entry without taking the wall away first.
        with pytest.raises(asyncpg.RaiseError, match="can only be added to"):
            await connection.execute("delete from identity.audit_entry")
        await connection.execute("alter table identity.audit_entry disable trigger all")
        await connection.execute("update identity.audit_entry set principal_name = 'nobody' where sequence = 3")
    finally:
        await connection.close()
    broken = await stub.GetAuditVerification(audit_pb2.GetAuditVerificationRequest())
    assert (broken.whole, broken.first_broken_sequence) == (False, 3)


@pytest.mark.parametrize("statement", ["update {} set reason = ''", "delete from {}", "truncate {}"])
async def test_the_service_itself_can_only_add(database_url: str, statement: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("set role headrace_identity")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement.format("identity.audit_entry"))
    finally:
        await connection.close()


async def test_entries_stream_in_their_order(stack: Stack) -> None:
    for number in range(3):
        await set_variable(stack, f"v{number}", number)
    await until_there(stack, 3)
    stub = stack.stub(audit_pb2_grpc.AuditServiceStub)
    call = stub.FollowAuditEntries(audit_pb2.FollowAuditEntriesRequest(after_sequence=1, follow=True))
    seen: list[int] = []
    async for response in call:
        seen += [entry.sequence for entry in response.entries]
        if len(seen) == 2:
            await set_variable(stack, "v3", 3)
        if len(seen) == 3:
            break
    call.cancel()
    assert seen == [2, 3, 4]


async def test_nobody_claims_an_address_that_is_not_theirs(stack: Stack) -> None:
    stub = stack.stub(variable_pb2_grpc.VariableServiceStub)
    claimed = (("headrace-client-address", "192.0.2.1"), ("headrace-client-address-proof", "0" * 64))
    request = variable_pb2.SetVariableRequest(name="v")
    request.value.number_value = 1
    await stub.SetVariable(request, metadata=claimed)
    (entry,) = await until_there(stack, 1)
    assert entry.address == "127.0.0.1"
