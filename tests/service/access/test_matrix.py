"""Every method and every route, called by everybody: what docs/permissions.md says is what happens."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest
from google.protobuf import descriptor_pool, message_factory
from tools.permissions import PAGE, public_methods, render

from headrace import errors
from headrace.api.v1 import options_pb2
from headrace.rpc.status import from_rpc_error
from headrace_chassis.methods import PERMISSION_AUTHENTICATED, PERMISSION_PUBLIC, Method
from headrace_gateway.contract import load_contract
from headrace_harness.members import Member, guarded_stack
from headrace_harness.waiting import eventually
from headrace_identity.rules.roles import ACCOUNT_ADMIN, built_in_roles
from headrace_identity.wire import PERMISSION_NAMES

METHODS = public_methods()
ROLES = built_in_roles(PERMISSION_NAMES)
ID = "00000000-0000-7000-8000-00000000dead"

# A stream that is let in says nothing by itself; one that is not is refused at once.
LET_IN_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
AT_ONCE = 24


@dataclasses.dataclass(frozen=True, slots=True)
class Somebody:
    """Who calls, and what is to come of it."""

    name: str
    metadata: tuple[tuple[str, str], ...]
    permissions: frozenset[str] | None
    """None for nobody in particular."""
    refusal: str = "UNAUTHENTICATED"
    """What methods answer that are not for anybody, where `permissions` is None."""

    def expected(self, method: Method) -> str:
        if method.permission == PERMISSION_PUBLIC:
            return "let in"
        if self.permissions is None:
            return self.refusal
        if method.permission == PERMISSION_AUTHENTICATED or method.permission_name in self.permissions:
            return "let in"
        return "PERMISSION_DENIED"


@pytest.fixture(scope="module")
def page() -> str:
    return render()


def test_the_page_is_what_the_contract_says(page: str) -> None:
    assert PAGE.read_text(encoding="utf-8") == page, "run: python -m tools.permissions"


def test_every_public_method_names_a_permission() -> None:
    assert [method.path for method in METHODS if method.permission == options_pb2.PERMISSION_UNSPECIFIED] == []
    assert [method.path for method in METHODS if method.is_internal] == []


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Member]:
    async with guarded_stack(database_url) as owner:
        yield owner


async def everybody(owner: Member) -> list[Somebody]:
    """Make one of each kind of caller."""
    callers = [Somebody("owner of the account", owner.metadata, ROLES["owner"].permissions)]
    members = {role: await owner.make(f"a-{role}", role) for role in ROLES}
    callers += [
        Somebody(role, member.metadata, ROLES[role].permissions - {ACCOUNT_ADMIN}) for role, member in members.items()
    ]
    await owner.post("/v1/workspaces", {"handle": "elsewhere"})
    revoked = await owner.make("revoked", "developer")
    await owner.post(f"/v1/api-keys/{revoked.key.split('_')[1]}:revoke", {})
    request = {"name": "short", "principal_id": members["developer"].principal_id, "lifetime": "0.001s"}
    expired = (await owner.post("/v1/api-keys", request))["key"]
    stranger = (*members["developer"].metadata, ("headrace-workspace", "elsewhere"))
    callers += [
        Somebody("nobody", (), None),
        Somebody("wrong workspace", stranger, None, "NOT_FOUND"),
        Somebody("workspace that is not", (*owner.metadata, ("headrace-workspace", "nowhere")), None, "NOT_FOUND"),
        Somebody("revoked key", revoked.metadata, None),
        Somebody("expired key", (("authorization", f"Bearer {expired}"),), None),
        Somebody("internal token of another", (("headrace-internal-token", "guessed"),), None, "UNAUTHENTICATED"),
    ]

    async def is_refused() -> bool:
        return (await owner.stack.http.get("/v1/flows", headers=dict(revoked.metadata))).status_code == 401

    await eventually(is_refused, PATIENCE_SECONDS)
    return callers


async def test_every_method_lets_in_whom_the_page_names(owner: Member) -> None:
    callers = await everybody(owner)
    channel = owner.stack.channels["state"]
    gate = asyncio.Semaphore(AT_ONCE)

    async def wrong(caller: Somebody, method: Method) -> str | None:
        expected = caller.expected(method)
        if caller.name.startswith("internal") and expected == "let in":
            # Whoever shows a token of the server's own is held to it, also where nobody needs any.
            expected = "UNAUTHENTICATED"
        async with gate:
            found = await _call(channel, method, caller.metadata, lets_in=expected == "let in")
        return None if found == expected else f"{caller.name} calls {method.path}: {found}, not {expected}"

    found = await asyncio.gather(*(wrong(caller, method) for caller in callers for method in METHODS))
    assert [each for each in found if each] == []


async def test_every_route_lets_in_whom_the_page_names(owner: Member) -> None:
    callers = [each for each in await everybody(owner) if not each.name.startswith("internal")]
    by_path = {method.path: method for method in METHODS}
    gate = asyncio.Semaphore(AT_ONCE)
    codes = {"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403, "NOT_FOUND": 404}

    async def wrong(caller: Somebody, path: str, verb: str, template: str) -> str | None:
        expected = caller.expected(by_path[path])
        # A stream that is let in goes on; the test above has them.
        if expected == "let in" and by_path[path].server_streaming:
            return None
        address = re.sub(r"{[^}]*}", ID, re.sub(r"{number[^}]*}", "1", template))
        async with gate:
            response = await owner.stack.http.request(
                verb,
                address,
                json={} if verb in ("POST", "PUT", "PATCH") else None,
                headers=dict(caller.metadata),
                timeout=PATIENCE_SECONDS,
            )
        if expected == "let in":
            is_right = response.status_code not in (401, 403) or "WRONG" in response.text or "REFUSED" in response.text
            is_right = is_right or not _is_about(response.json(), by_path[path])
        elif by_path[path].server_streaming and response.status_code == 200:
            # A refusal that takes long on a busy machine comes after the headers of the stream.
            is_right = f'"code":{grpc.StatusCode[expected].value[0]}' in response.text
        else:
            is_right = response.status_code == codes[expected]
        return None if is_right else f"{caller.name} calls {verb} {address}: {response.status_code}, not {expected}"

    found = await asyncio.gather(
        *(
            wrong(caller, method.path, rule.verb, rule.template)
            for caller in callers
            for method in load_contract().methods
            for rule in method.rules
        )
    )
    assert [each for each in found if each] == []


async def _call(
    channel: grpc.aio.Channel, method: Method, metadata: tuple[tuple[str, str], ...], *, lets_in: bool
) -> str:
    """Call a method with an empty request, and say what came of it."""
    described = descriptor_pool.Default().FindMethodByName(f"{method.service}.{method.name}")
    request = message_factory.GetMessageClass(described.input_type)()
    form = "_".join("stream" if streams else "unary" for streams in (method.client_streaming, method.server_streaming))
    make = getattr(channel, form)(method.path, request_serializer=type(request).SerializeToString)
    timeout = PATIENCE_SECONDS if method.is_unary or not lets_in else LET_IN_SECONDS
    call = make(_none() if method.client_streaming else request, metadata=metadata, timeout=timeout)
    try:
        if method.server_streaming:
            await call.read()
        else:
            await call
        code = await call.code()
        if code is grpc.StatusCode.OK or not method.server_streaming:
            return "let in"
    except grpc.aio.AioRpcError as error:
        return _verdict(from_rpc_error(error), method)
    finally:
        call.cancel()
    return "let in"


def _verdict(error: errors.HeadraceError, method: Method) -> str:
    match error:
        case errors.Unauthenticated():
            is_of_guard = error.reason in ("CREDENTIAL_MISSING", "CREDENTIAL_REFUSED", "INTERNAL_TOKEN_WRONG")
            return "UNAUTHENTICATED" if is_of_guard else "let in"
        case errors.PermissionDenied():
            # Others are about what else a request asks for.
            return "PERMISSION_DENIED" if error.metadata.get("permission") == method.permission_name else "let in"
        case errors.NotFound() if error.reason == "WORKSPACE_NOT_FOUND" and "no such" in error.message:
            return "NOT_FOUND"
    return "let in"


def _is_about(body: object, method: Method) -> bool:
    return method.permission_name in str(body) or "CREDENTIAL" in str(body)


async def _none() -> AsyncIterator[object]:
    return
    yield
