"""gRPC takes channel arguments that it does not know without a word, so each name is looked up in its library."""

from __future__ import annotations

import importlib.util
import pathlib

import pytest

from headrace.rpc.channel import channel_options
from headrace_chassis.server import server_options

NAMES = {name for name, _ in [*server_options(1), *channel_options(), *channel_options(spread=True)]}


@pytest.fixture(scope="module")
def library() -> bytes:
    found = importlib.util.find_spec("grpc._cython.cygrpc")
    assert found is not None
    assert found.origin is not None
    return pathlib.Path(found.origin).read_bytes()


@pytest.mark.parametrize("name", sorted(NAMES))
def test_grpc_knows_the_argument(name: str, library: bytes) -> None:
    assert name.encode() + b"\0" in library


def test_a_name_that_grpc_does_not_know_is_found_out(library: bytes) -> None:
    assert b"grpc.http2.min_recv_ping_interval_without_data_ms\0" not in library
