"""A new key for the secrets of a server: made, used, and the old one taken away."""

from __future__ import annotations

import pathlib
import subprocess
import sys
from typing import Any

import orjson
from google.protobuf import json_format

from headrace.api.v1 import block_pb2, block_pb2_grpc
from headrace.rpc.channel import open_aio_channel
from headrace_harness.servers import embedded_supervisor, start_embedded


def headrace(home: pathlib.Path, url: str, *arguments: str) -> Any:
    """Run `headrace server rotate-keys` and return what it says."""
    command = [
        sys.executable,
        "-c",
        "from headrace.cli import main; main()",
        "server",
        "rotate-keys",
        "-o",
        "json",
        *arguments,
    ]
    environment = {"HEADRACE_HOME": str(home), "HEADRACE_API_URL": url, "PATH": "/usr/bin:/bin"}
    return orjson.loads(subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60).stdout)


def keys(file: pathlib.Path, *replaced: str) -> list[str]:
    """Return the keys in a file, replaced if any are given."""
    if replaced:
        file.write_text("\n".join(replaced))
    return file.read_text().split()


async def test_a_key_is_changed_without_losing_a_secret(tmp_path: pathlib.Path) -> None:
    home = tmp_path / "home"
    supervisor = embedded_supervisor(home, "--database", "embedded")
    secret = block_pb2.GetBlockRequest(type_slug="git", name="main", include_secrets=True)
    try:
        addresses = await start_embedded(supervisor)
        async with open_aio_channel(addresses.targets["state"]) as channel:
            stub = block_pb2_grpc.BlockServiceStub(channel)
            schema = block_pb2.BlockSchema(secret_fields=["token"])
            await stub.RegisterBlockType(block_pb2.RegisterBlockTypeRequest(slug="git", schema=schema))
            request = block_pb2.SaveBlockRequest(type_slug="git", name="main")
            json_format.ParseDict({"token": "geheim"}, request.data)
            await stub.SaveBlock(request)
        file = pathlib.Path(headrace(home, addresses.http_url, "--new-key")["file"])
        new, old = keys(file)
        assert new != old
        await supervisor.stop()

        addresses = await start_embedded(supervisor)
        assert headrace(home, addresses.http_url) == {"rotated": 1, "unreadable": 0}
        assert headrace(home, addresses.http_url) == {"rotated": 0, "unreadable": 0}
        await supervisor.stop()

        keys(file, new)
        addresses = await start_embedded(supervisor)
        async with open_aio_channel(addresses.targets["state"]) as channel:
            found = await block_pb2_grpc.BlockServiceStub(channel).GetBlock(secret)
        assert found.block.data["token"] == "geheim"
    finally:
        await supervisor.stop()
