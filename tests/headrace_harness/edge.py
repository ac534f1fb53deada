"""Envoy in front of a distributed server: one address for gRPC and HTTP, each call goes to the part that serves it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.resources
import json
import os
import pathlib
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

from headrace_gateway.edge_secrets import certificate_secret
from headrace_gateway.envoy import Edge, configuration
from headrace_harness.stack import LOOPBACK

ENVOY = shutil.which("envoy", path=f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
"""The program; None where there is none. The wheel that brings it exists for Linux on x86-64 only."""

_START_SECONDS = 30.0


@contextlib.asynccontextmanager
async def running_edge(
    folder: pathlib.Path,
    port: int,
    targets: Mapping[str, str],
    *,
    certificate: tuple[pathlib.Path, pathlib.Path] | None = None,
    **more: Any,
) -> AsyncIterator[None]:
    """Run an edge of the product.

    Args:
        folder: For its files.
        port: Where it listens.
        targets: Addresses of the parts by name, that of the gateway among them.
        certificate: Certificate and key, to serve over TLS.
        more: Further fields of `Edge`.
    """
    assert ENVOY is not None, "there is no envoy on this machine"
    path, secrets = folder / "envoy.json", folder / "secrets.json"
    if certificate is not None:
        secrets.write_text(json.dumps(certificate_secret("edge", *map(str, certificate))))
    edge = Edge(
        targets,
        port=port,
        host=LOOPBACK,
        descriptors=str(importlib.resources.files("headrace.api").joinpath("descriptors.binpb")),
        secrets=str(secrets) if certificate is not None else "",
        admin_port=None,
        **more,
    )
    path.write_text(json.dumps(configuration(edge)))
    with (folder / "envoy.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            ENVOY, "-c", str(path), "--disable-hot-restart", "--concurrency", "1", "-l", "warning",
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        async with asyncio.timeout(_START_SECONDS):
            while True:
                assert process.returncode is None, (folder / "envoy.log").read_text()
                try:
                    _, writer = await asyncio.open_connection(LOOPBACK, port)
                except OSError:
                    await asyncio.sleep(0.05)
                    continue
                writer.close()
                break
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
