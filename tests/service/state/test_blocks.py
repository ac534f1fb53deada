"""Blocks: typed, referring to each other, with secrets that are seen by those who ask and may."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from headrace.api.v1 import block_pb2, block_pb2_grpc
from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace_chassis.caller import set_caller
from headrace_chassis.database import Database
from headrace_chassis.resolving import service_caller
from headrace_chassis.secrets import SecretBox
from headrace_chassis.settings import ServerSettings
from headrace_harness.services import RunningService, running_service
from headrace_harness.tenants import NamedCaller, calling_as, code_of
from headrace_state.queries.blocks import PostgresBlocks
from headrace_state.rules.blocks import HIDDEN
from headrace_state.usecases.blocks import rotate_secrets
from headrace_state.wiring import build

KEY = "ab" * 32
OTHER_KEY = "cd" * 32
GIT = {
    "type": "object",
    "required": ["token"],
    "properties": {"user": {"type": "string"}, "token": {"type": "string", "minLength": 3}},
}


class Blocks:
    """Calls the block service."""

    def __init__(self, service: RunningService) -> None:
        self.stub = block_pb2_grpc.BlockServiceStub(service.channel)

    async def register(
        self, slug: str, fields: dict[str, Any], *secret_fields: str, **more: Any
    ) -> block_pb2.BlockType:
        """Register a type."""
        schema = block_pb2.BlockSchema(secret_fields=secret_fields, capabilities=more.pop("capabilities", []))
        json_format.ParseDict(fields, schema.fields)
        request = block_pb2.RegisterBlockTypeRequest(slug=slug, schema=schema, **more)
        return (await self.stub.RegisterBlockType(request)).block_type

    async def save(self, path: str, overwrite: bool = False, **data: Any) -> block_pb2.Block:
        """Save a block."""
        slug, name = path.split("/")
        request = block_pb2.SaveBlockRequest(type_slug=slug, name=name, overwrite=overwrite)
        json_format.ParseDict(data, request.data)
        return (await self.stub.SaveBlock(request)).block

    async def get(self, path: str, secrets: bool = False) -> block_pb2.GetBlockResponse:
        """Return a block."""
        slug, name = path.split("/")
        request = block_pb2.GetBlockRequest(type_slug=slug, name=name, include_secrets=secrets)
        response: block_pb2.GetBlockResponse = await self.stub.GetBlock(request)
        return response

    async def delete(self, path: str) -> None:
        """Delete a block."""
        slug, name = path.split("/")
        await self.stub.DeleteBlock(block_pb2.DeleteBlockRequest(type_slug=slug, name=name))


def plain(data: Struct) -> dict[str, Any]:
    """Return data as plain values."""
    found: dict[str, Any] = json_format.MessageToDict(data)
    return found


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[RunningService]:
    """The state service with a key for secrets."""
    settings = ServerSettings.model_validate({"encryption_key": KEY})
    async with running_service("state", build, database_url, settings=settings) as running:
        yield running


@pytest.fixture
async def blocks(service: RunningService) -> Blocks:
    """A client of the block service that knows a type."""
    set_caller(service_caller("scheduler", DEFAULT_WORKSPACE_ID))
    found = Blocks(service)
    await found.register("git", GIT, "token", name="Git", capabilities=["clone"])
    return found


async def test_secrets_are_hidden_unless_they_are_asked_for(blocks: Blocks, database: Database) -> None:
    saved = await blocks.save("git/main", user="me", token="geheim")
    assert plain(saved.data) == {"user": "me", "token": HIDDEN}
    assert list(saved.secrets) == ["/token"]
    assert plain((await blocks.get("git/main")).block.data)["token"] == HIDDEN
    assert plain((await blocks.get("git/main", secrets=True)).block.data) == {"user": "me", "token": "geheim"}
    listed = await blocks.stub.ListBlocks(block_pb2.ListBlocksRequest())
    assert [plain(each.data) for each in listed.blocks] == [{"user": "me", "token": HIDDEN}]
    async with database.connection() as connection:
        stored = await connection.fetchrow("select data::text, secrets from block")
    assert stored is not None
    assert stored["secrets"]
    assert "geheim" not in str(dict(stored))


async def test_a_block_is_changed_without_sending_its_secrets_again(blocks: Blocks) -> None:
    await blocks.save("git/main", user="me", token="geheim")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await blocks.save("git/main", user="you", token="other")
    assert caught.value.code() == grpc.StatusCode.ALREADY_EXISTS
    await blocks.save("git/main", overwrite=True, user="you", token=HIDDEN)
    assert plain((await blocks.get("git/main", secrets=True)).block.data) == {"user": "you", "token": "geheim"}


async def test_what_does_not_fit_the_type_is_refused_without_telling_secrets(blocks: Blocks) -> None:
    for data in ({"token": "ab"}, {"user": "me"}, {"token": 4}, {"token": HIDDEN}):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await blocks.save("git/main", **data)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert "'ab'" not in str(caught.value)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await blocks.save("unknown/main")
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await blocks.save("git/Not a name", token="geheim")
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await blocks.register("bad", {"type": "nonsense"})
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_blocks_refer_to_blocks(blocks: Blocks) -> None:
    await blocks.register("repository", {"type": "object"})
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await blocks.save("repository/a", login={"$block": "git/main"})
    assert "data.login" in str(caught.value.trailing_metadata())
    await blocks.save("git/main", token="geheim")
    await blocks.save("repository/a", login={"$block": "git/main"}, mirrors=[{"login": {"$block": "git/main"}}])
    await blocks.save("repository/b", origin={"$block": "repository/a"})
    got = await blocks.get("repository/b", secrets=True)
    assert [(each.type_slug, each.name) for each in got.referenced] == [("git", "main"), ("repository", "a")]
    assert plain(got.referenced[0].data) == {"token": "geheim"}
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await blocks.save("repository/a", overwrite=True, origin={"$block": "repository/b"})
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await blocks.delete("git/main")
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    await blocks.save("repository/a", overwrite=True)
    await blocks.delete("git/main")
    assert not (await blocks.get("repository/a")).referenced


async def test_a_new_schema_leaves_blocks_of_an_earlier_one_alone(blocks: Blocks) -> None:
    first = (await blocks.save("git/old", token="geheim")).schema
    again = await blocks.register("git", GIT, "token", capabilities=["clone"])
    assert again.schema.checksum == first.checksum
    changed = await blocks.register("git", {**GIT, "required": ["token", "user"]}, "token", "user")
    assert changed.schema.checksum != first.checksum
    assert (await blocks.get("git/old")).block.schema.checksum == first.checksum
    with pytest.raises(grpc.aio.AioRpcError):
        await blocks.save("git/new", token="geheim")
    assert list((await blocks.save("git/new", token="geheim", user="me")).secrets) == ["/token", "/user"]


async def test_types_and_blocks_are_listed_and_deleted(blocks: Blocks) -> None:
    for slug in ("aws", "http"):
        await blocks.register(slug, {}, name=slug.upper(), capabilities=["call"])
    for path in ("git/b", "aws/c", "git/a"):
        await blocks.save(path, token="geheim")
    stub = blocks.stub
    types = await stub.ListBlockTypes(block_pb2.ListBlockTypesRequest(page_size=2))
    rest = await stub.ListBlockTypes(block_pb2.ListBlockTypesRequest(page_size=2, page_token=types.next_page_token))
    assert [each.slug for each in (*types.block_types, *rest.block_types)] == ["aws", "git", "http"]
    assert not rest.next_page_token
    found = await stub.ListBlockTypes(block_pb2.ListBlockTypesRequest(text="HT", capabilities=["call"]))
    assert [each.slug for each in found.block_types] == ["http"]
    page = await stub.ListBlocks(block_pb2.ListBlocksRequest(page_size=2))
    rest_of = await stub.ListBlocks(block_pb2.ListBlocksRequest(page_size=2, page_token=page.next_page_token))
    assert [each.name for each in (*page.blocks, *rest_of.blocks)] == ["c", "a", "b"]
    chosen = await stub.ListBlocks(
        block_pb2.ListBlocksRequest(type_slugs=["git"], name_contains="B", capabilities=["clone"])
    )
    assert [each.name for each in chosen.blocks] == ["b"]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.DeleteBlockType(block_pb2.DeleteBlockTypeRequest(slug="git"))
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    for path in ("git/a", "git/b"):
        await blocks.delete(path)
    await stub.DeleteBlockType(block_pb2.DeleteBlockTypeRequest(slug="git"))
    for call in (
        lambda: stub.GetBlockType(block_pb2.GetBlockTypeRequest(slug="git")),
        lambda: stub.DeleteBlockType(block_pb2.DeleteBlockTypeRequest(slug="git")),
        lambda: blocks.delete("git/a"),
        lambda: blocks.get("git/a"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call()
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND


async def test_secrets_are_encrypted_anew_in_batches(blocks: Blocks, database: Database) -> None:
    for number in range(5):
        await blocks.save(f"git/{number}", token=f"geheim-{number}")
    stored = PostgresBlocks(database)
    keys = [bytes.fromhex(OTHER_KEY), bytes.fromhex(KEY)]
    counts = []
    while True:
        done = await rotate_secrets(stored, SecretBox(keys), 2)
        counts.append((done.rotated, done.left, done.unreadable))
        if not done.left:
            break
    assert counts == [(2, 3, 0), (2, 1, 0), (1, 0, 0)]
    # The older key is not needed any more; the server, which has only that one, cannot read them.
    done = await rotate_secrets(stored, SecretBox([bytes.fromhex(OTHER_KEY)]), 10)
    assert (done.rotated, done.left) == (0, 0)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await blocks.get("git/0", secrets=True)
    assert "SECRET_NOT_READABLE" in str(caught.value.trailing_metadata())
    assert plain((await blocks.get("git/0")).block.data)["token"] == HIDDEN
    answer = await blocks.stub.RotateBlockSecrets(block_pb2.RotateBlockSecretsRequest(batch_size=2))
    assert (answer.rotated, answer.left, answer.unreadable) == (0, 5, 5)
    await blocks.save("git/0", overwrite=True, token="new")
    assert plain((await blocks.get("git/0", secrets=True)).block.data)["token"] == "new"


async def test_without_a_key_secrets_cannot_be_saved(database_url: str) -> None:
    settings = ServerSettings.model_validate({"encryption_key": None})
    async with running_service("state", build, database_url, settings=settings) as running:
        blocks = Blocks(running)
        await blocks.register("git", GIT, "token")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await blocks.save("git/main", token="geheim")
    assert "ENCRYPTION_KEY_NOT_SET" in str(caught.value.trailing_metadata())


async def test_blocks_belong_to_a_workspace_and_secrets_to_those_who_may_see_them(database_url: str) -> None:
    settings = ServerSettings.model_validate({"encryption_key": KEY})
    one, other = uuid.UUID(int=1), uuid.UUID(int=2)
    views = "PERMISSION_BLOCKS_VIEW"
    hidden = block_pb2.GetBlockRequest(type_slug="git", name="main")
    asked = block_pb2.GetBlockRequest(type_slug="git", name="main", include_secrets=True)
    async with running_service("state", build, database_url, settings=settings, resolver=NamedCaller()) as service:
        async with calling_as(service, one) as mine, calling_as(service, other) as theirs:
            owner, stranger = block_pb2_grpc.BlockServiceStub(mine), block_pb2_grpc.BlockServiceStub(theirs)
            for stub in (owner, stranger):
                schema = block_pb2.BlockSchema(secret_fields=["token"])
                await stub.RegisterBlockType(block_pb2.RegisterBlockTypeRequest(slug="git", schema=schema))
            request = block_pb2.SaveBlockRequest(type_slug="git", name="main")
            json_format.ParseDict({"token": "geheim"}, request.data)
            await owner.SaveBlock(request)
            referring = block_pb2.SaveBlockRequest(type_slug="git", name="other")
            json_format.ParseDict({"login": {"$block": "git/main"}}, referring.data)
            not_theirs = [
                stranger.GetBlock(asked),
                stranger.DeleteBlock(block_pb2.DeleteBlockRequest(type_slug="git", name="main")),
            ]
            assert [await code_of(call) for call in not_theirs] == [grpc.StatusCode.NOT_FOUND] * 2
            assert await code_of(stranger.SaveBlock(referring)) == grpc.StatusCode.INVALID_ARGUMENT
            assert not (await stranger.ListBlocks(block_pb2.ListBlocksRequest())).blocks
            # Deleting the other's type of the same slug leaves this one alone.
            await stranger.DeleteBlockType(block_pb2.DeleteBlockTypeRequest(slug="git"))
            assert plain((await owner.GetBlock(asked)).block.data) == {"token": "geheim"}
        async with calling_as(service, one, views) as partial:
            viewer = block_pb2_grpc.BlockServiceStub(partial)
            assert plain((await viewer.GetBlock(hidden)).block.data) == {"token": HIDDEN}
            refused = [
                viewer.GetBlock(asked),
                viewer.SaveBlock(request),
                viewer.DeleteBlock(block_pb2.DeleteBlockRequest(type_slug="git", name="main")),
                viewer.RotateBlockSecrets(block_pb2.RotateBlockSecretsRequest()),
            ]
            assert [await code_of(call) for call in refused] == [grpc.StatusCode.PERMISSION_DENIED] * 4
        async with calling_as(service, one, f"{views},PERMISSION_BLOCK_SECRETS_VIEW") as full:
            found = await block_pb2_grpc.BlockServiceStub(full).GetBlock(asked)
            assert plain(found.block.data) == {"token": "geheim"}


async def test_schemas_are_found_by_the_digest_of_a_client_and_blocks_are_saved_with_any_of_them(
    blocks: Blocks,
) -> None:
    first = (await blocks.stub.GetBlockType(block_pb2.GetBlockTypeRequest(slug="git"))).block_type.schema
    schema = block_pb2.BlockSchema(client_checksum="sha256:x", version="2")
    json_format.ParseDict({"type": "object"}, schema.fields)
    second = await blocks.stub.RegisterBlockType(block_pb2.RegisterBlockTypeRequest(slug="git", schema=schema))
    asked = block_pb2.ListBlockSchemasRequest(client_checksum="sha256:x", version="2", type_slugs=["git"])
    [found] = (await blocks.stub.ListBlockSchemas(asked)).schemas
    assert found == second.block_type.schema
    all_of_them = (await blocks.stub.ListBlockSchemas(block_pb2.ListBlockSchemasRequest())).schemas
    assert [each.block_schema_id for each in all_of_them] == [found.block_schema_id, first.block_schema_id]
    request = block_pb2.SaveBlockRequest(type_slug="git", name="old", block_schema_id=first.block_schema_id)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await blocks.stub.SaveBlock(request)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    json_format.ParseDict({"token": "geheim"}, request.data)
    saved = (await blocks.stub.SaveBlock(request)).block
    assert saved.schema.block_schema_id == first.block_schema_id
    [listed] = (await blocks.stub.ListBlocks(block_pb2.ListBlocksRequest(block_ids=[saved.block_id]))).blocks
    assert listed.name == "old"


async def test_a_schema_is_deleted_only_where_nothing_needs_it(blocks: Blocks) -> None:
    async def code_of_deleting(schema_id: str) -> grpc.StatusCode | None:
        try:
            await blocks.stub.DeleteBlockSchema(block_pb2.DeleteBlockSchemaRequest(block_schema_id=schema_id))
        except grpc.aio.AioRpcError as error:
            return error.code()
        return None

    used = (await blocks.save("git/main", token="geheim")).schema.block_schema_id
    unused = (await blocks.register("git", {"type": "object"})).schema.block_schema_id
    newest = (await blocks.register("git", {"type": "object", "title": "x"})).schema.block_schema_id
    assert await code_of_deleting(used) is grpc.StatusCode.FAILED_PRECONDITION
    assert await code_of_deleting(newest) is grpc.StatusCode.FAILED_PRECONDITION
    assert await code_of_deleting(unused) is None
    assert await code_of_deleting(unused) is grpc.StatusCode.NOT_FOUND


async def test_types_are_found_by_id_and_slug(blocks: Blocks) -> None:
    git = (await blocks.stub.GetBlockType(block_pb2.GetBlockTypeRequest(slug="git"))).block_type
    await blocks.register("other", {"type": "object"})
    for request in (
        block_pb2.ListBlockTypesRequest(block_type_ids=[git.block_type_id]),
        block_pb2.ListBlockTypesRequest(slugs=["git", "none"]),
    ):
        assert [each.slug for each in (await blocks.stub.ListBlockTypes(request)).block_types] == ["git"]
