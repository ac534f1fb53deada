"""Inputs of flow runs: the first with a key stays, waiting ends when one comes."""

from __future__ import annotations

import asyncio

import grpc
import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration

from headrace.api.v1 import run_input_pb2
from headrace.client.values import value_from_proto, value_to_proto
from headrace_harness.services import running_service
from headrace_harness.state import StateClient, new_id
from headrace_state.wiring import build


async def send(state: StateClient, run_id: str, key: str, value: object) -> run_input_pb2.CreateRunInputResponse:
    request = run_input_pb2.CreateRunInputRequest(
        flow_run_id=run_id, key=key, value=value_to_proto(value), sender="somebody"
    )
    response: run_input_pb2.CreateRunInputResponse = await state.inputs.CreateRunInput(request)
    return response


async def wait(state: StateClient, run_id: str, prefix: str, known: list[str], seconds: int) -> list[str]:
    request = run_input_pb2.WaitForRunInputsRequest(
        flow_run_id=run_id, key_prefix=prefix, known_keys=known, wait_up_to=Duration(seconds=seconds)
    )
    response = await state.inputs.WaitForRunInputs(request)
    return [each.key for each in response.run_inputs]


async def a_run(state: StateClient) -> str:
    return (await state.running_run()).flow_run.flow_run_id


async def test_the_first_input_with_a_key_stays(state: StateClient) -> None:
    run_id = await a_run(state)
    first = await send(state, run_id, "k", {"n": 1})
    second = await send(state, run_id, "k", {"n": 2})
    assert (first.created, second.created) == (True, False)
    assert value_from_proto(second.run_input.value) == {"n": 1}
    assert second.run_input.sender == "somebody"
    assert second.run_input.created_at == first.run_input.created_at


async def test_inputs_are_listed_oldest_first_in_pages_and_by_prefix(state: StateClient) -> None:
    run_id = await a_run(state)
    for number in range(5):
        await send(state, run_id, f"chat-{9 - number}", number)
    await send(state, run_id, "other", None)
    keys: list[str] = []
    token = ""
    while True:
        page = await state.inputs.ListRunInputs(
            run_input_pb2.ListRunInputsRequest(flow_run_id=run_id, key_prefix="chat-", page_size=2, page_token=token)
        )
        keys += [each.key for each in page.run_inputs]
        token = page.next_page_token
        if not token:
            break
    assert keys == ["chat-9", "chat-8", "chat-7", "chat-6", "chat-5"]


async def test_waiting_ends_when_an_input_comes_and_skips_known_ones(state: StateClient) -> None:
    run_id = await a_run(state)
    await send(state, run_id, "m-1", 1)
    assert await wait(state, run_id, "m-", [], 0) == ["m-1"]
    assert await wait(state, run_id, "m-", ["m-1"], 0) == []
    waiting = asyncio.create_task(wait(state, run_id, "m-", ["m-1"], 20))
    await send(state, run_id, "x-1", 1)
    await send(state, run_id, "m-2", 2)
    assert await waiting == ["m-2"]


async def test_an_input_is_deleted_once(state: StateClient) -> None:
    run_id = await a_run(state)
    await send(state, run_id, "k", 1)
    request = run_input_pb2.DeleteRunInputRequest(flow_run_id=run_id, key="k")
    await state.inputs.DeleteRunInput(request)
    for call in (state.inputs.DeleteRunInput(request), state.inputs.GetRunInput(_get(run_id, "k"))):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("key", ["", "with space", "-x", "é"])
async def test_a_key_is_a_word(state: StateClient, key: str) -> None:
    run_id = await a_run(state)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await send(state, run_id, key, 1)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_nothing_is_sent_to_a_run_that_is_not_there_and_nothing_too_large(state: StateClient) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await send(state, new_id(), "k", 1)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    run_id = await a_run(state)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await send(state, run_id, "k", "x" * 600_000)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def _get(run_id: str, key: str) -> run_input_pb2.GetRunInputRequest:
    return run_input_pb2.GetRunInputRequest(flow_run_id=run_id, key=key)


async def test_who_waits_is_sent_to_another_server_when_this_one_stops(database_url: str) -> None:
    async with running_service("state", build, database_url) as service:
        state = StateClient(service.channel, service.internal_channel)
        run_id = await a_run(state)
        waiting = asyncio.create_task(wait(state, run_id, "m-", [], 25))
        await send(state, run_id, "other", 1)
        await service.host.stop()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await waiting
        assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
